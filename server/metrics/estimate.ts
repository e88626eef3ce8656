/**
 * Uncertainty of figures: statistics of a sample, their bootstrap intervals, and paired differences on the same
 * items.
 */

import { seededRandom } from "../../models/random.ts";
import { type Interval, percentile } from "./metrics.ts";

/** A figure of the items at these indices (an index may occur several times); NaN if it is undefined for them. */
export type Statistic = (places: ArrayLike<number>) => number;

/** The outputs of a system: a model's, or a baseline's. */
export interface System {
  readonly name: string;
  /** Metric name -> statistic over the items of the evaluation. */
  readonly metrics: Readonly<Record<string, Statistic>>;
}

/** Estimates of one system; null if undefined for the items. */
export interface SystemEstimate {
  readonly name: string;
  readonly scores: Readonly<Record<string, Interval | null>>;
  /** The first system's figures minus this one's, on the same resamples (paired); absent for the first. */
  readonly difference?: Readonly<Record<string, Interval | null>>;
}

/** Number of resamples per interval. */
export const RESAMPLES = 1000;

/**
 * The sum of values divided by the sum of weights: a mean for unit weights, a share for counts.
 * @param weights one per value; ones if absent
 * @param shape applied to the quotient (Math.exp turns losses and tokens into a perplexity)
 */
export function ratio(
  values: readonly number[],
  weights?: readonly number[],
  shape: (quotient: number) => number = (quotient) => quotient,
): Statistic {
  const [numerators, denominators] = [Float64Array.from(values), weights && Float64Array.from(weights)];
  return (places) => {
    let [sum, weight] = [0, 0];
    for (let i = 0; i < places.length; i++) {
      const item = places[i] ?? 0;
      sum += numerators[item] ?? 0;
      weight += denominators === undefined ? 1 : (denominators[item] ?? 0);
    }
    return weight === 0 ? Number.NaN : shape(sum / weight);
  };
}

/**
 * Every metric of every system on some of the items, with 95% percentile intervals of the bootstrap. All systems use
 * the same resamples, so the differences from the first are paired.
 * @param places indices of the group's items
 * @see Koehn, "Statistical significance tests for machine translation evaluation" (2004)
 */
export function estimateSystems(places: readonly number[], systems: readonly System[], seed: number): SystemEstimate[] {
  const random = seededRandom(seed);
  const resamples = Array.from({ length: RESAMPLES }, () =>
    Int32Array.from(places, () => places[Math.floor(random() * places.length)] ?? 0),
  );
  const samples = systems.map(({ metrics }) => mapValues(metrics, (metric) => sample(metric, places, resamples)));
  const [first] = samples;
  return systems.map(({ name }, i) => {
    const ofSystem = samples[i] ?? {};
    const scores = mapValues(ofSystem, interval);
    if (first === undefined || i === 0) return { name, scores };
    const shared = Object.fromEntries(Object.entries(ofSystem).filter(([metric]) => first[metric] !== undefined));
    return { name, scores, difference: mapValues(shared, (other, metric) => interval(minus(first[metric], other))) };
  });
}

/** A statistic of all items and of each resample. */
interface Sample {
  readonly whole: number;
  readonly resampled: Float64Array;
}

function sample(metric: Statistic, places: readonly number[], resamples: readonly Int32Array[]): Sample {
  return { whole: metric(places), resampled: Float64Array.from(resamples, metric) };
}

function minus(minuend: Sample | undefined, subtrahend: Sample): Sample {
  return {
    whole: (minuend?.whole ?? Number.NaN) - subtrahend.whole,
    resampled: subtrahend.resampled.map((value, i) => (minuend?.resampled[i] ?? Number.NaN) - value),
  };
}

function interval({ whole, resampled }: Sample): Interval | null {
  const sorted = resampled.filter((value) => !Number.isNaN(value)).sort();
  if (Number.isNaN(whole) || sorted.length === 0) return null;
  return { mean: whole, low: percentile(sorted, 0.025), high: percentile(sorted, 0.975) };
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, make: (value: A, name: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, make(value, name)]));
}
