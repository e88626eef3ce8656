/** A run's lines of output: the events that its story is folded from, and the error that ended its process. */
import * as z from "zod";
import { fold, type RunStory } from "../../protocol/run-story.ts";
import type { RunState, Score } from "../../protocol/runs.ts";
import { type Evaluation, type TrainEvent, trainEventSchema } from "../../protocol/training.ts";
import { bestOf } from "../training/run/run.ts";

/** The output of a run that has been read so far. */
export interface RunOutput {
  story: RunStory;
  /** How the run ended, until it goes on. */
  end?: { readonly state: Extract<RunState, "stopped" | "done" | "failed">; readonly message?: string };
}

/**
 * Adds a line of the run's output.
 * @param line parsed JSON
 * @returns the event that it was, if it was one
 */
export function addLine(output: RunOutput, line: unknown): TrainEvent | undefined {
  const failure = failureSchema.safeParse(line);
  if (failure.success) {
    const { code, message } = failure.data.error;
    output.end = code === "interrupted" ? { state: "stopped" } : { state: "failed", message };
    return undefined;
  }
  const { data: event } = trainEventSchema.safeParse(line);
  if (event === undefined) return undefined;
  output.story = fold(output.story, event);
  if (event.type === "plan") delete output.end;
  if (event.type === "done") output.end = { state: "done" };
  return event;
}

/** The first and the best evaluation, as a summary reports them. */
export function scoresOf({ evaluations }: RunStory): { readonly base?: Score; readonly best?: Score } {
  const [first] = evaluations;
  return first === undefined ? {} : { base: scoreOf(first), best: scoreOf(bestOf(evaluations)) };
}

function scoreOf({ step, validation, metrics }: Evaluation): Score {
  const means = Object.entries(metrics).map(([name, interval]) => [name, interval?.mean ?? null]);
  return { step, validation, metrics: Object.fromEntries(means) };
}

const failureSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
