/** Chances of words as indices into a table, and the best of them. */
import { createContexts } from "./ngram-contexts.ts";
import { createLexicon } from "./ngram-lexicon.ts";
import { type NgramTable, UNKNOWN_WORD } from "./ngram-table.ts";
import { PARAGRAPH } from "./ngram-words.ts";

/** A word's index and its chance. */
export interface IndexChance {
  readonly index: number;
  readonly probability: number;
}

/** Chances of next words; contexts are indices of words, the nearest last. */
export interface Successors {
  /** A word's index; that of the unknown word for those not listed. */
  indexOf(word: string): number;
  wordOf(index: number): string;
  /** The chances of words after a context, which is looked up once; above 0 and at most 1. */
  after(context: readonly number[]): (word: number) => number;
  /** The likeliest words of letters only that begin with a prefix, best first. */
  best(context: readonly number[], prefix: string, count: number): IndexChance[];
  /** The words of letters only likeliest between a context and the word that follows, by the context and that pair. */
  between(context: readonly number[], following: number | undefined, count: number): number[];
}

/** Reads chances from a table. Memory of one number a word is reused between calls. */
export function createSuccessors(table: NgramTable): Successors {
  const { words, counts } = table;
  const lexicon = createLexicon(table);
  const unknown = lexicon.indexOf(UNKNOWN_WORD) ?? words.length - 1;
  const contexts = createContexts(table, lexicon.indexOf(PARAGRAPH) ?? -1);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const unigram = (word: number): number => (counts[word] ?? 0) / total;
  const scores = createScores(words.length);
  const seenBefore = new Float64Array(words.length);
  const after = (context: readonly number[]) => {
    const rows = contexts.rows(context);
    return (word: number): number => {
      const chance = rows.reduce((shorter, row) => contexts.share(row, word) + row.rest * shorter, unigram(word));
      return Math.min(1, Math.max(word === unknown ? chance * ONE_UNKNOWN : chance, LEAST));
    };
  };
  /** Sums the chances of the words in a range of the alphabet, and of some others. */
  const score = (context: readonly number[], others: ArrayLike<number>, from: number, to: number): void => {
    let rest = 1;
    for (const row of contexts.rows(context).reverse()) {
      const { words: next } = row.level;
      for (let at = row.from; at < row.to; at++) {
        const word = next[at] ?? 0;
        const place = lexicon.places[word] ?? 0;
        if (place >= from && place < to && lexicon.isPlain(word)) scores.add(word, rest * contexts.shareAt(row, at));
      }
      rest *= row.rest;
    }
    for (let i = 0; i < others.length; i++) scores.add(others[i] ?? 0, Number.MIN_VALUE);
    scores.change((word, chance) => chance + rest * unigram(word));
  };
  return {
    indexOf: (word) => lexicon.indexOf(word) ?? unknown,
    wordOf: (index) => words[index] ?? "",
    after,
    best(context, prefix, count) {
      const [from, to] = lexicon.range(prefix);
      score(context, prefix === "" ? lexicon.frequent : lexicon.plainWords(from, to), from, to);
      return scores.take(count);
    },
    between(context, following, count) {
      const before = following === undefined ? undefined : lexicon.before(following);
      score(context, [...lexicon.frequent, ...(before?.words ?? [])], 0, words.length);
      if (following !== undefined && before !== undefined) {
        // What each word leaves for the shorter context, and then what it was seen before.
        for (let i = 0; i < before.words.length; i++) {
          const word = before.words[i] ?? 0;
          seenBefore[word] = contexts.pairShare(word, before.logs[i] ?? 0);
        }
        scores.change((word, chance) => {
          const follows = (seenBefore[word] ?? 0) + contexts.restAfter(word) * unigram(following);
          return chance * Math.max(follows, LEAST);
        });
        for (const word of before.words) seenBefore[word] = 0;
      }
      return scores.take(count).map(({ index }) => index);
    },
  };
}

/** Less than the chance of any listed word. */
const LEAST = 1e-9;
/** The part that one word has in the chance of all that are not listed. */
const ONE_UNKNOWN = 1e-4;
/** Sums for some of many words; the memory is reused. */
function createScores(words: number) {
  const scores = new Float64Array(words);
  const touched: number[] = [];
  return {
    add(word: number, share: number): void {
      if (scores[word] === 0) touched.push(word);
      scores[word] = (scores[word] ?? 0) + share;
    },
    change(of: (word: number, score: number) => number): void {
      for (const word of touched) scores[word] = of(word, scores[word] ?? 0);
    },
    /** The words with the greatest sums; all are forgotten. */
    take(count: number): IndexChance[] {
      const best: IndexChance[] = [];
      let least = -1;
      for (const index of touched) {
        const probability = scores[index] ?? 0;
        scores[index] = 0;
        if (probability <= least) continue;
        insert(best, { index, probability }, count);
        if (best.length === count) least = best.at(-1)?.probability ?? least;
      }
      touched.length = 0;
      return best;
    },
  };
}

/** Keeps the `count` likeliest, best first. */
function insert(best: IndexChance[], one: IndexChance, count: number): void {
  const last = best[count - 1];
  if (count < 1 || (last !== undefined && one.probability <= last.probability)) return;
  let [low, high] = [0, best.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((best[middle]?.probability ?? 0) >= one.probability) low = middle + 1;
    else high = middle;
  }
  best.splice(low, 0, one);
  if (best.length > count) best.pop();
}
