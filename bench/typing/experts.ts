/** Baselines that ask no model: words by how often they stand in the document, and by counts of English. */
import type { NgramModel } from "../../models/words/ngram.ts";
import { lastWords } from "../../models/words/ngram-words.ts";
import type { OpenedDocument, Shown, Suggester } from "./typist.ts";

/** Chances of words to come next, given the text before the word and its letters so far; their sum is at most 1. */
export type NextWords = (before: string, typed: string) => ReadonlyMap<string, number>;

/** Makes the chances for a document. */
export type WordExpert = (document: Pick<OpenedDocument, "before" | "after">) => NextWords;

/**
 * A suggester of single words: the likeliest that begins with the letters typed, if it saves two of them and its
 * chance among all that begin so is at least `least`.
 */
export function wordSuggester(expert: WordExpert, least: number): Suggester {
  let next: NextWords = () => new Map();
  let [before, typed] = ["", ""];
  return {
    async open(document: OpenedDocument) {
      [before, typed] = [document.before, ""];
      next = expert(document);
    },
    async type(removed, inserted): Promise<Shown> {
      const began = performance.now();
      typed = typed.slice(0, typed.length - removed) + inserted;
      const [letters] = /(?:\p{L}[\p{L}\p{M}\p{N}_'’-]*)?$/u.exec(typed) ?? [""];
      const border = typed.slice(0, typed.length - letters.length);
      // A word begins at the paragraph's start, and after a blank, a bracket or a quotation mark.
      const best = /(?:^|[\s([{"'“‘*_])$/.test(border)
        ? bestWord(next(before.slice(-MOST_CHARACTERS) + border, letters), letters, least)
        : undefined;
      return { ...best, ms: performance.now() - began };
    },
    async close() {},
  };
}

/** The document's own words, and what follows the word before in it. */
export const documentWords: WordExpert = ({ before, after }) => {
  const words = new Map<string, number>();
  const pairs = new Map<string, Map<string, number>>();
  for (const part of [tokensOf(before), tokensOf(after)]) {
    for (const [i, word] of part.entries()) {
      if (!/^\p{L}/u.test(word)) continue;
      if (word.length > 2) words.set(word, (words.get(word) ?? 0) + 1);
      const previous = part[i - 1] ?? "";
      const followers = pairs.get(previous) ?? new Map<string, number>();
      followers.set(word, (followers.get(word) ?? 0) + 1);
      pairs.set(previous, followers);
    }
  }
  const total = sum(words);
  return (text) => {
    const followers = pairs.get(tokensOf(text.slice(-MOST_CHARACTERS)).at(-1) ?? "") ?? new Map<string, number>();
    const followersTotal = sum(followers);
    const chances = new Map<string, number>();
    for (const [word, count] of words) chances.set(word, (OF_WORDS * count) / total);
    for (const [word, count] of followers) {
      // An absolute discount: what stands once after a word is weak evidence.
      chances.set(word, (chances.get(word) ?? 0) + (OF_PAIRS * (count - 0.5)) / followersTotal);
    }
    return chances;
  };
};

/** English by counts of word n-grams. */
export function englishWords(ngrams: NgramModel): WordExpert {
  return () => (text, typed) =>
    new Map(ngrams.candidates(lastWords(text), typed, CANDIDATES).map(({ word, probability }) => [word, probability]));
}

/** Experts together, each with its share. */
export function together(experts: readonly (readonly [expert: WordExpert, share: number])[]): WordExpert {
  return (document) => {
    const read = experts.map(([expert, share]) => [expert(document), share] as const);
    return (text, typed) => {
      const chances = new Map<string, number>();
      for (const [next, share] of read) {
        for (const [word, chance] of next(text, typed)) chances.set(word, (chances.get(word) ?? 0) + share * chance);
      }
      return chances;
    };
  };
}

/** Shares of the pairs and of the single words in a word's chance. */
const [OF_PAIRS, OF_WORDS] = [0.6, 0.4];
const CANDIDATES = 60;
const MOST_CHARACTERS = 200;
/** Chance of words that are not listed, and by how much each letter typed lessens it. */
const [UNLISTED, UNLISTED_LETTER] = [0.02, 0.3];
const TOKENS = /[\p{L}\p{M}\p{N}_]+(?:['’-][\p{L}\p{M}\p{N}_]+)*|[^\s\p{L}\p{M}\p{N}_]/gu;

function bestWord(chances: ReadonlyMap<string, number>, typed: string, least: number): Omit<Shown, "ms"> | undefined {
  let [best, most, all] = ["", 0, 0];
  for (const [word, chance] of chances) {
    if (!word.startsWith(typed)) continue;
    all += chance;
    if (chance > most && word.length > typed.length) [best, most] = [word, chance];
  }
  const confidence = most / (typed === "" ? Math.max(1, all) : all + UNLISTED * UNLISTED_LETTER ** typed.length);
  if (confidence < least || best.length - typed.length < 2) return undefined;
  return { text: `${best.slice(typed.length)} `, confidence };
}

function tokensOf(text: string): string[] {
  return text.match(TOKENS) ?? [];
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}
