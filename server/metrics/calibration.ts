/** Fits a model's likelihoods to how often it was right, and measures how reliable the result is. */
import {
  type CalibratedKind,
  type Curve,
  type MEASURES,
  measuresOf,
  probabilityOf,
} from "../catalog/folder/int8/calibration.ts";
import { mean } from "./metrics.ts";

/** A text that a model generated: its tokens' natural log probabilities, and whether it was right. */
export interface Trial {
  readonly logProbs: readonly number[];
  readonly right: boolean;
  /** Whether the text that would replace it is right, if there is one. */
  readonly insteadRight?: boolean;
}

/** The texts with a confidence in [from, to): their number, their mean confidence, and the share that was right. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly predicted: number;
  readonly observed: number;
  /** The share of these whose replacement was right; absent without one. */
  readonly instead?: number;
}

/** Compares confidences with correctness. */
export interface Reliability {
  readonly count: number;
  /** The share of all texts that was right. */
  readonly right: number;
  /** Mean distance between predicted and observed over the bins, weighted by their counts. */
  readonly expectedCalibrationError: number;
  /**
   * Mean squared distance of the confidence from 1 (right) or 0; and the same for a constant confidence equal to the
   * share.
   */
  readonly brier: number;
  readonly brierOfShare: number;
  readonly bins: readonly ReliabilityBin[];
}

/**
 * The measures that best separate right from wrong for each kind on validation data: a fill must be right as a whole,
 * a passage in its first word.
 */
const KIND_MEASURES: Readonly<Record<CalibratedKind, readonly (typeof MEASURES)[number][]>> = {
  word: ["odds"],
  fill: ["total", "length"],
  passage: ["first", "mean"],
  summary: ["mean", "least", "length"],
  title: ["mean", "least", "length"],
};

/**
 * Fits the logistic curve of maximum likelihood, with a slight pull of the weights towards 0.
 * @returns the curve; undefined if all trials are right, or all wrong
 */
export function fitCurve(kind: CalibratedKind, trials: readonly Trial[]): Curve | undefined {
  const names = KIND_MEASURES[kind];
  if (trials.every(({ right }) => right) || !trials.some(({ right }) => right)) return undefined;
  const rows = trials.map(({ logProbs }) => {
    const measures = measuresOf(logProbs);
    return names.map((name) => measures[name]);
  });
  const centres = names.map((_, j) => mean(rows.map((row) => row[j] ?? 0)));
  const spreads = names.map(
    (_, j) => Math.sqrt(mean(rows.map((row) => ((row[j] ?? 0) - (centres[j] ?? 0)) ** 2))) || 1,
  );
  const inputs = rows.map((row) => [1, ...row.map((value, j) => (value - (centres[j] ?? 0)) / (spreads[j] ?? 1))]);
  const standard = newton(
    inputs,
    trials.map(({ right }) => (right ? 1 : 0)),
  );
  const weights = names.map((_, j) => (standard[j + 1] ?? 0) / (spreads[j] ?? 1));
  const bias = (standard[0] ?? 0) - weights.reduce((sum, weight, j) => sum + weight * (centres[j] ?? 0), 0);
  return { bias: rounded(bias), weights: Object.fromEntries(names.map((name, j) => [name, rounded(weights[j] ?? 0)])) };
}

/** Compares a curve's confidences with correctness, in ten bins without the empty ones. */
export function reliability(curve: Curve, trials: readonly Trial[]): Reliability {
  return reliabilityOf(trials, (trial) => probabilityOf(curve, measuresOf(trial.logProbs)));
}

/**
 * Does the same for trials that the curve is fitted to: each confidence comes from a curve fitted to the other four
 * fifths.
 */
export function crossReliability(kind: CalibratedKind, trials: readonly Trial[]): Reliability {
  const curves = Array.from({ length: FOLDS }, (_, fold) =>
    fitCurve(
      kind,
      trials.filter((_, i) => i % FOLDS !== fold),
    ),
  );
  const indexes = new Map(trials.map((trial, i) => [trial, i]));
  return reliabilityOf(trials, (trial) => {
    const curve = curves[(indexes.get(trial) ?? 0) % FOLDS];
    return curve === undefined ? 0 : probabilityOf(curve, measuresOf(trial.logProbs));
  });
}

const FOLDS = 5;
const BINS = 10;
const STEPS = 30;
const PULL = 0.1;

function reliabilityOf(trials: readonly Trial[], confidence: (trial: Trial) => number): Reliability {
  const judged = trials.map((trial) => ({ ...trial, hit: trial.right ? 1 : 0, confidence: confidence(trial) }));
  const right = mean(judged.map((trial) => trial.hit));
  const bins = Array.from({ length: BINS }, (_, i): ReliabilityBin[] => {
    const inBin = judged.filter((trial) => Math.min(BINS - 1, Math.floor(trial.confidence * BINS)) === i);
    if (inBin.length === 0) return [];
    const replaced = inBin.filter((trial) => trial.insteadRight !== undefined);
    return [
      {
        from: i / BINS,
        to: (i + 1) / BINS,
        count: inBin.length,
        predicted: mean(inBin.map((trial) => trial.confidence)),
        observed: mean(inBin.map((trial) => trial.hit)),
        ...(replaced.length === 0 ? {} : { instead: mean(replaced.map((trial) => (trial.insteadRight ? 1 : 0))) }),
      },
    ];
  }).flat();
  const distance = ({ count, predicted, observed }: ReliabilityBin) => count * Math.abs(predicted - observed);
  return {
    count: judged.length,
    right,
    expectedCalibrationError: bins.reduce((sum, bin) => sum + distance(bin), 0) / Math.max(1, judged.length),
    brier: mean(judged.map((trial) => (trial.confidence - trial.hit) ** 2)),
    brierOfShare: mean(judged.map((trial) => (right - trial.hit) ** 2)),
    bins,
  };
}

/** Newton's method for the penalized log-likelihood; with few weights, the Hessian is solved directly. */
function newton(inputs: readonly (readonly number[])[], targets: readonly number[]): number[] {
  const size = inputs[0]?.length ?? 0;
  let weights = new Array<number>(size).fill(0);
  for (let step = 0; step < STEPS; step++) {
    // Rows of the Hessian, each with the gradient at its end.
    const system = weights.map((weight, j) => {
      const row = new Array<number>(size + 1).fill(0);
      // The first weight is the bias, which is not pulled.
      if (j > 0) row[j] = PULL;
      row[size] = j > 0 ? PULL * weight : 0;
      return row;
    });
    for (const [i, input] of inputs.entries()) {
      const p = 1 / (1 + Math.exp(-dot(input, weights)));
      for (const [j, row] of system.entries()) {
        for (const [k, value] of input.entries()) row[k] = (row[k] ?? 0) + p * (1 - p) * (input[j] ?? 0) * value;
        row[size] = (row[size] ?? 0) + (p - (targets[i] ?? 0)) * (input[j] ?? 0);
      }
    }
    const change = solve(system);
    weights = weights.map((weight, j) => weight - (change[j] ?? 0));
    if (Math.max(...change.map(Math.abs)) < 1e-9) break;
  }
  return weights;
}

/** Gaussian elimination of [n, n + 1]; the matrix is positive definite, so no pivoting is needed. */
function solve(system: number[][]): number[] {
  const size = system.length;
  for (const [j, pivot] of system.entries()) {
    for (const row of system.slice(j + 1)) {
      const factor = (row[j] ?? 0) / (pivot[j] ?? 1);
      for (let k = j; k <= size; k++) row[k] = (row[k] ?? 0) - factor * (pivot[k] ?? 0);
    }
  }
  const solution = new Array<number>(size).fill(0);
  for (let j = size - 1; j >= 0; j--) {
    const row = system[j] ?? [];
    solution[j] = ((row[size] ?? 0) - dot(row.slice(j + 1, size), solution.slice(j + 1))) / (row[j] ?? 1);
  }
  return solution;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

/** Rounds to four digits, which exceeds the precision of the data. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
