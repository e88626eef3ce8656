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
  /** The places of the words that begin with a prefix, up to but without the second one. */
  range(prefix: string): readonly [from: number, to: number];
  /** The words of letters only in a range of the alphabet. */
  plainWords(from: number, to: number): number[];
  /** The most frequent words of letters only. */
  frequent(): readonly number[];
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
  let frequent: number[] | undefined;
  let reversed: Reversed | undefined;
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
    range: (prefix) => (prefix === "" ? [0, alphabet.length] : [placeFrom(prefix), placeFrom(`${prefix}\uffff`)]),
    plainWords: (from, to) => Array.from(alphabet.subarray(from, to)).filter(isPlain),
    frequent() {
      frequent ??= Array.from(words.keys()).filter(isPlain).slice(0, FREQUENT);
      return frequent;
    },
    before(word) {
      reversed ??= reversedPairs(levels[0], words.length);
      const found: { words: number[]; logs: number[] } = { words: [], logs: [] };
      for (let at = reversed.starts[word] ?? 0; at < (reversed.starts[word + 1] ?? 0); at++) {
        const other = reversed.words[at] ?? 0;
        if (!isPlain(other)) continue;
        found.words.push(other);
        found.logs.push(reversed.logs[at] ?? 0);
      }
      return found;
    },
  };
}

/** Words offered where nothing else is known. */
const FREQUENT = 100;

interface Reversed {
  readonly starts: Uint32Array;
  readonly words: Uint16Array;
  readonly logs: Uint8Array;
}

/** The words that each word followed. */
function reversedPairs(level: NgramTable["levels"][number] | undefined, words: number): Reversed {
  const starts = new Uint32Array(words + 1);
  if (level === undefined) return { starts, words: new Uint16Array(0), logs: new Uint8Array(0) };
  for (const word of level.words) starts[word + 1] = (starts[word + 1] ?? 0) + 1;
  for (let word = 0; word < words; word++) starts[word + 1] = (starts[word + 1] ?? 0) + (starts[word] ?? 0);
  const free = starts.slice();
  const list = new Uint16Array(level.words.length);
  const logs = new Uint8Array(level.words.length);
  for (let u = 0; u < words; u++) {
    for (let at = level.starts[u] ?? 0; at < (level.starts[u + 1] ?? 0); at++) {
      const word = level.words[at] ?? 0;
      const place = free[word] ?? 0;
      list[place] = u;
      logs[place] = level.logs[at] ?? 0;
      free[word] = place + 1;
    }
  }
  return { starts, words: list, logs };
}
