/** A run as a service knows it, and what is said of it. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { defined } from "../../base/defined.ts";
import type { RunState, RunSummary } from "../../protocol/runs.ts";
import type { TrainEvent } from "../../protocol/training.ts";
import type { RunRecord } from "./folder.ts";
import { type RunOutput, scoresOf } from "./story.ts";

/** A run as it is known here. */
export interface Known extends RunOutput {
  record: RunRecord;
  readonly lines: () => Promise<unknown[]>;
  /** Settles with the look that is under way, whether or not that fails: two would read the same lines. */
  looking: Promise<void>;
  /** What was read and has not been told. */
  untold: TrainEvent[];
  state: RunState;
  /** The state that was told last. */
  told?: RunState;
  endedAt?: string;
  message?: string;
  checkedMs: number;
}

/** What the history lists of a run. */
export function summaryOf({ record, story, state, endedAt, message }: Known): RunSummary {
  const { id, title, startedAt, request, out } = record;
  return {
    ...{ id, title, state, startedAt, request },
    model: basename(out),
    usable: story.evaluations.length > 0 && existsSync(join(out, "config.json")),
    step: story.step,
    steps: story.plan?.steps ?? 0,
    ...(state === "paused" && story.pause === "briefly" && { waiting: true as const }),
    ...scoresOf(story),
    ...defined(isLive(state) ? { secondsLeft: story.secondsLeft, message } : { endedAt, message }),
  };
}

/** Whether a run's process is there. */
export function isLive(state: RunState): boolean {
  return state === "starting" || state === "running" || state === "paused";
}

/** Whether the process that was started is there and has had little time. */
export function isStarting({ pid, launchedMs }: RunRecord): boolean {
  if (Date.now() - launchedMs > STARTING_MS) return false;
  if (pid === undefined) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Says that a run was lost. @param errors what its process said last */
export function lostMessage(errors: string): string {
  const said = errors.trim() === "" ? "" : ` Its last words: ${errors.trim()}`;
  return `The run's process ended without a word: was it killed, or the machine switched off? Resume it, and at most a minute is lost.${said}`;
}

/** For so long a process may prepare before it takes the model's folder. */
const STARTING_MS = 60_000;
