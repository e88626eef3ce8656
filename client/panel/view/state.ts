/** The page's state as a value, and its changes: `(state, message) -> state`, independent of the DOM. */

import type { Job, ModelList, ModelRow, Verified } from "../../../protocol/panel/models.ts";
import type { Chosen, Devices, Generated } from "../../../protocol/panel.ts";
import { TASK_PREFIXES } from "../../../protocol/task-prefixes.ts";
import { type Cost, qualities } from "./models/chart-data.ts";
import type { Needs } from "./models/recommend.ts";
import { arranged, type Column, type Filter, type Sorting } from "./models/rows.ts";
import {
  FIRST_TUNING,
  reduceTuning,
  type SavedTuning,
  savedTuning,
  type TuningMessage,
  type TuningState,
} from "./tuning/tuning-state.ts";
import { t } from "./ui/texts.ts";

/** The pages, in the order of their tabs. */
export const PAGES = ["models", "tuning", "playground"] as const;
export type Page = (typeof PAGES)[number];

/** How the models are looked at. */
export type ModelsView = "table" | "chart" | "advice" | "devices";

/** The playground's settings. */
export interface Trial {
  readonly id: string;
  /** A second model, asked the same; empty: none. */
  readonly other: string;
  readonly precision: "int8" | "float32";
  readonly prefix: string;
  readonly text: string;
  readonly maxNewTokens: number;
  readonly numBeams: number;
  readonly temperature: number;
  readonly noRepeatNgramSize: number;
  readonly alternatives: number;
}

/** A model's output in the playground, or the reason that there is none. */
export interface TrialResult {
  readonly id: string;
  readonly generated?: Generated;
  readonly failure?: string;
}

/** A line that tells what was done or went wrong; gone when a person closes it. */
export interface Notice {
  readonly kind: "done" | "failed";
  readonly text: string;
}

/** Everything the page shows. */
export interface State {
  readonly page: Page;
  readonly view: ModelsView;
  /** Undefined until the server has answered. */
  readonly list: ModelList | undefined;
  readonly chosen: Chosen | undefined;
  /** The selected model's devices; undefined until the server has answered. */
  readonly devices: Devices | undefined;
  /** By the model's id. */
  readonly jobs: Readonly<Record<string, Job>>;
  readonly filter: Filter;
  readonly sorting: Sorting;
  /** The model whose details are shown. */
  readonly selected: string;
  readonly scroll: { readonly top: number; readonly height: number };
  readonly cost: Cost;
  readonly quality: string;
  readonly needs: Needs;
  readonly notices: readonly Notice[];
  readonly verified: Readonly<Record<string, Verified>>;
  readonly trial: Trial;
  /** Whether a trial is running. */
  readonly trying: boolean;
  readonly results: readonly TrialResult[];
  /** The fine-tuning page's part. */
  readonly tuning: TuningState;
}

/** The messages that change the state. */
export type Message =
  | { readonly type: "list"; readonly list: ModelList }
  | { readonly type: "chosen"; readonly chosen: Chosen }
  /** The devices for one model. */
  | { readonly type: "devices"; readonly id: string; readonly devices: Devices }
  | { readonly type: "job"; readonly job: Job }
  /** The server has ended. */
  | { readonly type: "gone" }
  | { readonly type: "page"; readonly page: Page }
  | { readonly type: "view"; readonly view: ModelsView }
  | { readonly type: "filter"; readonly change: Partial<Filter> }
  | { readonly type: "sort"; readonly column: Column }
  | { readonly type: "select"; readonly id: string }
  /** Moves the selection in the table by rows. */
  | { readonly type: "move"; readonly by: number }
  | { readonly type: "scroll"; readonly top: number; readonly height: number }
  | { readonly type: "chart"; readonly change: Partial<Pick<State, "cost" | "quality">> }
  | { readonly type: "needs"; readonly change: Partial<Needs> }
  | { readonly type: "notice"; readonly notice: Notice }
  | { readonly type: "dismiss"; readonly index: number }
  | { readonly type: "verified"; readonly id: string; readonly verified: Verified }
  | { readonly type: "trial"; readonly change: Partial<Trial> }
  | { readonly type: "trying" }
  | { readonly type: "tried"; readonly results: readonly TrialResult[] }
  | { readonly type: "tuning"; readonly message: TuningMessage };

/** Height of the table's rows, in CSS pixels. */
export const ROW_PX = 26;

/** The page's first state. @param saved the result of an earlier {@link savedOf}; anything else is ignored */
export function initialState(saved?: unknown): State {
  const restored = isSaved(saved) ? saved.kept : undefined;
  return {
    page: "models",
    view: "table",
    filter: { text: "", only: "all", family: "" },
    sorting: { column: "parameters", descending: false },
    selected: "",
    cost: "parameters",
    quality: "",
    trial: FIRST_TRIAL,
    results: [],
    ...restored,
    needs: needsOf(restored?.needs),
    list: undefined,
    chosen: undefined,
    devices: undefined,
    jobs: {},
    scroll: { top: 0, height: 600 },
    notices: [],
    verified: {},
    trying: false,
    tuning: { ...FIRST_TUNING, ...restored?.tuning },
  };
}

/** @param saved by an earlier version with `task` in the place of `purpose` */
function needsOf({ task, ...needs }: Partial<Needs> & { readonly task?: Needs["purpose"] } = {}): Needs {
  return { purpose: task ?? "summarize", budgetMs: 1000, memoryMb: 1000, ...needs };
}

/** The part of a state that is kept over a reload, for setState. */
export function savedOf(state: State): Saved {
  const { page, view, filter, sorting, selected, cost, quality, needs, trial, results } = state;
  const lasting = { page, view, filter, sorting, selected, cost, quality, needs, trial, results };
  return { version: 1, kept: { ...lasting, tuning: savedTuning(state.tuning) } };
}

/** The state after something happened. */
export function reduce(state: State, message: Message): State {
  switch (message.type) {
    case "list": {
      const { list } = message;
      const jobs = Object.fromEntries(list.jobs.map((job) => [job.id, job]));
      const isListed = (id: string) => list.models.some((row) => row.id === id);
      const selected = isListed(state.selected) ? state.selected : list.builtIn;
      const kinds = qualities(list.models);
      const quality = kinds.includes(state.quality)
        ? state.quality
        : (kinds.find((kind) => /GLUE/.test(kind)) ?? kinds[0] ?? "");
      const trial = isListed(state.trial.id) ? state.trial : { ...state.trial, id: list.builtIn };
      return { ...state, list, jobs, selected, quality, trial };
    }
    case "chosen":
      return { ...state, chosen: message.chosen };
    case "devices":
      return message.id === state.selected ? { ...state, devices: message.devices } : state;
    case "job":
      return withJob(state, message.job);
    case "gone":
      return { ...state, jobs: {} };
    case "page":
      return { ...state, page: message.page };
    case "view":
      return { ...state, view: message.view };
    case "filter":
      return { ...state, filter: { ...state.filter, ...message.change }, scroll: { ...state.scroll, top: 0 } };
    case "sort": {
      const { column } = message;
      const descending = state.sorting.column === column && !state.sorting.descending;
      return { ...state, sorting: { column, descending } };
    }
    case "select":
      return { ...state, selected: message.id };
    case "move": {
      const rows = shownRows(state);
      const now = rows.findIndex(({ id }) => id === state.selected);
      const next = rows[Math.min(Math.max(now + message.by, 0), rows.length - 1)];
      return next === undefined ? state : { ...state, selected: next.id };
    }
    case "scroll":
      return { ...state, scroll: { top: message.top, height: message.height } };
    case "chart":
      return { ...state, ...message.change };
    case "needs":
      return { ...state, needs: { ...state.needs, ...message.change } };
    case "notice":
      return { ...state, notices: [...state.notices, message.notice].slice(-3) };
    case "dismiss":
      return { ...state, notices: state.notices.filter((_, i) => i !== message.index) };
    case "verified":
      return { ...state, verified: { ...state.verified, [message.id]: message.verified } };
    case "trial":
      return { ...state, trial: { ...state.trial, ...message.change } };
    case "trying":
      return { ...state, trying: true };
    case "tried":
      return { ...state, trying: false, results: message.results };
    case "tuning":
      return { ...state, tuning: reduceTuning(state.tuning, message.message) };
  }
}

/**
 * Whether what is shown of the devices is to be asked for: they came into sight, or what the answer hangs on has
 * changed.
 */
export function asksForDevices(before: State, { page, view, list, selected, chosen }: State): boolean {
  if (page !== "models" || view !== "devices" || list === undefined) return false;
  return (
    before.page !== page ||
    before.view !== view ||
    before.list !== list ||
    before.selected !== selected ||
    before.chosen !== chosen
  );
}

/** The rows that the filter lets through, in order. */
export function shownRows({ list, filter, sorting }: State): readonly ModelRow[] {
  return arranged(list?.models ?? NO_ROWS, filter, sorting);
}

/** The part of the rows that is drawn: what is in sight and a little around it. */
export function drawnRows(
  state: State,
  rows: readonly ModelRow[],
): { readonly start: number; readonly rows: readonly ModelRow[] } {
  const { top, height } = state.scroll;
  const start = Math.max(0, Math.min(Math.floor(top / ROW_PX), rows.length - 1) - AROUND);
  return { start, rows: rows.slice(start, start + Math.ceil(height / ROW_PX) + 2 * AROUND) };
}

/** The server that text goes to, also while it fails, since it is tried again; undefined where text stays here. */
export function hostOfText({
  devices,
  chosen,
}: Pick<State, "devices"> & { readonly chosen: Pick<Chosen, "device"> | undefined }): string | undefined {
  return chosen?.device === "server" ? devices?.host : undefined;
}

/** The model whose details are shown. */
export function selectedRow({ list, selected }: State): ModelRow | undefined {
  return list?.models.find(({ id }) => id === selected);
}

const NO_ROWS: readonly ModelRow[] = [];
/** Rows drawn beyond what is in sight, so that a quick scroll shows no hole. */
const AROUND = 10;

const FIRST_TRIAL: Trial = {
  id: "",
  other: "",
  precision: "int8",
  prefix: TASK_PREFIXES.summarize,
  text: "",
  maxNewTokens: 64,
  numBeams: 1,
  temperature: 0,
  noRepeatNgramSize: 0,
  alternatives: 0,
};

/** The state that is kept over a reload. */
interface Saved {
  readonly version: 1;
  readonly kept: Pick<
    State,
    "page" | "view" | "filter" | "sorting" | "selected" | "cost" | "quality" | "needs" | "trial" | "results"
  > & { readonly tuning: SavedTuning };
}

function isSaved(saved: unknown): saved is Saved {
  return typeof saved === "object" && saved !== null && "version" in saved && saved.version === 1 && "kept" in saved;
}

function withJob(state: State, job: Job): State {
  const next = { ...state, jobs: { ...state.jobs, [job.id]: job } };
  const ended = state.jobs[job.id]?.state !== job.state && (job.state === "done" || job.state === "failed");
  // Who asked for anything else gets an answer.
  if (job.kind !== "get" || !ended) return next;
  const notice: Notice =
    job.state === "done"
      ? { kind: "done", text: t("{0} is downloaded and can be used.", job.id) }
      : { kind: "failed", text: job.message ?? t("{0} could not be downloaded.", job.id) };
  return reduce(next, { type: "notice", notice });
}
