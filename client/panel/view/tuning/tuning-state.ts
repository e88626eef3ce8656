/** The fine-tuning page's state as a value, and its changes. */
import type { Comparison } from "../../../../protocol/comparison.ts";
import type { DataCheck, Fit, Pace, RunDetails, RunNews, RunSummary } from "../../../../protocol/runs.ts";
import { EMPTY_FORM, type Form } from "./form/tuning-form.ts";
import { isLive, newDetails, withNews } from "./runs/run-state.ts";

/** The steps of a new run. */
export const STEPS = ["task", "data", "base", "settings"] as const;
export type Step = (typeof STEPS)[number];

/** How the curves are drawn. */
export interface CurveOptions {
  /** The drawn value: a field of the curve's points, or a metric of the evaluations. */
  readonly what: string;
  readonly log: boolean;
  /** Share of the average before that each point keeps: 0 to 0.99. */
  readonly smoothing: number;
}

/** A question to the server about the form, and the answer. `key` identifies the question. */
export interface Query<T> {
  readonly key: string;
  readonly working: boolean;
  readonly answer?: T;
  readonly failure?: string;
}

/** All that the page shows. */
export interface TuningState {
  readonly view: "history" | "new" | "run" | "compare";
  /** Newest first; undefined until the server has answered. */
  readonly runs: readonly RunSummary[] | undefined;
  /** The details of the runs that were opened. */
  readonly details: Readonly<Record<string, RunDetails>>;
  /** Comparisons of the runs' bases and models that were asked for, by the runs' ids. */
  readonly comparisons: Readonly<Record<string, Query<Comparison>>>;
  /** The run that is looked at. */
  readonly selected: string;
  /** Runs to compare or to draw beside the selected one, in the order they were ticked. */
  readonly marked: readonly string[];
  /** The run that shall be deleted, once that is confirmed. */
  readonly doomed: string;
  readonly form: Form;
  readonly step: Step;
  readonly advanced: boolean;
  readonly check: Query<DataCheck>;
  readonly fit: Query<Fit>;
  readonly pace: Query<Pace>;
  /** A run is being started. */
  readonly starting: boolean;
  readonly curves: CurveOptions;
  /** The step of the evaluation whose samples are shown; undefined: the newest. */
  readonly evaluation: number | undefined;
}

/** The messages that change the state. */
export type TuningMessage =
  | { readonly type: "runs"; readonly runs: readonly RunSummary[] }
  | { readonly type: "details"; readonly details: RunDetails }
  | { readonly type: "news"; readonly news: RunNews }
  | { readonly type: "view"; readonly view: TuningState["view"] }
  | { readonly type: "open"; readonly id: string }
  | { readonly type: "mark"; readonly id: string; readonly on: boolean }
  | { readonly type: "doom"; readonly id: string }
  | { readonly type: "removed"; readonly id: string }
  | { readonly type: "form"; readonly change: Partial<Form> }
  | { readonly type: "task"; readonly task: string }
  | { readonly type: "value"; readonly name: string; readonly value: string }
  | { readonly type: "column"; readonly role: string; readonly column: string }
  /** A form that makes a run again. */
  | { readonly type: "fill"; readonly form: Form }
  | { readonly type: "step"; readonly step: Step }
  | { readonly type: "advanced"; readonly open: boolean }
  | { readonly type: "check"; readonly query: Query<DataCheck> }
  | { readonly type: "fit"; readonly query: Query<Fit> }
  | { readonly type: "pace"; readonly query: Query<Pace> }
  | { readonly type: "comparison"; readonly id: string; readonly query: Query<Comparison> }
  | { readonly type: "starting"; readonly on: boolean }
  | { readonly type: "started"; readonly summary: RunSummary }
  | { readonly type: "curves"; readonly change: Partial<CurveOptions> }
  | { readonly type: "evaluation"; readonly step: number | undefined };

/** The page before anything happened. */
export const FIRST_TUNING: TuningState = {
  view: "history",
  runs: undefined,
  details: {},
  comparisons: {},
  selected: "",
  marked: [],
  doomed: "",
  form: EMPTY_FORM,
  step: "task",
  advanced: false,
  check: { key: "", working: false },
  fit: { key: "", working: false },
  pace: { key: "", working: false },
  starting: false,
  curves: { what: "loss", log: false, smoothing: 0.9 },
  evaluation: undefined,
};

/** The state that is kept over a reload. */
export type SavedTuning = Pick<TuningState, "view" | "selected" | "marked" | "form" | "step" | "advanced" | "curves">;

/** The part of a state that is worth keeping. */
export function savedTuning({ view, selected, marked, form, step, advanced, curves }: TuningState): SavedTuning {
  return { view, selected, marked, form, step, advanced, curves };
}

/** The state after something happened. */
export function reduceTuning(state: TuningState, message: TuningMessage): TuningState {
  switch (message.type) {
    case "runs": {
      const isListed = (id: string) => message.runs.some((run) => run.id === id);
      const marked = state.marked.filter(isListed);
      const lost =
        (state.view === "run" && !isListed(state.selected)) || (state.view === "compare" && marked.length !== 2);
      return { ...state, runs: message.runs, marked, ...(lost && { view: "history" }) };
    }
    case "details":
      return withDetails(withSummary(state, message.details.summary), message.details);
    case "news": {
      const next = withSummary(state, message.news.summary);
      const details = state.details[message.news.summary.id];
      return details === undefined ? next : withDetails(next, withNews(details, message.news));
    }
    case "view":
      return { ...state, view: message.view, doomed: "" };
    case "open":
      return { ...state, view: "run", selected: message.id, evaluation: undefined, doomed: "" };
    case "mark": {
      const others = state.marked.filter((id) => id !== message.id);
      return { ...state, marked: message.on ? [...others, message.id] : others };
    }
    case "doom":
      return { ...state, doomed: message.id };
    case "removed":
      return withoutRun(state, message.id);
    case "form":
      return { ...state, form: { ...state.form, ...message.change } };
    case "task":
      // Another task has other columns; the rest of what was typed stays.
      if (message.task === state.form.task) return state;
      return { ...state, form: { ...state.form, task: message.task, columns: {} } };
    case "value": {
      const values = { ...state.form.values, [message.name]: message.value };
      return { ...state, form: { ...state.form, values } };
    }
    case "column": {
      const columns = { ...state.form.columns, [message.role]: message.column };
      return { ...state, form: { ...state.form, columns } };
    }
    case "fill":
      return { ...state, view: "new", step: "settings", form: message.form };
    case "step":
      return { ...state, view: "new", step: message.step };
    case "advanced":
      return { ...state, advanced: message.open };
    case "check":
      return { ...state, check: newestQuery(state.check, message.query) };
    case "fit":
      return { ...state, fit: newestQuery(state.fit, message.query) };
    case "pace":
      return { ...state, pace: newestQuery(state.pace, message.query) };
    case "comparison":
      return { ...state, comparisons: { ...state.comparisons, [message.id]: message.query } };
    case "starting":
      return { ...state, starting: message.on };
    case "started": {
      const next = withDetails(withSummary(state, message.summary), newDetails(message.summary));
      const form = { ...state.form, title: "" };
      return { ...next, starting: false, view: "run", selected: message.summary.id, step: "task", form };
    }
    case "curves":
      return { ...state, curves: { ...state.curves, ...message.change } };
    case "evaluation":
      return { ...state, evaluation: message.step };
  }
}

/** The run that is looked at. */
export function selectedRun({ runs, selected }: TuningState): RunSummary | undefined {
  return runs?.find(({ id }) => id === selected);
}

/** The newest question's answer; one to an older question comes too late. What was known stays in sight meanwhile. */
function newestQuery<T>(before: Query<T>, next: Query<T>): Query<T> {
  if (!next.working) return next.key === before.key ? next : before;
  return before.answer === undefined ? next : { ...next, answer: before.answer };
}

function withoutRun(state: TuningState, removed: string): TuningState {
  const { [removed]: _gone, ...details } = state.details;
  const { [removed]: _outdated, ...comparisons } = state.comparisons;
  const inSight = state.view === "run" && state.selected === removed;
  return {
    ...state,
    ...{ details, comparisons, doomed: "" },
    marked: state.marked.filter((id) => id !== removed),
    ...(state.runs && { runs: state.runs.filter(({ id }) => id !== removed) }),
    ...(inSight && { view: "history", selected: "" }),
  };
}

function withSummary(state: TuningState, summary: RunSummary): TuningState {
  const runs = state.runs ?? [];
  const isListed = runs.some(({ id }) => id === summary.id);
  const next = isListed ? runs.map((run) => (run.id === summary.id ? summary : run)) : [summary, ...runs];
  if (!isLive(summary)) return { ...state, runs: next };
  // Its model changes again.
  const { [summary.id]: _outdated, ...comparisons } = state.comparisons;
  return { ...state, runs: next, comparisons };
}

function withDetails(state: TuningState, details: RunDetails): TuningState {
  return { ...state, details: { ...state.details, [details.summary.id]: details } };
}
