/** What a run of fine-tuning is: its model, data, method and settings. */
import type { Method } from "../../../models/t5/trainable.ts";
import type { Evaluation } from "../../../protocol/training.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Schedule } from "../step/schedule.ts";
import type { StepOptions } from "../step/step.ts";
import type { Metric } from "./judge.ts";

/** How a run learns. */
export interface TrainSettings extends StepOptions {
  readonly epochs: number;
  /** Examples of a step. */
  readonly batchSize: number;
  /** Tokens of one pass through the graph, padding counted; a step whose examples have more takes several passes. */
  readonly maxBatchTokens: number;
  readonly maxInputTokens: number;
  readonly optimizer: "adafactor" | "adamw";
  /** Adafactor: relative to each tensor's root mean square. */
  readonly learningRate: number;
  readonly schedule: Schedule;
  readonly warmupSteps: number;
  readonly weightDecay: number;
  /** Gradients whose norm is larger are scaled down to it; 0: never. */
  readonly clipNorm: number;
  /** Steps between two evaluations; 0: once an epoch. */
  readonly evaluateEvery: number;
  /** Evaluations in a row without a better one after which the run ends; 0: never. */
  readonly patience: number;
  /** Validation examples that the model does its task on at each evaluation. */
  readonly judged: number;
  readonly seed: number;
}

/**
 * Settings that no learned step depends on: how much is computed at once, how the model is judged on the way, and when the run has had
 * enough. They may change when a stopped run goes on, for another machine has other cores and memory.
 */
export const MACHINE_SETTINGS = [
  "threads",
  "maxBatchTokens",
  "checkpointing",
  "evaluateEvery",
  "judged",
  "patience",
] as const satisfies readonly (keyof TrainSettings)[];

/** A run. */
export interface TrainRun {
  /** Folder of the model to start from. */
  readonly base: string;
  /** Folder of the model to make; new, or of a run of the same settings and data that was stopped. */
  readonly out: string;
  readonly task: { readonly name: string; readonly metric: Metric; readonly maxTargetTokens: number };
  /** The data's name, for the model card. */
  readonly data: string;
  readonly dataset: Dataset;
  /** Task prefixes for the new model's spanfill.json. */
  readonly prefixes: Readonly<Record<string, string>>;
  /** The labels that are learned, for its spanfill.json; absent of other tasks, and where there are many. */
  readonly labels?: readonly string[];
  /** tokenizer.json of the new model, where it is not its base's. */
  readonly tokenizerJson?: string;
  readonly method: Method;
  /** Why this method, for a person. */
  readonly reason: string;
  /** What was left out of the data before the dataset was made. */
  readonly notes: readonly string[];
  readonly settings: TrainSettings;
  /** Forget what a stopped run has done. */
  readonly restart: boolean;
}

/** The evaluation with the lowest validation loss; the first of equals. */
export function bestOf([first, ...others]: readonly Evaluation[]): Evaluation {
  if (first === undefined) throw new RangeError("a run begins with an evaluation");
  return others.reduce((best, one) => (one.validation < best.validation ? one : best), first);
}
