/** The fine-tuning page's requests to the extension, and the handling of the answers. */
import { defined } from "../../../../base/defined.ts";
import { sizeInWords } from "../../../../base/figures.ts";
import { reason } from "../../../../base/reason.ts";
import type { Comparison } from "../../../../protocol/comparison.ts";
import type { Feature } from "../../../../protocol/features.ts";
import type { RunSummary } from "../../../../protocol/runs.ts";
import type { RunRequest } from "../../../../protocol/train-request.ts";
import { type App, attempt, refresh } from "../app.ts";
import { t } from "../ui/texts.ts";
import { type Form, filled, formOf } from "./form/tuning-form.ts";
import { fieldOf } from "./form/tuning-settings.ts";
import { tuningTask } from "./form/tuning-tasks.ts";
import type { Query, Step, TuningMessage } from "./tuning-state.ts";

/** Changes the page's state. */
export function tell(app: App, message: TuningMessage): void {
  app.dispatch({ type: "tuning", message });
}

/** Asks for all runs, and for the details of those in sight. */
export async function loadRuns(app: App): Promise<void> {
  const list = await attempt(app, () => app.ask({ kind: "runs" }));
  if (list === undefined) return;
  tell(app, { type: "runs", runs: list.runs });
  const { view, selected, marked } = app.state().tuning;
  const shown = view === "run" ? [selected, ...marked] : view === "compare" ? marked : [];
  for (const id of shown) await loadDetails(app, id);
}

/** Shows a run. */
export async function openRun(app: App, id: string): Promise<void> {
  tell(app, { type: "open", id });
  focusLater("tuning-heading");
  await loadDetails(app, id);
}

/** Asks for a run's details. */
async function loadDetails(app: App, id: string): Promise<void> {
  const details = await attempt(app, () => app.ask({ kind: "run", id }));
  if (details !== undefined) tell(app, { type: "details", details });
}

/** Ticks a run, or takes its tick away. */
export async function mark(app: App, id: string, on: boolean): Promise<void> {
  tell(app, { type: "mark", id, on });
  if (on && app.state().tuning.details[id] === undefined) await loadDetails(app, id);
}

/** Goes to a step of the form, and asks what that step shows. */
export async function goTo(app: App, step: Step): Promise<void> {
  tell(app, { type: "step", step });
  focusLater("tuning-heading");
  await askForStep(app);
}

/** Asks what the form's step shows, unless that is known: after a reload it is not. */
export async function askForStep(app: App): Promise<void> {
  const { page, tuning } = app.state();
  const { view, step } = tuning;
  if (page !== "tuning" || view !== "new") return;
  if (step === "data") await checkData(app);
  if (step === "base" || step === "settings") await askFit(app);
}

/** Lets a person pick what to learn from, and checks it. */
export async function pickData(app: App, what: "folder" | "file" | "workspace"): Promise<void> {
  const data = await attempt(app, () => app.ask({ kind: "pickData", what }));
  if (data === null && what === "workspace") {
    app.dispatch({
      type: "notice",
      notice: { kind: "failed", text: t("No folder is open. Open one, or pick a folder.") },
    });
  }
  if (data === undefined || data === null) return;
  tell(app, { type: "form", change: { data, columns: {} } });
  await checkData(app);
}

/** Reads the data as a run would, unless that was done. @param again also when it was */
export async function checkData(app: App, again = false): Promise<void> {
  const { form, check } = app.state().tuning;
  const request = requestOf(app, { ...form, values: dataValues(form) });
  if (request === undefined) return;
  await asking("check", app, check, again, request, () => app.ask({ kind: "checkData", request }));
}

/** Asks what a run would need, unless that was done. @param again also when it was */
export async function askFit(app: App, again = false): Promise<void> {
  const { form, fit } = app.state().tuning;
  const request = requestOf(app, form);
  if (request === undefined) return;
  await asking("fit", app, fit, again, request, () => app.ask({ kind: "fit", request }));
}

/** Times the form's model where the run would be computed, and here; again each time it is asked. */
export async function askPace(app: App): Promise<void> {
  const { form, pace } = app.state().tuning;
  const request = requestOf(app, form);
  if (request === undefined) return;
  await asking("pace", app, pace, true, request, () => app.ask({ kind: "pace", request }));
}

/** Asks how a run's model differs from its base. */
export async function askComparison(app: App, { id }: RunSummary): Promise<void> {
  // The button is gone while it works.
  focusLater("similarity-heading");
  const ask = () => app.ask({ kind: "compareRun", id });
  await following((query: Query<Comparison>) => tell(app, { type: "comparison", id, query }), id, ask);
}

/** Starts the run that the form describes. */
export async function startRun(app: App): Promise<void> {
  const { request, title } = fill(app, app.state().tuning.form);
  if (request === undefined) return;
  tell(app, { type: "starting", on: true });
  const summary = await attempt(app, () => app.ask({ kind: "startRun", title, request }));
  tell(app, { type: "starting", on: false });
  if (summary === undefined) return;
  tell(app, { type: "started", summary });
  await openRun(app, summary.id);
}

/** Pauses, continues, stops or resumes a run. */
export async function steer(
  app: App,
  { id }: RunSummary,
  action: "pause" | "continue" | "stop" | "resume",
): Promise<void> {
  const summary = await attempt(app, () => app.ask({ kind: "steerRun", id, action }));
  if (summary !== undefined) tell(app, { type: "news", news: { summary, events: [] } });
}

/** Throws a run away. */
export async function removeRun(app: App, { id, title }: RunSummary, model: boolean): Promise<void> {
  const removed = await attempt(app, () => app.ask({ kind: "removeRun", id, model }));
  if (removed === undefined) return;
  tell(app, { type: "removed", id });
  const text = t("{0} is deleted; {1} are free again.", title, sizeInWords(removed.freedBytes));
  app.dispatch({ type: "notice", notice: { kind: "done", text } });
  focusLater("tuning-heading");
  if (model) await refresh(app);
}

/** Fills the form with a run's settings. */
export async function duplicate(app: App, { request, title }: RunSummary): Promise<void> {
  tell(app, { type: "fill", form: formOf(request, t("{0} again", title).slice(0, 100)) });
  focusLater("tuning-heading");
  await askFit(app);
}

/** Makes the editor use a run's model. @param feature undefined: for everything */
export async function useNow(app: App, { model }: RunSummary, feature: Feature | undefined): Promise<void> {
  const question = { kind: "choose", id: model, ...defined({ feature }) } as const;
  const chosen = await attempt(app, () => app.ask(question));
  if (chosen === undefined) return;
  app.dispatch({ type: "chosen", chosen });
  const text = t("The editor now uses {0}.", model);
  app.dispatch({ type: "notice", notice: { kind: "done", text } });
  await refresh(app);
}

/**
 * Opens the playground with a run's model beside its base.
 * @param input what it shall read; with the prefix or without
 */
export async function tryOut(app: App, { model, request }: RunSummary, input: string): Promise<void> {
  await refresh(app);
  const prefix = request.prefix ?? tuningTask(request.task)?.prefix ?? "";
  const text = input.startsWith(prefix) ? input.slice(prefix.length) : input;
  app.dispatch({ type: "trial", change: { id: model, other: request.base, prefix, text } });
  app.dispatch({ type: "page", page: "playground" });
}

/** The form's result; a base that is gone is replaced by the built-in one. */
export function fill(app: App, form: Form): ReturnType<typeof filled> {
  const { list } = app.state();
  const there = list?.models.some(({ id, installed }) => id === form.base && installed !== undefined);
  return filled(there ? form : { ...form, base: "" }, list?.builtIn ?? "");
}

/** Puts the focus on an element once it is drawn. */
export function focusLater(id: string): void {
  // After the frame that draws it.
  requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector<HTMLElement>(`#${id}`)?.focus()));
}

function dataValues({ values }: Form): Form["values"] {
  return Object.fromEntries(Object.entries(values).filter(([name]) => fieldOf(name)?.ofData));
}

function requestOf(app: App, form: Form): RunRequest | undefined {
  return fill(app, form).request;
}

async function asking<T>(
  type: "check" | "fit" | "pace",
  app: App,
  before: Query<T>,
  again: boolean,
  request: RunRequest,
  ask: () => Promise<T>,
): Promise<void> {
  const key = JSON.stringify(request);
  if (before.key === key && !again) return;
  await following((query: Query<T>) => tell(app, { type, query } as TuningMessage), key, ask);
}

/** Reports a question that is under way, and its answer or failure. */
async function following<T>(report: (query: Query<T>) => void, key: string, ask: () => Promise<T>): Promise<void> {
  report({ key, working: true });
  try {
    report({ key, working: false, answer: await ask() });
  } catch (error) {
    report({ key, working: false, failure: reason(error) });
  }
}
