/** Span corruption as in T5's training: which tokens are noise. */

/**
 * A mask of `length` tokens, true for noise: a share of `noiseDensity`, in spans of `meanNoiseSpanLength` on average,
 * beginning with tokens that are kept.
 * @param random uniform numbers in [0, 1), seeded by the caller
 * @see random_spans_noise_mask, t5/data/preprocessors.py
 */
export function randomSpansNoiseMask(
  length: number,
  noiseDensity: number,
  meanNoiseSpanLength: number,
  random: () => number,
): boolean[] {
  if (noiseDensity === 0 || length < 2) return new Array<boolean>(length).fill(false);
  const noise = Math.min(Math.max(roundHalfEven(length * noiseDensity), 1), length - 1);
  const spans = Math.min(Math.max(roundHalfEven(noise / meanNoiseSpanLength), 1), noise, length - noise);
  const noiseLengths = partition(noise, spans, random);
  return partition(length - noise, spans, random).flatMap((length, i) => [
    ...new Array<boolean>(length).fill(false),
    ...new Array<boolean>(noiseLengths[i] ?? 0).fill(true),
  ]);
}

/** `parts` positive lengths that sum to `total`; every such list is equally likely. */
function partition(total: number, parts: number, random: () => number): number[] {
  const cuts = Array.from({ length: total - 1 }, (_, i) => i + 1);
  for (let i = 0; i < parts - 1; i++) {
    const other = i + Math.floor(random() * (cuts.length - i));
    [cuts[i], cuts[other]] = [cuts[other] ?? 0, cuts[i] ?? 0];
  }
  const ends = [...cuts.slice(0, parts - 1).sort((a, b) => a - b), total];
  return ends.map((end, i) => end - (ends[i - 1] ?? 0));
}

/** Python's round, which T5's lengths use: a half is rounded to the even neighbor. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const half = value - floor === 0.5;
  return half ? floor + (floor % 2) : Math.round(value);
}
