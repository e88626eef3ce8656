/** How a model's own likelihoods become probabilities of being right: a few numbers for each kind of text, in its spanfill.json. */
import { z } from "zod";

/**
 * What is measured of a text that a model produced, from the log probabilities of its tokens: their sum, mean, least and
 * first, and the logarithm of how many there are.
 */
export const MEASURES = ["total", "mean", "least", "first", "length"] as const;
export type Measures = Readonly<Record<(typeof MEASURES)[number], number>>;

/**
 * Kinds of text, each with its meaning of "right": a `word`, weighed against others with the help of word pairs (its one log probability
 * is that among them), and a `fill` of words or a phrase are what the author wrote; a `passage`
 * (the rest of a sentence, or more) begins with the author's word; a `summary` and a `title` have a ROUGE-L of at least
 * {@link RIGHT_ROUGE} with the author's.
 */
export const CALIBRATED_KINDS = ["word", "fill", "passage", "summary", "title"] as const;
export type CalibratedKind = (typeof CALIBRATED_KINDS)[number];

/** The ROUGE-L (F-measure, stemmed) from which on a summary or a title counts as right. */
export const RIGHT_ROUGE = 0.3;

const curveSchema = z.object({
  bias: z.number(),
  weights: z.partialRecord(z.enum(MEASURES), z.number()),
});

/** A logistic curve: the probability of being right is 1 / (1 + exp(-(bias + the weighted measures))). */
export type Curve = z.output<typeof curveSchema>;

/** The key `calibration` of spanfill.json. */
export const calibrationSchema = z.partialRecord(z.enum(CALIBRATED_KINDS), curveSchema);
export type Calibration = Readonly<z.output<typeof calibrationSchema>>;

/** The measures of a text by its tokens' log probabilities; those of an impossible text when there are none. */
export function measuresOf(logProbs: readonly number[]): Measures {
  if (logProbs.length === 0) return { total: LEAST, mean: LEAST, least: LEAST, first: LEAST, length: 0 };
  const bounded = logProbs.map((one) => Math.max(one, LEAST));
  const total = bounded.reduce((sum, one) => sum + one, 0);
  return {
    total,
    mean: total / bounded.length,
    least: Math.min(...bounded),
    first: bounded[0] ?? LEAST,
    length: Math.log(bounded.length),
  };
}

/** The probability, 0 to 1, that a text with these measures is right. */
export function probabilityOf({ bias, weights }: Curve, measures: Measures): number {
  const logit = MEASURES.reduce((sum, name) => sum + (weights[name] ?? 0) * measures[name], bias);
  return 1 / (1 + Math.exp(-logit));
}

/** A log probability that stands for "impossible": finite, so that sums stay so. */
const LEAST = -100;
