/** Copy bias: favors tokens that continue as the source does, so that names are spelled as they are there. */

/** Bonuses in nats, added to a token's logit; 0 is off, negative values are not allowed. */
export interface CopyBias {
  /** For any token of the source. */
  readonly anywhere: number;
  /** For a token that follows the last token somewhere in the source. */
  readonly afterOne: number;
  /** For a token that follows the last two tokens somewhere in the source. */
  readonly afterTwo: number;
}

/**
 * The bonus of each token of the source: `anywhere` plus the best other bonus at any of its positions.
 * @param source the encoder's input without its end token
 * @param produced the decoder's tokens so far, including the start token
 */
export function copyBonuses(
  source: readonly number[],
  produced: readonly number[],
  { anywhere, afterOne, afterTwo }: CopyBias,
): Map<number, number> {
  const [last, before] = [produced.at(-1), produced.at(-2)];
  const bonuses = new Map<number, number>();
  for (const [i, token] of source.entries()) {
    const one = i > 0 && source[i - 1] === last;
    const two = one && i > 1 && source[i - 2] === before;
    const bonus = anywhere + (two ? afterTwo : one ? afterOne : 0);
    bonuses.set(token, Math.max(bonus, bonuses.get(token) ?? 0));
  }
  return bonuses;
}
