/** A run of fine-tuning: its model, data, method and settings. */
import type { Method } from "../../../models/t5/trainable.ts";
import type { TrainRequest } from "../../../protocol/train-request.ts";
import type { Evaluation } from "../../../protocol/training.ts";
import type { Dataset } from "../data/dataset.ts";
import type { StepOptions } from "../step/step.ts";
import type { Metric } from "./judge.ts";

/** The fields of a request that a run uses unchanged. */
type Taken =
  | "epochs"
  | "batchSize"
  | "maxBatchTokens"
  | "maxInputTokens"
  | "optimizer"
  | "learningRate"
  | "schedule"
  | "weightDecay"
  | "clipNorm"
  | "evaluateEvery"
  | "patience"
  | "judged"
  | "seed";

/**
 * The settings of a run: its request, with open choices decided. Adafactor's learning rate is relative to each tensor's
 * root mean square. 0 stands for once per epoch in `evaluateEvery`, and for never in `clipNorm` and `patience`.
 */
export interface TrainSettings extends StepOptions, Required<Pick<TrainRequest, Taken>> {
  readonly warmupSteps: number;
}

/** A run. */
export interface TrainRun {
  /** Folder of the model to start from. */
  readonly base: string;
  /** The new model's folder: a new one, or that of a stopped run with the same settings and data. */
  readonly out: string;
  readonly task: { readonly name: string; readonly metric: Metric; readonly maxTargetTokens: number };
  /** The data's name, for the model card. */
  readonly data: string;
  readonly dataset: Dataset;
  /** Task prefixes for the new model's spanfill.json. */
  readonly prefixes: Readonly<Record<string, string>>;
  /** The labels that are learned, for its spanfill.json; absent for other tasks and if there are many. */
  readonly labels?: readonly string[];
  /** tokenizer.json of the new model, if it differs from its base's. */
  readonly tokenizerJson?: string;
  readonly method: Method;
  /** The reason for the method, for people. */
  readonly reason: string;
  /** Notes on data that were left out of the dataset. */
  readonly notes: readonly string[];
  readonly settings: TrainSettings;
  /** Whether to discard the state of a stopped run. */
  readonly restart: boolean;
}

/** The evaluation with the lowest validation loss; the first of equals. */
export function bestOf([first, ...others]: readonly Evaluation[]): Evaluation {
  if (first === undefined) throw new RangeError("a run begins with an evaluation");
  return others.reduce((best, one) => (one.validation < best.validation ? one : best), first);
}
