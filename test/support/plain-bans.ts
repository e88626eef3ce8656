/** Which tokens may not come next, written from the definitions and not from the code under test. */

/**
 * Tokens that would make an n-gram occur twice, and those that are banned.
 * @param history all decoder tokens so far
 */
export function plainlyBanned(
  history: readonly number[],
  {
    noRepeatNgramSize: n,
    bannedTokens,
  }: { readonly noRepeatNgramSize: number; readonly bannedTokens: readonly number[] },
): Set<number> {
  const banned = new Set(bannedTokens);
  if (n === 0) return banned;
  const ngrams = history.slice(0, Math.max(0, history.length - n + 1)).map((_, i) => history.slice(i, i + n));
  const seen = new Set(ngrams.map((ngram) => ngram.join()));
  for (const token of history) {
    const next = [...history.slice(history.length - n + 1), token].slice(-n);
    if (next.length === n && seen.has(next.join())) banned.add(token);
  }
  return banned;
}
