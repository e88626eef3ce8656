/**
 * A scaling law: loss by a model's size, its training and the text it learns from, fitted to measured losses, with
 * intervals.
 */
import { fcnnlsVector } from "ml-fcnnls";
import { levenbergMarquardt } from "ml-levenberg-marquardt";
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
    const drawn = runs.flatMap((run) => run.map((point) => run[Math.floor(random() * run.length)] ?? point));
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
  /** The law over the loss of each point: 1 where they are equal. */
  readonly ratios: readonly number[];
  /** The sum of the squares of what each ratio differs from 1. */
  readonly error: number;
}

/** The law nearest to the points; the search begins at the best of a grid, or at the given exponents. */
function fitOnce(points: readonly ScalePoint[], begin?: Triple): ScalingLaw {
  const middles = VARIABLES.map((name) =>
    Math.exp(points.reduce((sum, point) => sum + Math.log(point[name]), 0) / points.length),
  );
  const logs = points.map((point) => VARIABLES.map((name, i) => Math.log(point[name] / (middles[i] ?? 1))));
  const ones = points.map(() => 1);
  const at = (exponents: Triple): Projected => {
    const rows = points.map(({ loss }, point) =>
      exponents.map((exponent, i) => Math.exp(-exponent * (logs[point]?.[i] ?? 0)) / loss),
    );
    // None is negative: more of anything lowers no loss by less than nothing.
    const coefficients = fcnnlsVector(rows, ones).K.to1DArray() as unknown as Triple;
    const ratios = rows.map((row) => row.reduce((sum, value, i) => sum + value * (coefficients[i] ?? 0), 0));
    return { exponents, coefficients, ratios, error: ratios.reduce((sum, ratio) => sum + (ratio - 1) ** 2, 0) };
  };
  const { exponents, coefficients } = at(refined(begin ?? bestOfGrid(at), at, ones));
  const term = (i: 0 | 1 | 2): PowerTerm => ({
    coefficient: coefficients[i] * (middles[i] ?? 1) ** exponents[i],
    exponent: exponents[i],
  });
  return { parameters: term(0), tokens: term(1), text: term(2) };
}

function bestOfGrid(at: (exponents: Triple) => Projected): Triple {
  const [as, bs, cs] = BOUNDS.map(([least, most]) => gridOf(least, most, GRID));
  const all = (as ?? []).flatMap((a) => (bs ?? []).flatMap((b) => (cs ?? []).map((c) => at([a, b, c]))));
  return all.reduce((best, each) => (each.error < best.error ? each : best)).exponents;
}

function gridOf(least: number, most: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => least * (most / least) ** (i / (count - 1)));
}

/** Levenberg and Marquardt's steps on the logarithms of the exponents, within their bounds. */
function refined(begin: Triple, at: (exponents: Triple) => Projected, ones: readonly number[]): Triple {
  // The library wants more than two points; a law has six unknowns.
  if (ones.length <= 2 * begin.length) return begin;
  const { parameterValues } = levenbergMarquardt(
    { x: ones.map((_, point) => point), y: [...ones] },
    (logs) => {
      const { ratios } = at(logs.map(Math.exp) as unknown as Triple);
      return (point) => ratios[point] ?? 1;
    },
    {
      initialValues: begin.map(Math.log),
      minValues: BOUNDS.map(([least]) => Math.log(least)),
      maxValues: BOUNDS.map(([, most]) => Math.log(most)),
      gradientDifference: 1e-4,
      maxIterations: ROUNDS,
      errorTolerance: 1e-12,
    },
  );
  return parameterValues.map(Math.exp) as unknown as Triple;
}
