/** A fine-tuning run: its model, data, method and settings. */
import type { Method } from "../../../models/t5/lowering/trainable.ts";
import type { ModeTexts } from "../../../models/tokenizer/corruption.ts";
import type { TrainRequest } from "../../../protocol/train-request.ts";
import type { Evaluation } from "../../../protocol/training.ts";
import type { Dataset } from "../data/dataset.ts";
import type { StepOptions } from "../step/step.ts";
import type { Metric } from "./judge.ts";

/** The fields of a request that a run takes as they are. */
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
 * How a run learns: its request, with what that leaves open decided. A learning rate of Adafactor is relative to each
 * tensor's root mean square; `evaluateEvery` is 0 for once an epoch, `clipNorm` and `patience` for never.
 */
export interface TrainSettings extends StepOptions, Required<Pick<TrainRequest, Taken>> {
  readonly warmupSteps: number;
}

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
  /** The modes that are learned, for its spanfill.json; absent unless UL2's denoisers make the gaps. */
  readonly modes?: ModeTexts;
  /** tokenizer.json of the new model, where it is not its base's. */
  readonly tokenizerJson?: string;
  readonly method: Method;
  /** Why this method, for a person. */
  readonly reason: string;
  /** Notes on what was left out of the data before the dataset was made. */
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
