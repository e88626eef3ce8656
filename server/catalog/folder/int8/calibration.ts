/**
 * Converts a model's likelihoods into probabilities of being right, with a few coefficients per kind of text from its
 * spanfill.json.
 */
import * as z from "zod";

/**
 * Measures of a text that a model generated, computed from its tokens' log probabilities: sum, log odds of the sum's
 * probability, mean, minimum, first value, and the logarithm of their number.
 */
export const MEASURES = ["total", "odds", "mean", "least", "first", "length"] as const;
export type Measures = Readonly<Record<(typeof MEASURES)[number], number>>;

/**
 * Kinds of text, each with its meaning of "right". A `word` (one log probability, among candidates that word pairs
 * helped to rank) and a `fill` of words or a phrase equal what the author wrote. A `passage` (the rest of a sentence,
 * or more) begins with the author's word. A `summary` and a `title` have a ROUGE-L of at least {@link RIGHT_ROUGE}
 * with the author's.
 */
export const CALIBRATED_KINDS = ["word", "fill", "passage", "summary", "title"] as const;
export type CalibratedKind = (typeof CALIBRATED_KINDS)[number];

/** Minimum ROUGE-L (F-measure, stemmed) for a summary or a title to count as right. */
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

/** The measures of a text from its tokens' log probabilities; those of an impossible text if there are none. */
export function measuresOf(logProbs: readonly number[]): Measures {
  if (logProbs.length === 0) return { total: LEAST, odds: LEAST, mean: LEAST, least: LEAST, first: LEAST, length: 0 };
  const bounded = logProbs.map((logProb) => Math.max(logProb, LEAST));
  const total = bounded.reduce((sum, logProb) => sum + logProb, 0);
  return {
    total,
    odds: total - Math.log(-Math.expm1(Math.min(total, SUREST))),
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

/** The log probability of an impossible token: finite, so that sums stay finite. */
const LEAST = -100;
/** The log probability from which on a text is certain: its odds stay finite. */
const SUREST = -1e-4;
