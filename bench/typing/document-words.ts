/**
 * A baseline that asks no model: words and pairs of words of the document itself, by how often they stand there.
 */
import type { OpenedDocument, Shown, Suggester } from "./typist.ts";

/** Shares of the pairs and of the single words in a word's chance. */
const [OF_PAIRS, OF_WORDS] = [0.6, 0.4];
const TOKENS = /[\p{L}\p{M}\p{N}_]+(?:['’-][\p{L}\p{M}\p{N}_]+)*|[^\s\p{L}\p{M}\p{N}_]/gu;

/** The chances of words to come next, given the words before the cursor; their sum is at most 1. */
export type NextWords = (before: readonly string[]) => ReadonlyMap<string, number>;

/**
 * A suggester of single words: the likeliest that begins with the letters typed, if it saves two of them and its
 * chance among all that begin so is at least `least`.
 * @param read the chances of words in a document, given the words before and after the cursor's paragraph
 */
export function wordSuggester(read: (before: string[], after: string[]) => NextWords, least: number): Suggester {
  let next: NextWords = () => new Map();
  let [context, typed]: [readonly string[], string] = [[], ""];
  return {
    async open({ before, after }: OpenedDocument) {
      [context, typed] = [tokensOf(before.slice(-MOST_CHARACTERS)), ""];
      next = read(tokensOf(before), tokensOf(after));
    },
    async type(removed, inserted): Promise<Shown> {
      const began = performance.now();
      typed = typed.slice(0, typed.length - removed) + inserted;
      const [prefix] = /[\p{L}\p{N}_'’-]*$/u.exec(typed) ?? [""];
      const before = [...context, ...tokensOf(typed.slice(0, typed.length - prefix.length))];
      const best = bestWord(next(before), prefix, prefix !== "" || /\s$/.test(typed) ? least : 2);
      const ms = performance.now() - began;
      return best === undefined ? { ms } : { ...best, ms };
    },
    async close() {},
  };
}

/** The document's own words and pairs, as chances. */
export function documentWords(before: readonly string[], after: readonly string[]): NextWords {
  const words = new Map<string, number>();
  const pairs = new Map<string, Map<string, number>>();
  for (const part of [before, after]) {
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
  return (typed) => {
    const followers = pairs.get(typed.at(-1) ?? "") ?? new Map<string, number>();
    const followersTotal = sum(followers);
    const chances = new Map<string, number>();
    for (const [word, count] of words) chances.set(word, (OF_WORDS * count) / total);
    for (const [word, count] of followers) {
      // An absolute discount: what stands once after a word is weak evidence.
      chances.set(word, (chances.get(word) ?? 0) + (OF_PAIRS * (count - 0.5)) / followersTotal);
    }
    return chances;
  };
}

const MOST_CHARACTERS = 200;
/** Chance of words that are not listed, given the number of letters typed. */
const UNLISTED = [0.02, 0.3] as const;

function bestWord(chances: ReadonlyMap<string, number>, prefix: string, least: number): Omit<Shown, "ms"> | undefined {
  let [best, most, all] = ["", 0, 0];
  for (const [word, chance] of chances) {
    if (!word.startsWith(prefix) || word === prefix) continue;
    all += chance;
    if (chance > most) [best, most] = [word, chance];
  }
  const whole = prefix === "" ? Math.max(1, all) : all + UNLISTED[0] * UNLISTED[1] ** prefix.length;
  const confidence = most / whole;
  if (confidence < least || best.length - prefix.length < 2) return undefined;
  return { text: `${best.slice(prefix.length)} `, confidence };
}

function tokensOf(text: string): string[] {
  return text.match(TOKENS) ?? [];
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}
