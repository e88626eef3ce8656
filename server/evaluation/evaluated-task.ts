/** The common interface of evaluated tasks: their context and their results. */
import type { Confusion, GroupEstimate } from "../metrics/evaluate.ts";
import type { ModelPool } from "./pool.ts";

/** The context in which a task is done. */
export interface TaskContext {
  readonly pool: ModelPool;
  readonly signal: AbortSignal;
  readonly progress: (label: string, done: number, total: number) => void;
  readonly seed: number;
}

/** A prediction as `--predictions` writes it, with the task's scores besides the common fields. */
export interface Prediction {
  readonly row: number;
  readonly source: string;
  /** The true text, or all accepted answers. */
  readonly reference: string | readonly string[];
  readonly prediction: string;
  /** Mean of logProbs; null if there are none. */
  readonly logProb: number | null;
  /** Natural log probability of each of the prediction's tokens. */
  readonly logProbs: readonly number[];
  readonly [score: string]: unknown;
}

/** Figures, notes on them, and all predictions. */
export interface TaskResult {
  readonly groups: readonly GroupEstimate[];
  readonly confusion?: Confusion;
  readonly alternatives?: number;
  /** How outputs were generated and compared, in sentences. */
  readonly notes: readonly string[];
  readonly predictions: readonly Prediction[];
}

/** A text that a model generated, with the likelihood of each token. */
export interface Produced {
  readonly text: string;
  /** Natural log probabilities. */
  readonly logProbs: readonly number[];
}

/** The fields of a prediction that describe the generated text. */
export function predicted(produced: Produced | undefined): Pick<Prediction, "prediction" | "logProb" | "logProbs"> {
  const { text, logProbs } = produced ?? { text: "", logProbs: [] };
  const logProb = logProbs.length === 0 ? null : logProbs.reduce((a, b) => a + b, 0) / logProbs.length;
  return { prediction: text.trim(), logProb, logProbs };
}
