/** A table's words by their spelling and by the words they precede; each list is made when it is first asked for. */
import { type NgramTable, UNKNOWN_WORD } from "./ngram-table.ts";

/** Words that precede one, of letters only, and the logarithms of how often each did. */
export interface Predecessors {
  readonly words: readonly number[];
  readonly logs: readonly number[];
}

/** Finds words, which are indices into a table. */
export interface Lexicon {
  /** Whether a word is letters only. */
  isPlain(word: number): boolean;
  /** The words' places in the alphabet. */
  readonly places: Uint16Array;
  /** A word's index, if it is listed. */
  indexOf(word: string): number | undefined;
  /** The places of the words that begin with a prefix, up to but without the second one. */
  range(prefix: string): readonly [from: number, to: number];
  /** The words of letters only in a range of the alphabet. */
  plainWords(from: number, to: number): number[];
  /** The most frequent words of letters only. */
  readonly frequent: readonly number[];
  before(word: number): Predecessors;
}

/** Looks words up in a table. */
export function createLexicon({ words, alphabet, levels }: NgramTable): Lexicon {
  const plain = new Uint8Array(words.length); // 1: letters only, 2: not, 0: not yet tested
  const isPlain = (word: number): boolean => {
    const known = plain[word] ?? 0;
    if (known > 0) return known === 1;
    const isLetters = words[word] !== UNKNOWN_WORD && /^\p{L}+$/u.test(words[word] ?? "");
    plain[word] = isLetters ? 1 : 2;
    return isLetters;
  };
  const places = new Uint16Array(words.length);
  for (let place = 0; place < alphabet.length; place++) places[alphabet[place] ?? 0] = place;
  const frequent = firstPlain(words.length, FREQUENT, isPlain);
  const known = new Map<number, Predecessors>();
  /** The first place in the alphabet whose word does not come before a text. */
  const placeFrom = (text: string): number => {
    let [low, high] = [0, alphabet.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((words[alphabet[middle] ?? 0] ?? "") < text) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    isPlain,
    places,
    indexOf(word) {
      const index = alphabet[placeFrom(word)] ?? 0;
      return words[index] === word ? index : undefined;
    },
    range: (prefix) => (prefix === "" ? [0, alphabet.length] : [placeFrom(prefix), placeFrom(`${prefix}\uffff`)]),
    plainWords: (from, to) => Array.from(alphabet.subarray(from, to)).filter(isPlain),
    frequent,
    before(word) {
      const before = known.get(word) ?? predecessors(levels[0], word, isPlain);
      if (known.size < MOST_KNOWN) known.set(word, before);
      return before;
    },
  };
}

/** Words offered where nothing else is known. */
const FREQUENT = 100;

/** Words whose predecessors are kept. */
const MOST_KNOWN = 64;

/** The first `count` words of letters only. */
function firstPlain(words: number, count: number, isPlain: (word: number) => boolean): number[] {
  const found: number[] = [];
  for (let word = 0; word < words && found.length < count; word++) if (isPlain(word)) found.push(word);
  return found;
}

/** The words of letters only that a word followed. */
function predecessors(
  level: NgramTable["levels"][number] | undefined,
  word: number,
  isPlain: (word: number) => boolean,
): Predecessors {
  const found: { words: number[]; logs: number[] } = { words: [], logs: [] };
  if (level === undefined) return found;
  const { starts, words, logs } = level;
  let parent = 0;
  for (let at = words.indexOf(word); at >= 0; at = words.indexOf(word, at + 1)) {
    while ((starts[parent + 1] ?? Number.POSITIVE_INFINITY) <= at) parent++;
    if (!isPlain(parent)) continue;
    found.words.push(parent);
    found.logs.push(logs[at] ?? 0);
  }
  return found;
}
