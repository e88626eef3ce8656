/** Span corruption as in T5's training: how much to corrupt, where, and the two sides of the resulting example. */

/**
 * The length of text whose corruption exactly fills `inputsLength` input tokens, and of its target; both include eos.
 * @param extraTokensPerSpanInputs number of sentinels per span in the input (1 in T5), and likewise in the target
 * @see random_spans_helper, t5/data/preprocessors.py
 */
export function randomSpansHelper(
  inputsLength: number,
  noiseDensity: number,
  meanNoiseSpanLength: number,
  extraTokensPerSpanInputs = 1,
  extraTokensPerSpanTargets = 1,
): { tokensLength: number; targetsLength: number } {
  const lengths = (tokensLength: number): { inputs: number; targets: number } => {
    const noise = roundHalfEven(tokensLength * noiseDensity);
    const spans = roundHalfEven(noise / meanNoiseSpanLength);
    return {
      inputs: tokensLength - noise + spans * extraTokensPerSpanInputs + 1,
      targets: noise + spans * extraTokensPerSpanTargets + 1,
    };
  };
  let tokensLength = inputsLength - 1;
  while (lengths(tokensLength + 1).inputs <= inputsLength) tokensLength += 1;
  const { inputs, targets } = lengths(tokensLength);
  const equalize = noiseDensity === 0.5 && targets > inputs;
  return { tokensLength: tokensLength - Number(equalize), targetsLength: targets - Number(equalize) };
}

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

/**
 * The tokens with each run of noise replaced by its sentinel, in order: an example's input.
 * @see noise_span_to_unique_sentinel, t5/data/preprocessors.py
 */
export function noiseSpanToUniqueSentinel(
  tokens: readonly number[],
  noiseMask: readonly boolean[],
  sentinelIds: readonly number[],
): number[] {
  let spans = 0;
  return tokens.flatMap((token, i) => {
    if (noiseMask[i] !== true) return [token];
    if (noiseMask[i - 1] === true) return [];
    const sentinel = sentinelIds[spans++];
    if (sentinel === undefined) throw new RangeError(`${spans} spans of noise, but ${sentinelIds.length} sentinels`);
    return [sentinel];
  });
}

/**
 * The tokens with each run that is not noise replaced by its sentinel: an example's target.
 * @see nonnoise_span_to_unique_sentinel, t5/data/preprocessors.py
 */
export function nonNoiseSpanToUniqueSentinel(
  tokens: readonly number[],
  noiseMask: readonly boolean[],
  sentinelIds: readonly number[],
): number[] {
  const complement = tokens.map((_, i) => noiseMask[i] !== true);
  return noiseSpanToUniqueSentinel(tokens, complement, sentinelIds);
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
