/** Span corruption as in the training of T5 and UL2: which tokens are noise. */

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
  const { noise, spans } = spanCounts(length, noiseDensity, meanNoiseSpanLength);
  const noiseLengths = partition(noise, spans, random);
  return partition(length - noise, spans, random).flatMap((length, i) => [
    ...new Array<boolean>(length).fill(false),
    ...new Array<boolean>(noiseLengths[i] ?? 0).fill(true),
  ]);
}

/**
 * How many of `length` tokens are noise, and in how many spans; at least 2 tokens.
 * @see random_spans_noise_mask, t5/data/preprocessors.py, which multiplies in float32
 */
export function spanCounts(
  length: number,
  noiseDensity: number,
  meanNoiseSpanLength: number,
): { readonly noise: number; readonly spans: number } {
  const share = Math.fround(length * Math.fround(noiseDensity));
  const noise = Math.min(Math.max(roundHalfEven(share), 1), length - 1);
  const mean = Math.fround(noise / Math.fround(meanNoiseSpanLength));
  return { noise, spans: Math.min(Math.max(roundHalfEven(mean), 1), noise, length - noise) };
}

/**
 * The modes of UL2: R (regular) fills short gaps, S (sequential) continues a text at its end, X (extreme) fills long
 * gaps, or as many short ones as leave half of the text.
 */
export type DenoiserMode = "R" | "S" | "X";

/** The text before an input that tells a model the mode, for each. */
export type ModeTexts = Readonly<Record<DenoiserMode, string>>;

/**
 * UL2's own mode texts. They are ordinary text to the published vocabulary.
 * @see the model card of google/ul2
 */
export const UL2_MODES: ModeTexts = { R: "[NLU] ", S: "[S2S] ", X: "[NLG] " };

/** A denoiser: the share of the tokens that is noise, and the mean length of its spans; S has one span, at the end. */
export type Denoiser =
  | { readonly mode: "R" | "X"; readonly rate: number; readonly meanLength: number }
  | { readonly mode: "S"; readonly rate: number };

/**
 * The seven denoisers of UL2, of which each example takes one; all are equally likely.
 * @see Tay et al., "UL2: Unifying Language Learning Paradigms" (arXiv 2205.05131), table 1
 */
export const UL2_DENOISERS: readonly Denoiser[] = [
  { mode: "R", rate: 0.15, meanLength: 3 },
  { mode: "R", rate: 0.15, meanLength: 8 },
  { mode: "S", rate: 0.25 },
  { mode: "X", rate: 0.5, meanLength: 3 },
  { mode: "X", rate: 0.5, meanLength: 8 },
  { mode: "X", rate: 0.15, meanLength: 64 },
  { mode: "X", rate: 0.5, meanLength: 64 },
];

/** The most tokens that a denoiser takes out of `length`, and in how many spans. */
export function mostNoise(denoiser: Denoiser, length: number): { readonly noise: number; readonly spans: number } {
  return denoiser.mode === "S"
    ? { noise: Math.max(1, Math.floor(2 * denoiser.rate * length) - 1), spans: 1 }
    : spanCounts(length, denoiser.rate, denoiser.meanLength);
}

/**
 * The noise of a denoiser. S takes the end of a text: from one token to twice its rate, so that it is its rate on
 * average.
 * @param length of at least 2 tokens
 */
export function denoiserMask(denoiser: Denoiser, length: number, random: () => number): boolean[] {
  if (denoiser.mode !== "S") return randomSpansNoiseMask(length, denoiser.rate, denoiser.meanLength, random);
  const end = length - 1 - Math.floor(random() * mostNoise(denoiser, length).noise);
  return Array.from({ length }, (_, i) => i >= end);
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
