/** Arithmetic on one row of logits: log-softmax, the best continuations, and penalties. */

/** Penalties and bans, for any search. */
export interface Penalties {
  /** No n-gram of this size occurs twice; 0 is off. */
  readonly noRepeatNgramSize: number;
  /** Above 1 penalizes tokens that occurred; 1 is off. */
  readonly repetitionPenalty: number;
  /** Tokens that are never produced. */
  readonly bannedTokens: readonly number[];
  /** Rules by place and sequence; null or absent if there are none. */
  readonly rules?: TokenRules | null;
}

/** Rules on what stands where. Lengths count all decoder tokens, the start token and a forced prefix included. */
export interface TokenRules {
  /** The first token, if nothing but the start token precedes it. */
  readonly first?: number | undefined;
  /** Tokens of which one stands at the length limit. */
  readonly last: readonly number[];
  readonly bannedFirst: readonly number[];
  /** Sequences that do not occur. */
  readonly bannedSequences: readonly (readonly number[])[];
  /** Tokens that end a sequence, which are banned below `leastLength`. */
  readonly ends: readonly number[];
  readonly leastLength: number;
  /** Length before the first token that is not forced. */
  readonly begin: number;
  readonly mostLength: number;
}

/**
 * The only tokens that may come next, if the rules say so.
 * @see ForcedBOSTokenLogitsProcessor, ForcedEOSTokenLogitsProcessor, transformers
 */
export function forcedTokens(history: readonly number[], { rules }: Penalties): readonly number[] | undefined {
  if (rules === null || rules === undefined) return undefined;
  if (rules.last.length > 0 && history.length === rules.mostLength - 1) return rules.last;
  return rules.first !== undefined && history.length === 1 ? [rules.first] : undefined;
}

/** @see NoBadWordsLogitsProcessor, MinLengthLogitsProcessor, SuppressTokensAtBeginLogitsProcessor, transformers */
function ruledOut(history: readonly number[], rules: TokenRules): number[] {
  const banned: number[] = history.length < rules.leastLength ? [...rules.ends] : [];
  if (history.length === rules.begin) banned.push(...rules.bannedFirst);
  for (const sequence of rules.bannedSequences) {
    const before = sequence.slice(0, -1);
    const at = history.length - before.length;
    const last = sequence.at(-1);
    if (last !== undefined && at >= 0 && before.every((id, i) => history[at + i] === id)) banned.push(last);
  }
  return banned;
}

/** A token that may come next. */
export interface Continuation {
  readonly id: number;
  /** Natural log probability under the model. */
  readonly logProb: number;
  /** The log probability after the penalties, which determines its rank. */
  readonly penalized: number;
}

/**
 * The tokens whose scores the penalties change.
 * @param history all decoder tokens so far, including the start token and the forced prefix (as transformers counts)
 * @returns token -> true if forbidden, false if only penalized
 * @see RepetitionPenaltyLogitsProcessor, NoRepeatNGramLogitsProcessor, SuppressTokensLogitsProcessor, transformers
 */
export function penalizedTokens(history: readonly number[], penalties: Penalties): Map<number, boolean> {
  const tokens = new Map<number, boolean>();
  if (penalties.repetitionPenalty !== 1) for (const token of history) tokens.set(token, false);
  const size = penalties.noRepeatNgramSize;
  if (size > 0) {
    const suffix = history.length - (size - 1);
    for (let start = 0; start + size <= history.length; start += 1) {
      let same = true;
      for (let i = 0; i < size - 1 && same; i += 1) same = history[start + i] === history[suffix + i];
      const last = history[start + size - 1];
      if (same && last !== undefined) tokens.set(last, true);
    }
  }
  for (const token of penalties.bannedTokens) tokens.set(token, true);
  if (penalties.rules) for (const token of ruledOut(history, penalties.rules)) tokens.set(token, true);
  return tokens;
}

/**
 * A score after its penalty, in float32. Log probabilities and logits: negative ones are multiplied, others divided.
 * @param forbidden gives -Infinity
 */
export function penalize(score: number, forbidden: boolean, repetitionPenalty: number): number {
  if (forbidden) return -Infinity;
  return Math.fround(score < 0 ? score * repetitionPenalty : score / repetitionPenalty);
}

/**
 * The `count` best tokens of a row by penalized log probability, best first; fewer if fewer are allowed. One pass
 * finds the candidates and one sums the exponentials, without sorting the vocabulary: about 0.1 ms for 32,128 logits.
 * @param logits float32, several rows; the row is changed during the call and restored
 * @param row index of the row, which has `width` values
 * @param changed result of {@link penalizedTokens}, by index in the row
 * @param bonuses added to log probabilities after the penalties, by index in the row
 */
export function bestContinuations(
  logits: Float32Array,
  row: number,
  width: number,
  count: number,
  changed: ReadonlyMap<number, boolean>,
  repetitionPenalty: number,
  bonuses: ReadonlyMap<number, number> = new Map(),
): Continuation[] {
  const values = logits.subarray(row * width, (row + 1) * width);
  const adjusted = Array.from(new Set([...changed.keys(), ...bonuses.keys()]), (id) => ({
    id,
    logit: values[id] ?? -Infinity,
  }));
  for (const { id } of adjusted) values[id] = -Infinity;
  const { ids, best } = largest(values, count);
  let max = best[0] ?? -Infinity;
  for (const { logit } of adjusted) max = Math.max(max, logit);
  let sum = sumOfExponentials(values, max);
  for (const { id, logit } of adjusted) {
    sum += Math.exp(logit - max);
    values[id] = logit;
  }
  const logSum = max + Math.log(sum);
  const scored = (id: number, logit: number) => ({ id, logProb: Math.fround(logit - logSum) });
  return ranked(
    ids.map((id, i) => scored(id, best[i] ?? -Infinity)),
    adjusted.map(({ id, logit }) => scored(id, logit)),
    { changed, repetitionPenalty, bonuses },
  ).slice(0, count);
}

/** Changes to the scores of a row's tokens, by their index in the row. */
export interface Changes {
  /** The result of {@link penalizedTokens}. */
  readonly changed: ReadonlyMap<number, boolean>;
  readonly repetitionPenalty: number;
  /** Added to log probabilities after the penalties. */
  readonly bonuses: ReadonlyMap<number, number>;
}

/**
 * Continuations by penalized log probability, best first, without the forbidden.
 * @param best tokens that nothing changes, best first
 * @param adjusted the others that may come
 */
export function ranked(
  best: readonly Omit<Continuation, "penalized">[],
  adjusted: readonly Omit<Continuation, "penalized">[],
  { changed, repetitionPenalty, bonuses }: Changes,
): Continuation[] {
  const continuations = best.map((each): Continuation => ({ ...each, penalized: each.logProb }));
  for (const { id, logProb } of adjusted) {
    const forbidden = changed.get(id);
    if (forbidden === true) continue;
    const penalized = forbidden === undefined ? logProb : penalize(logProb, forbidden, repetitionPenalty);
    continuations.push({ id, logProb, penalized: penalized + (bonuses.get(id) ?? 0) });
  }
  return adjusted.length > 0 ? continuations.sort((a, b) => b.penalized - a.penalized) : continuations;
}

/** The natural log of the sum of a row's exponentials; subtracting it turns a logit into a log probability. */
export function logSumOfExponentials(values: Float32Array): number {
  const max = greatest(values);
  return max + Math.log(sumOfExponentials(values, max));
}

/**
 * The natural logs of the sums of a row's exponentials: of all, and by the kind of each value.
 * @param kinds the kind of each value, below `count`
 */
export function logSumsByKind(
  values: Float32Array,
  kinds: Uint8Array,
  count: number,
): { readonly all: number; readonly byKind: readonly number[] } {
  const max = greatest(values);
  const lowest = max - FARTHEST;
  const sums = new Float64Array(count);
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? 0;
    if (value <= lowest) continue;
    const kind = kinds[i] ?? 0;
    sums[kind] = (sums[kind] ?? 0) + exponential(value - max);
  }
  const log = (sum: number) => max + Math.log(sum);
  return { all: log(sums.reduce((a, b) => a + b, 0)), byKind: Array.from(sums, log) };
}

/**
 * The `count` largest values and their indices, largest first; the first of equal values precedes. Values of
 * -Infinity (and NaN) are never taken.
 */
export function largest(values: Float32Array, count: number): { ids: number[]; best: number[] } {
  const ids: number[] = [];
  const best: number[] = [];
  let threshold = -Infinity;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? 0;
    if (!(value > threshold)) continue;
    let at = best.length < count ? best.length : count - 1;
    for (; at > 0 && (best[at - 1] ?? 0) < value; at -= 1) {
      best[at] = best[at - 1] ?? 0;
      ids[at] = ids[at - 1] ?? 0;
    }
    best[at] = value;
    ids[at] = i;
    if (best.length === count) threshold = best[count - 1] ?? -Infinity;
  }
  return { ids, best };
}

function greatest(values: Float32Array): number {
  let max = -Infinity;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? 0;
    if (value > max) max = value;
  }
  return max;
}

/** e^(-i / 128): the rest of an exponent is at most 1/256, where a quadratic is accurate to 1e-8. */
const EXPONENTIALS = Float64Array.from({ length: 40 * 128 }, (_, i) => Math.exp(-i / 128));
/** Values this far below the maximum count as zero: together they are below 1e-12 of the sum in any vocabulary. */
const FARTHEST = 39.98;

/** Sum of e^(value - max), three times as fast as with Math.exp. */
function sumOfExponentials(values: Float32Array, max: number): number {
  const lowest = max - FARTHEST;
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? 0;
    if (value > lowest) sum += exponential(value - max);
  }
  return sum;
}

/** e^x for x from -FARTHEST to 0. */
function exponential(x: number): number {
  const index = (0.5 - x * 128) | 0;
  const rest = x + index * 0.0078125;
  return (EXPONENTIALS[index] ?? 0) * (1 + rest * (1 + rest * 0.5));
}
