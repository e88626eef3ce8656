/** A bigram language model over words: what a neural model's fills of single words must beat to have learnt anything. */

/** Counts of words and of neighbours, with words as indices into `words`. */
export interface BigramCounts {
  readonly words: readonly string[];
  /** How often words[i] was seen. */
  readonly counts: readonly number[];
  /** successors[i]: word index -> how often it followed words[i]. */
  readonly successors: readonly ReadonlyMap<number, number>[];
}

/** Predicts a word between two others. */
export interface BigramModel {
  /**
   * The likeliest words after `before`, best first.
   * @param after the text behind the gap when it may be used: candidates are then weighed by how well its first word follows them
   */
  predict(before: string, after: string | undefined, count: number): string[];
}

/** The words of a text as the model counts them: words, numbers, single marks, and paragraph breaks as "\n\n". */
export function bigramWords(text: string): string[] {
  return text.match(/\p{L}+(?:['’]\p{L}+)*|\p{N}+|\n\s*\n|[^\s\p{L}\p{N}]/gu)?.map(paragraph) ?? [];
}

/** Counts neighbours in texts; those of different texts do not touch. */
export async function countBigrams(texts: AsyncIterable<string> | Iterable<string>): Promise<BigramCounts> {
  const indices = new Map<string, number>();
  const words: string[] = [];
  const counts: number[] = [];
  const successors: Map<number, number>[] = [];
  for await (const text of texts) {
    let last: Map<number, number> | undefined;
    for (const word of ["\n\n", ...bigramWords(text)]) {
      let index = indices.get(word);
      if (index === undefined) {
        index = words.length;
        indices.set(word, index);
        words.push(word);
        counts.push(0);
        successors.push(new Map());
      }
      counts[index] = (counts[index] ?? 0) + 1;
      last?.set(index, (last.get(index) ?? 0) + 1);
      last = successors[index];
    }
  }
  return { words, counts, successors };
}

/**
 * The model of some counts: absolute discounting (0.75), interpolated with the unigrams.
 * @see Ney, Essen, Kneser, "On structuring probabilistic dependences in stochastic language modelling" (1994)
 */
export function createBigramModel({ words, counts, successors }: BigramCounts): BigramModel {
  const indices = new Map(words.map((word, i) => [word, i]));
  const total = counts.reduce((a, b) => a + b, 0);
  const plain = words.map((word) => /^\p{L}+$/u.test(word));
  const predecessors: number[][] = words.map(() => []);
  for (const [u, next] of successors.entries()) for (const w of next.keys()) predecessors[w]?.push(u);
  // What the discounts (and pruned pairs) leave for the unigrams.
  const rest = successors.map((next, u) => {
    let kept = 0;
    for (const count of next.values()) kept += count - discount;
    return 1 - kept / Math.max(counts[u] ?? 1, 1);
  });
  const frequent = words
    .map((_, i) => i)
    .filter((i) => plain[i])
    .sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0))
    .slice(0, 50);
  const unigram = (w: number): number => (counts[w] ?? 0) / total;
  const follows = (u: number | undefined, w: number): number => {
    if (u === undefined) return unigram(w);
    const seen = successors[u]?.get(w);
    return (seen === undefined ? 0 : (seen - discount) / (counts[u] ?? 1)) + (rest[u] ?? 1) * unigram(w);
  };
  return {
    predict(before, after, count) {
      const previous = indices.get(lastWord(before));
      const next = after === undefined ? undefined : indices.get(firstWord(after));
      const candidates = new Set(frequent);
      if (previous !== undefined) for (const w of successors[previous]?.keys() ?? []) if (plain[w]) candidates.add(w);
      if (next !== undefined) for (const w of predecessors[next] ?? []) if (plain[w]) candidates.add(w);
      return [...candidates]
        .map((w) => ({ w, p: follows(previous, w) * (next === undefined ? 1 : follows(w, next)) }))
        .sort((a, b) => b.p - a.p || a.w - b.w)
        .slice(0, count)
        .map(({ w }) => words[w] ?? "");
    },
  };
}

/** The counts with only the `keep` pairs whose loss would change the likelihood of the text most, and the words they use. */
export function pruneBigrams({ words, counts, successors }: BigramCounts, keep: number): BigramCounts {
  const total = counts.reduce((a, b) => a + b, 0);
  const worth = (u: number, w: number, count: number): number => {
    const back = (discount * (successors[u]?.size ?? 0) * (counts[w] ?? 0)) / total;
    return count * Math.log((count - discount + back) / back);
  };
  const all: number[] = [];
  for (const [u, next] of successors.entries()) {
    for (const [w, count] of next) if (count > 1) all.push(worth(u, w, count));
  }
  const threshold = all.sort((a, b) => b - a)[keep] ?? 0;
  const kept = successors.map(
    (next, u) => new Map([...next].filter(([w, count]) => count > 1 && worth(u, w, count) > threshold)),
  );
  const used = new Set(kept.flatMap((next, u) => (next.size > 0 ? [u, ...next.keys()] : [])));
  const order = [...used].sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || a - b);
  const place = new Map(order.map((old, i) => [old, i]));
  const at = (old: number): number => place.get(old) ?? 0;
  return {
    words: order.map((i) => words[i] ?? ""),
    counts: order.map((i) => counts[i] ?? 0),
    successors: order.map((i) => new Map([...(kept[i] ?? [])].map(([w, count]) => [at(w), count]))),
  };
}

/** The table as JSON that compresses well: successors as steps between ascending indices, counts to about 3%. */
export function packBigrams({ words, counts, successors }: BigramCounts): object {
  return {
    words,
    counts: counts.map(toLog),
    successors: successors.map((next) => {
      const sorted = [...next].sort(([a], [b]) => a - b);
      return sorted.map(([w], i) => w - (sorted[i - 1]?.[0] ?? 0));
    }),
    successorCounts: successors.map((next) => [...next].sort(([a], [b]) => a - b).map(([, count]) => toLog(count))),
  };
}

/** The counts that packBigrams packed. */
export function unpackBigrams(packed: PackedBigrams): BigramCounts {
  return {
    words: packed.words,
    counts: packed.counts.map(fromLog),
    successors: packed.successors.map((steps, u) => {
      let w = 0;
      return new Map(
        steps.map((step, i) => {
          w += step;
          return [w, fromLog(packed.successorCounts[u]?.[i] ?? 0)];
        }),
      );
    }),
  };
}

/** What packBigrams makes, as read back from JSON. */
export interface PackedBigrams {
  readonly words: readonly string[];
  readonly counts: readonly number[];
  readonly successors: readonly (readonly number[])[];
  readonly successorCounts: readonly (readonly number[])[];
}

const discount = 0.75;
const toLog = (count: number): number => Math.round(12 * Math.log2(count));
const fromLog = (packed: number): number => 2 ** (packed / 12);

function paragraph(word: string): string {
  return word.trim() === "" ? "\n\n" : word;
}

function lastWord(text: string): string {
  return bigramWords(text.slice(-200)).at(-1) ?? "\n\n";
}

function firstWord(text: string): string {
  return bigramWords(text.slice(0, 200))[0] ?? "\n\n";
}
