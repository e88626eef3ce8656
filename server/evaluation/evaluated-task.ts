/** What the tasks under evaluation share: what they work with, and what they give. */
import type { Confusion, GroupEstimate } from "../metrics/evaluate.ts";
import type { ModelPool } from "./pool.ts";

/** What a task is done with. */
export interface TaskContext {
  readonly pool: ModelPool;
  readonly signal: AbortSignal;
  readonly progress: (label: string, done: number, total: number) => void;
  readonly seed: number;
}

/** One prediction as `--predictions` writes it, with scores of its own beside what all have. */
export interface Prediction {
  readonly row: number;
  readonly source: string;
  /** The true text; of several accepted answers all. */
  readonly reference: string | readonly string[];
  readonly prediction: string;
  /** Mean of logProbs; null where there are none. */
  readonly logProb: number | null;
  /** Natural log probability of each of the prediction's tokens. */
  readonly logProbs: readonly number[];
  readonly [score: string]: unknown;
}

/** Figures, how they came about, and every prediction. */
export interface TaskResult {
  readonly groups: readonly GroupEstimate[];
  readonly confusion?: Confusion;
  readonly alternatives?: number;
  /** How outputs were made and compared, in sentences. */
  readonly notes: readonly string[];
  readonly predictions: readonly Prediction[];
}

/** A text that a model produced, and how likely it found each token. */
export interface Produced {
  readonly text: string;
  /** Natural log probabilities. */
  readonly logProbs: readonly number[];
}

/** What every prediction tells of the text produced. */
export function predicted(produced: Produced | undefined): Pick<Prediction, "prediction" | "logProb" | "logProbs"> {
  const { text, logProbs } = produced ?? { text: "", logProbs: [] };
  const logProb = logProbs.length === 0 ? null : logProbs.reduce((a, b) => a + b, 0) / logProbs.length;
  return { prediction: text.trim(), logProb, logProbs };
}
