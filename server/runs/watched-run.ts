/** A run as the service tracks it, and the summary shown of it. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { defined } from "../../base/defined.ts";
import type { RunState, RunSummary } from "../../protocol/runs.ts";
import type { TrainEvent } from "../../protocol/training.ts";
import type { RunRecord } from "./folder.ts";
import { type RunOutput, scoresOf } from "./story.ts";

/** A tracked run. */
export interface WatchedRun extends RunOutput {
  record: RunRecord;
  readonly lines: () => Promise<unknown[]>;
  /**
   * Settles when the current check of the run's files ends, successful or not; two checks would read the same lines.
   */
  checking: Promise<void>;
  /** Events that were read and not yet reported. */
  unreported: TrainEvent[];
  state: RunState;
  /** The state that was reported last. */
  reportedState?: RunState;
  endedAt?: string;
  message?: string;
  checkedMs: number;
}

/** The run's entry in the history. */
export function summaryOf({ record, story, state, endedAt, message }: WatchedRun): RunSummary {
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

/** Whether a run's process is running. */
export function isLive(state: RunState): boolean {
  return state === "starting" || state === "running" || state === "paused";
}

/** Whether the process that was started is running but has had little time. */
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

/**
 * The message of a run that was lost.
 * @param errors the last output of its process on standard error
 */
export function lostMessage(errors: string): string {
  const lastWords = errors.trim() === "" ? "" : ` Its last words: ${errors.trim()}`;
  return `The run's process ended without a message: it may have been killed, or the machine switched off. Resume it; at most a minute is lost.${lastWords}`;
}

/** How long a process may prepare before it locks the model's folder. */
const STARTING_MS = 60_000;
