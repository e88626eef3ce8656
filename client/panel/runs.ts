/** Reports training runs in a window: shows progress in the status bar, and tells how runs started here have ended. */
import { type Disposable, l10n } from "vscode";
import type { State } from "vscode-languageclient";
import { percent, percentDone } from "../../base/figures.ts";
import type { Feature } from "../../protocol/features.ts";
import { RUN_NOTIFICATION, type RunNews, type RunState, type RunSummary } from "../../protocol/runs.ts";
import { notify } from "../editor/notices.ts";
import { rememberGoingOn, rememberStarted, startedRuns } from "../editor/run-memory.ts";
import { createBarItem } from "../editor/status.ts";
import { ask, choose, type PanelContext } from "./answers.ts";

/** Follows the runs. */
export interface RunWatch extends Disposable {
  /** Registers a run that was started in this window. */
  startedHere(run: RunSummary): Promise<void>;
}

/** Callbacks of the watch. */
export interface RunWatchOptions {
  readonly onNews: (news: RunNews) => void;
  /** Whether a person sees the panel. */
  readonly isSeen: () => boolean;
  /** Shows the runs. */
  readonly show: () => void;
}

// Only the value, because the library is in the extension's other bundle.
const RUNNING: State.Running = 2;

/** Starts to follow the runs, beginning with their current state. */
export async function watchRuns(context: PanelContext, options: RunWatchOptions): Promise<RunWatch> {
  const { extension } = context;
  const item = createBarItem("spanfill.training", l10n.t("Spanfill: training"), "spanfill.showRuns");
  const live = new Map<string, RunSummary>();

  function update(run: RunSummary): void {
    if (LIVE.includes(run.state)) live.set(run.id, run);
    else live.delete(run.id);
    draw();
    const started = startedRuns(extension);
    if (LIVE.includes(run.state) || !started.includes(run.id)) return;
    void rememberStarted(
      extension,
      started.filter((id) => id !== run.id),
    );
    if (!options.isSeen()) void tellEnd(run, options.show);
  }

  function draw(): void {
    rememberGoingOn(extension, live.size > 0);
    const [run] = live.values();
    if (run === undefined) {
      item.hide();
      return;
    }
    const percent = run.steps === 0 ? "" : ` ${percentDone(run.step / run.steps)}`;
    const icon = run.state === "paused" ? "debug-pause" : "beaker";
    item.show(icon, `${l10n.t("Training")}${percent}`, [...live.values()].map(inWords));
  }

  async function refresh(): Promise<void> {
    const { runs } = await ask({ kind: "runs" }, context);
    live.clear();
    for (const run of runs) update(run);
    draw();
  }

  const client = await (await context.server()).ready();
  const registered = [
    client.onNotification(RUN_NOTIFICATION, (news: RunNews) => {
      update(news.summary);
      options.onNews(news);
    }),
    // A new server knows nothing until it is asked.
    client.onDidChangeState(({ newState }) => {
      if (newState === RUNNING) void refresh().catch(() => undefined);
    }),
  ];
  await refresh();
  return {
    async startedHere(run) {
      await rememberStarted(extension, [...startedRuns(extension), run.id]);
      update(run);
    },
    dispose() {
      for (const disposable of [...registered, item]) disposable.dispose();
    },
  };
}

/** The feature that a model trained for a task serves; undefined if there is none. */
function featureOf(task: string): Feature | undefined {
  if (task === "qa" || task === "squad") return "ask";
  return task === "summarize" || task === "infill" || task === "classify" ? task : undefined;
}

const LIVE: readonly RunState[] = ["starting", "running", "paused"];

/** Reports how a run has ended, unless a person stopped it. */
async function tellEnd(run: RunSummary, show: () => void): Promise<void> {
  if (run.state === "stopped") return;
  const look = l10n.t("Show");
  if (run.state !== "done") {
    const why = run.message ?? l10n.t("Its process ended.");
    if ((await notify("warning", l10n.t("Spanfill: training {0} failed. {1}", run.title, why), look)) === look) show();
    return;
  }
  const [use, feature] = [l10n.t("Use Now"), featureOf(run.request.task)];
  const text = l10n.t("Spanfill: {0} is trained: {1}.", run.title, changeOf(run));
  const chosen = await notify("information", text, ...(feature === undefined ? [] : [use]), look);
  if (chosen === use) await choose(feature, run.model);
  if (chosen === look) show();
}

/** The improvement by training: in the task's own metric if it was measured, otherwise in the loss. */
function changeOf({ base, best }: RunSummary): string {
  const judged = Object.entries(best?.metrics ?? {}).find(
    ([name, value]) => value !== null && typeof base?.metrics[name] === "number",
  );
  if (judged !== undefined) {
    const [name, after] = judged;
    return l10n.t("{0} {1} → {2}", name, percent(base?.metrics[name] ?? 0), percent(after ?? 0));
  }
  return l10n.t("validation loss {0} → {1}", base?.validation.toFixed(2) ?? "?", best?.validation.toFixed(2) ?? "?");
}

function inWords({ title, state, step, steps, secondsLeft, waiting }: RunSummary): string {
  if (state === "starting") return l10n.t("{0}: starting", title);
  if (waiting === true) return l10n.t("{0}: waits while you type, step {1} of {2}", title, step, steps);
  if (state === "paused") return l10n.t("{0}: paused at step {1} of {2}", title, step, steps);
  if (secondsLeft === undefined) return l10n.t("{0}: step {1} of {2}", title, step, steps);
  const minutes = Math.max(1, Math.round(secondsLeft / 60));
  return l10n.t("{0}: step {1} of {2}, about {3} min left", title, step, steps, minutes);
}
