/**
 * A scaling law: loss by a model's size, its training and the text it learns from, fitted to measured losses, with
 * intervals.
 */
import { mixSeeds, seededRandom } from "../../../models/random.ts";

/** The place of a loss. */
export interface ScalePlace {
  /** Parameters without the embedding and the position biases (N). */
  readonly parameters: number;
  /** Tokens seen in training, both sides, repeated ones counted (T). */
  readonly tokens: number;
  /** Tokens of the text that is learned from, each counted once (D). */
  readonly text: number;
}

/** A measured loss, in nats a token. */
export interface ScalePoint extends ScalePlace {
  readonly loss: number;
  /** The run that it belongs to; its points are drawn again among themselves. */
  readonly run: string;
}

/** coefficient * x ^ -exponent. */
export interface PowerTerm {
  readonly coefficient: number;
  readonly exponent: number;
}

/** loss = size(N) + training(T) + text(D). */
export interface ScalingLaw {
  readonly parameters: PowerTerm;
  readonly tokens: PowerTerm;
  readonly text: PowerTerm;
}

/** A fitted law, and those of points drawn again, from which intervals follow. */
export interface FittedLaw {
  readonly law: ScalingLaw;
  readonly others: readonly ScalingLaw[];
  /** Measured loss / the law's loss - 1, of each point. */
  readonly residuals: readonly number[];
}

/** A value with its 95% interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The law's loss at a place. */
export function lossAt(law: ScalingLaw, place: ScalePlace): number {
  return VARIABLES.reduce((sum, name) => sum + law[name].coefficient * place[name] ** -law[name].exponent, 0);
}

/**
 * Fits a law by variable projection: for given exponents the coefficients follow in closed form (least squares of
 * relative errors, none negative), and only the three exponents are searched: on a grid, then by Levenberg and
 * Marquardt's steps from its best place.
 * @param points at least one for each coefficient and exponent
 * @param draws how often the points of each run are drawn again, with replacement
 * @see Su et al., "Unraveling the Mystery of Scaling Laws" (arXiv 2403.06563), for size and steps; Kaplan et al.
 *   (arXiv 2001.08361) for the text; Golub and Pereyra (1973) for the method
 */
export function fitLaw(points: readonly ScalePoint[], draws: number, seed: number): FittedLaw {
  const law = fitOnce(points);
  const runs = [...new Set(points.map(({ run }) => run))].map((name) => points.filter(({ run }) => run === name));
  const others = Array.from({ length: draws }, (_, draw) => {
    const random = seededRandom(mixSeeds(seed, draw));
    const drawn = runs.flatMap((own) => own.map((point) => own[Math.floor(random() * own.length)] ?? point));
    return fitOnce(drawn, [law.parameters.exponent, law.tokens.exponent, law.text.exponent]);
  });
  return { law, others, residuals: points.map((point) => point.loss / lossAt(law, point) - 1) };
}

/** A prediction: the interval holds what the constants leave open, and how far measured losses lie off the law. */
export function predict({ law, others, residuals }: FittedLaw, place: ScalePlace): Estimate {
  const losses = others.flatMap((other) => residuals.map((residual) => lossAt(other, place) * (1 + residual)));
  return estimate(lossAt(law, place), losses);
}

/** An exponent with its interval. */
export function exponentOf({ law, others }: FittedLaw, name: keyof ScalingLaw): Estimate {
  return estimate(
    law[name].exponent,
    others.map((other) => other[name].exponent),
  );
}

function estimate(value: number, drawn: readonly number[]): Estimate {
  const sorted = Float64Array.from(drawn).sort();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? value;
  return { value, low: Math.min(value, at(0.025)), high: Math.max(value, at(0.975)) };
}

const VARIABLES = ["parameters", "tokens", "text"] as const;

/**
 * Where exponents are searched. What no training removes is found in the size's term, as in the paper, whose exponent
 * may be small; those of training and text may not, since a constant would fit into any of the three.
 */
const BOUNDS: readonly (readonly [least: number, most: number])[] = [
  [0.02, 1],
  [0.25, 2],
  [0.25, 2],
];
/** Exponents of the grid, for each term. */
const GRID = 7;
const ROUNDS = 60;

type Triple = readonly [number, number, number];

/** A law whose exponents are given. */
interface Projected {
  readonly exponents: Triple;
  /** Relative to losses at the middle of the points. */
  readonly coefficients: Triple;
  /** The law over the loss of each point, - 1. */
  readonly residuals: Float64Array;
  readonly error: number;
}

/** The law nearest to the points; the search begins at the best of a grid, or at the given exponents. */
function fitOnce(points: readonly ScalePoint[], begin?: Triple): ScalingLaw {
  const middles = VARIABLES.map((name) =>
    Math.exp(points.reduce((sum, point) => sum + Math.log(point[name]), 0) / points.length),
  );
  const logs = VARIABLES.map((name, i) => points.map((point) => Math.log(point[name] / (middles[i] ?? 1))));
  const weights = points.map(({ loss }) => 1 / loss);
  const at = (exponents: Triple): Projected => {
    const [a, b, c] = exponents.map((exponent, i) => columnOf(logs[i] ?? [], weights, exponent));
    return project(exponents, [a ?? NO_POINTS, b ?? NO_POINTS, c ?? NO_POINTS]);
  };
  const { exponents, coefficients } = refined(at(begin ?? bestOfGrid(at)), at);
  const term = (i: 0 | 1 | 2): PowerTerm => ({
    coefficient: coefficients[i] * (middles[i] ?? 1) ** exponents[i],
    exponent: exponents[i],
  });
  return { parameters: term(0), tokens: term(1), text: term(2) };
}

const NO_POINTS = new Float64Array();

function bestOfGrid(at: (exponents: Triple) => Projected): Triple {
  const [as, bs, cs] = BOUNDS.map(([least, most]) => gridOf(least, most, GRID));
  const all = (as ?? []).flatMap((a) => (bs ?? []).flatMap((b) => (cs ?? []).map((c) => at([a, b, c]))));
  return all.reduce((best, one) => (one.error < best.error ? one : best)).exponents;
}

/** Levenberg and Marquardt's steps on the logarithms of the exponents, within their bounds. */
function refined(begin: Projected, at: (exponents: Triple) => Projected): Projected {
  let [best, damping] = [begin, 1e-2];
  for (let round = 0; round < ROUNDS && damping < 1e9; round += 1) {
    const { exponents, residuals } = best;
    const slopes = exponents.map((_, i) => {
      const { residuals: moved } = at(moving(exponents, i, STEP));
      return moved.map((value, point) => (value - (residuals[point] ?? 0)) / STEP);
    });
    const matrix = slopes.map((a, i) =>
      slopes.map((b, j) => dot(a, b) * (i === j ? 1 + damping : 1) + (i === j ? 1e-15 : 0)),
    );
    const step = solve(
      matrix,
      slopes.map((slope) => -dot(slope, residuals)),
    );
    const next =
      step && at(step.reduce<Triple>((moved, by, i) => moving(moved, i, Math.max(-1, Math.min(1, by))), exponents));
    if (next === undefined || next.error >= best.error) damping *= 4;
    else [best, damping] = [next, damping / 4];
  }
  return best;
}

/** How far an exponent's logarithm is moved to see what follows. */
const STEP = 1e-4;

function moving(exponents: Triple, which: number, by: number): Triple {
  return exponents.map((exponent, i) => {
    const [least, most] = BOUNDS[i] ?? [exponent, exponent];
    return i === which ? Math.max(least, Math.min(most, exponent * Math.exp(by))) : exponent;
  }) as unknown as Triple;
}

function gridOf(least: number, most: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => least * (most / least) ** (i / (count - 1)));
}

function columnOf(logs: readonly number[], weights: readonly number[], exponent: number): Float64Array {
  return Float64Array.from(logs, (log, i) => Math.exp(-exponent * log) * (weights[i] ?? 0));
}

/** Subsets of the three terms, the largest first. */
const SUBSETS: readonly (readonly number[])[] = [[0, 1, 2], [0, 1], [0, 2], [1, 2], [0], [1], [2]];

/** The coefficients, none negative, whose sum of columns is nearest to ones: each loss over itself. */
function project(exponents: Triple, columns: readonly [Float64Array, Float64Array, Float64Array]): Projected {
  const products = columns.map((a) => columns.map((b) => dot(a, b)));
  const sums = columns.map((column) => column.reduce((sum, value) => sum + value, 0));
  let [gain, coefficients]: [number, Triple] = [0, [0, 0, 0]];
  for (const terms of SUBSETS) {
    const solved = solve(
      terms.map((i) => terms.map((j) => products[i]?.[j] ?? 0)),
      terms.map((i) => sums[i] ?? 0),
    );
    if (solved === undefined || solved.some((value) => value < 0)) continue;
    const own = terms.reduce((sum, i, at) => sum + (solved[at] ?? 0) * (sums[i] ?? 0), 0);
    if (own > gain)
      [gain, coefficients] = [own, [0, 1, 2].map((i) => solved[terms.indexOf(i)] ?? 0) as unknown as Triple];
    // Where all three are positive, no subset is nearer.
    if (terms.length === 3) break;
  }
  const [a, b, c] = columns;
  const residuals = a.map(
    (value, i) => coefficients[0] * value + coefficients[1] * (b[i] ?? 0) + coefficients[2] * (c[i] ?? 0) - 1,
  );
  return { exponents, coefficients, residuals, error: dot(residuals, residuals) };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** Gaussian elimination of a small symmetric system; undefined where it is singular. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] | undefined {
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0]);
  const size = rows.length;
  for (const [at, pivot] of rows.entries()) {
    const scale = pivot[at] ?? 0;
    if (!(scale > 1e-12 * (matrix[at]?.[at] ?? 0))) return undefined;
    for (const row of rows.slice(at + 1)) {
      const factor = (row[at] ?? 0) / scale;
      for (let i = at; i <= size; i += 1) row[i] = (row[i] ?? 0) - factor * (pivot[i] ?? 0);
    }
  }
  const solved = new Array<number>(size).fill(0);
  for (let at = size - 1; at >= 0; at -= 1) {
    const row = rows[at] ?? [];
    let rest = row[size] ?? 0;
    for (let i = at + 1; i < size; i += 1) rest -= (row[i] ?? 0) * (solved[i] ?? 0);
    solved[at] = rest / (row[at] ?? 1);
  }
  return solved;
}
