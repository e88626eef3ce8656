/**
 * A bigram language model over words: what fits between two others, by how often each pair stood in the text it was
 * counted in.
 */
import { ModelError } from "../errors.ts";

/** Counts of words and of neighbours, with words as indices into `words`. */
export interface BigramCounts {
  readonly words: readonly string[];
  /** How often words[i] was seen. */
  readonly counts: ArrayLike<number>;
  /** The successors of words[i], ascending, are next[starts[i]] to next[starts[i + 1] - 1]. */
  readonly starts: Uint32Array;
  readonly next: Uint32Array;
  /** How often each followed. */
  readonly nextCounts: ArrayLike<number>;
}

/** Predicts a word between two texts. */
export interface BigramModel {
  /**
   * The likeliest words after `before`, best first.
   * @param after the text behind the gap when it may be used: candidates are then weighed by how well its first word
   *   follows them
   */
  predict(before: string, after: string | undefined, count: number): string[];
  /** Natural log probability of a fill's words and of the first word of `after`, each given the word before it. */
  logProbability(before: string, fill: string, after: string): number;
}

/** The words of a text as the model counts them: words, numbers, single marks, and paragraph breaks as "\n\n". */
export function bigramWords(text: string): string[] {
  return text.match(/\p{L}+(?:['’]\p{L}+)*|\p{N}+|\n\s*\n|[^\s\p{L}\p{N}]/gu)?.map(paragraph) ?? [];
}

/** Counts neighbours in texts; those of different texts do not touch. */
export async function countBigrams(texts: AsyncIterable<string> | Iterable<string>): Promise<BigramCounts> {
  const indices = new Map<string, number>();
  const counts: number[] = [];
  const successors: Map<number, number>[] = [];
  for await (const text of texts) {
    let last: Map<number, number> | undefined;
    for (const word of ["\n\n", ...bigramWords(text)]) {
      let index = indices.get(word);
      if (index === undefined) {
        index = indices.size;
        indices.set(word, index);
        counts.push(0);
        successors.push(new Map());
      }
      counts[index] = (counts[index] ?? 0) + 1;
      last?.set(index, (last.get(index) ?? 0) + 1);
      last = successors[index];
    }
  }
  return tableOf([...indices.keys()], counts, successors);
}

/**
 * The model of some counts: absolute discounting (0.75), interpolated with the unigrams.
 * @see Ney, Essen, Kneser, "On structuring probabilistic dependences in stochastic language modelling" (1994)
 */
export function createBigramModel({ words, counts, starts, next, nextCounts }: BigramCounts): BigramModel {
  const indices = new Map(words.map((word, i) => [word, i]));
  const total = sum(counts);
  const plain = new Uint8Array(words.length); // 1: letters alone, 2: not, 0: nobody has asked
  const isPlain = (w: number): boolean => {
    plain[w] ||= /^\p{L}+$/u.test(words[w] ?? "") ? 1 : 2;
    return plain[w] === 1;
  };
  const frequent = mostFrequent(counts, isPlain);
  const predecessors = reversed(words.length, starts, next);
  const rests = new Float64Array(words.length).fill(Number.NaN);
  /** What the discounts (and pruned pairs) leave for the unigrams. */
  const restOf = (u: number): number => {
    let rest = rests[u] ?? 1;
    if (!Number.isNaN(rest)) return rest;
    let kept = 0;
    for (let at = starts[u] ?? 0; at < (starts[u + 1] ?? 0); at++) kept += (nextCounts[at] ?? 0) - DISCOUNT;
    rest = 1 - kept / Math.max(counts[u] ?? 1, 1);
    rests[u] = rest;
    return rest;
  };
  const unigram = (w: number | undefined): number => (w === undefined ? UNKNOWN : (counts[w] ?? 0) / total);
  const follows = (u: number | undefined, w: number | undefined): number => {
    if (u === undefined) return unigram(w);
    const at = w === undefined ? -1 : placeOf(next, w, starts[u] ?? 0, starts[u + 1] ?? 0);
    return (at < 0 ? 0 : ((nextCounts[at] ?? 0) - DISCOUNT) / (counts[u] ?? 1)) + restOf(u) * unigram(w);
  };
  return {
    predict(before, after, count) {
      const previous = indices.get(lastWord(before));
      const following = after === undefined ? undefined : indices.get(firstWord(after));
      const candidates = new Set(frequent);
      const add = ({ starts, next }: Neighbours, u: number | undefined): void => {
        if (u === undefined) return;
        for (let at = starts[u] ?? 0; at < (starts[u + 1] ?? 0); at++)
          if (isPlain(next[at] ?? 0)) candidates.add(next[at] ?? 0);
      };
      add({ starts, next }, previous);
      add(predecessors, following);
      const best: { readonly w: number; readonly p: number }[] = [];
      for (const w of candidates) {
        const p = follows(previous, w) * (following === undefined ? 1 : follows(w, following));
        const last = best[count - 1];
        if (last !== undefined && p <= last.p) continue;
        const place = best.findIndex((other) => other.p < p);
        best.splice(place < 0 ? best.length : place, 0, { w, p });
        best.length = Math.min(best.length, count);
      }
      return best.map(({ w }) => words[w] ?? "");
    },
    logProbability(before, fill, after) {
      const following = indices.get(firstWord(after));
      let last = indices.get(lastWord(before));
      let logs = 0;
      for (const word of bigramWords(fill)) {
        const index = indices.get(word);
        logs += Math.log(Math.max(follows(last, index), LEAST));
        last = index;
      }
      // What follows is the same for all fills: where the table does not know it, it tells them not apart.
      return following === undefined ? logs : logs + Math.log(Math.max(follows(last, following), LEAST));
    },
  };
}

/**
 * The counts with only the `keep` pairs whose loss would change the likelihood of the text most, and the words they
 * use.
 */
export function pruneBigrams(table: BigramCounts, keep: number): BigramCounts {
  const { words, counts, starts } = table;
  const total = sum(counts);
  const worth = (u: number, w: number, count: number): number => {
    const back = (DISCOUNT * ((starts[u + 1] ?? 0) - (starts[u] ?? 0)) * (counts[w] ?? 0)) / total;
    return count * Math.log((count - DISCOUNT + back) / back);
  };
  const all: number[] = [];
  for (const u of words.keys()) {
    for (const [w, count] of pairsOf(table, u)) if (count > 1) all.push(worth(u, w, count));
  }
  const threshold = all.sort((a, b) => b - a)[keep] ?? 0;
  const kept = words.map((_, u) =>
    [...pairsOf(table, u)].filter(([w, count]) => count > 1 && worth(u, w, count) > threshold),
  );
  const used = new Set(kept.flatMap((pairs, u) => (pairs.length > 0 ? [u, ...pairs.map(([w]) => w)] : [])));
  const order = [...used].sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || a - b);
  const place = new Map(order.map((old, i) => [old, i]));
  return tableOf(
    order.map((i) => words[i] ?? ""),
    order.map((i) => counts[i] ?? 0),
    order.map((i) => new Map((kept[i] ?? []).map(([w, count]) => [place.get(w) ?? 0, count]))),
  );
}

/**
 * The table as bytes, which gzip well: a line of JSON with the numbers of words and pairs, the words (each ended by
 * NUL), and then counts of words, numbers of successors, steps between successors (all uint16) and counts of pairs
 * (uint8). Counts are logarithms, good to 3%.
 * @throws RangeError for more than 65,535 words
 */
export function packBigrams({ words, counts, starts, next, nextCounts }: BigramCounts): Buffer {
  if (words.length > 0xffff) throw new RangeError(`${words.length} words are too many for a table; prune it`);
  const shorts = [
    ...Array.from(counts, toLog),
    ...words.map((_, u) => (starts[u + 1] ?? 0) - (starts[u] ?? 0)),
    ...words.flatMap((_, u) => {
      const row = next.subarray(starts[u], starts[u + 1]);
      return Array.from(row, (w, i) => w - (row[i - 1] ?? 0));
    }),
  ];
  const numbers = Buffer.alloc(2 * shorts.length + next.length);
  for (const [i, value] of shorts.entries()) numbers.writeUInt16LE(value, 2 * i);
  for (const [i, count] of Array.from(nextCounts).entries()) {
    numbers.writeUInt8(Math.min(toLog(count), 0xff), 2 * shorts.length + i);
  }
  const head = `${JSON.stringify({ format: FORMAT, words: words.length, pairs: next.length })}\n`;
  return Buffer.concat([Buffer.from(head + words.map((word) => `${word}\0`).join("")), numbers]);
}

/** Whether bytes begin as those of a table do. */
export function isBigramTable(bytes: Buffer): boolean {
  return bytes.subarray(0, 100).includes(FORMAT);
}

/**
 * The counts that packBigrams packed.
 * @param name of the file, for messages
 * @throws ModelError "input" for a damaged table
 */
export function unpackBigrams(bytes: Buffer, name: string): BigramCounts {
  const damaged = (cause?: unknown) =>
    new ModelError(
      "input",
      `${name} is no whole table of word pairs. Install Spanfill again, or make the table anew.`,
      {
        cause,
      },
    );
  try {
    const line = bytes.indexOf("\n");
    const head = JSON.parse(bytes.toString("utf8", 0, line)) as { words: number; pairs: number };
    const numbersAt = bytes.length - (4 * head.words + 3 * head.pairs);
    const words = bytes
      .toString("utf8", line + 1, numbersAt)
      .split("\0")
      .slice(0, -1);
    if (words.length !== head.words) throw damaged();
    const shorts = new Uint16Array(2 * head.words + head.pairs);
    for (let i = 0; i < shorts.length; i++) shorts[i] = bytes.readUInt16LE(numbersAt + 2 * i);
    const starts = new Uint32Array(head.words + 1);
    for (let u = 0; u < head.words; u++) starts[u + 1] = (starts[u] ?? 0) + (shorts[head.words + u] ?? 0);
    if (starts[head.words] !== head.pairs) throw damaged();
    const next = new Uint32Array(head.pairs);
    for (let u = 0; u < head.words; u++) {
      let w = 0;
      for (let at = starts[u] ?? 0; at < (starts[u + 1] ?? 0); at++) {
        w += shorts[2 * head.words + at] ?? 0;
        next[at] = w;
      }
    }
    // A loop, and a table of powers: TypedArray.from takes five times as long.
    const powers = Array.from({ length: 1 << 9 }, (_, log) => fromLog(log));
    const counts = new Float64Array(head.words);
    for (let i = 0; i < head.words; i++) counts[i] = powers[shorts[i] ?? 0] ?? 0;
    const nextCounts = new Float32Array(head.pairs);
    const logsAt = bytes.length - head.pairs;
    for (let i = 0; i < head.pairs; i++) nextCounts[i] = powers[bytes[logsAt + i] ?? 0] ?? 0;
    return { words, counts, starts, next, nextCounts };
  } catch (cause) {
    throw cause instanceof ModelError ? cause : damaged(cause);
  }
}

const FORMAT = "spanfill-bigrams";
const DISCOUNT = 0.75;
/** Share of all words that one the table does not know is taken to have. */
const UNKNOWN = 1e-8;
const LEAST = 1e-12;
const toLog = (count: number): number => Math.round(12 * Math.log2(count));
const fromLog = (packed: number): number => 2 ** (packed / 12);

function tableOf(
  words: readonly string[],
  counts: readonly number[],
  successors: readonly ReadonlyMap<number, number>[],
): BigramCounts {
  const rows = successors.map((row) => [...row].sort(([a], [b]) => a - b));
  const starts = new Uint32Array(words.length + 1);
  for (const [u, row] of rows.entries()) starts[u + 1] = (starts[u] ?? 0) + row.length;
  const pairs = rows.flat();
  return {
    words,
    counts,
    starts,
    next: Uint32Array.from(pairs, ([w]) => w),
    nextCounts: Float32Array.from(pairs, ([, count]) => count),
  };
}

function* pairsOf({ starts, next, nextCounts }: BigramCounts, u: number): Generator<[number, number]> {
  for (let at = starts[u] ?? 0; at < (starts[u + 1] ?? 0); at++) yield [next[at] ?? 0, nextCounts[at] ?? 0];
}

type Neighbours = Pick<BigramCounts, "starts" | "next">;

/** The words that each word followed. */
function reversed(words: number, starts: Uint32Array, next: Uint32Array): Neighbours {
  const ends = new Uint32Array(words + 1);
  for (const w of next) ends[w + 1] = (ends[w + 1] ?? 0) + 1;
  for (let w = 0; w < words; w++) ends[w + 1] = (ends[w + 1] ?? 0) + (ends[w] ?? 0);
  const free = ends.slice();
  const list = new Uint32Array(next.length);
  for (let u = 0; u < words; u++) {
    for (let at = starts[u] ?? 0; at < (starts[u + 1] ?? 0); at++) {
      const w = next[at] ?? 0;
      const place = free[w] ?? 0;
      list[place] = u;
      free[w] = place + 1;
    }
  }
  return { starts: ends, next: list };
}

/** Where a value stands in ascending values [from, to), or -1. */
function placeOf(values: Uint32Array, value: number, from: number, to: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low < to && values[low] === value ? low : -1;
}

/** The fifty most frequent words that are letters alone. */
function mostFrequent(counts: ArrayLike<number>, isPlain: (w: number) => boolean): number[] {
  const best: number[] = [];
  for (let w = 0; w < counts.length; w++) {
    const last = best[49];
    if ((last !== undefined && (counts[w] ?? 0) <= (counts[last] ?? 0)) || !isPlain(w)) continue;
    const place = best.findIndex((other) => (counts[other] ?? 0) < (counts[w] ?? 0));
    best.splice(place < 0 ? best.length : place, 0, w);
    best.length = Math.min(best.length, 50);
  }
  return best;
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] ?? 0;
  return total;
}

function paragraph(word: string): string {
  return word.trim() === "" ? "\n\n" : word;
}

function lastWord(text: string): string {
  return bigramWords(text.slice(-200)).at(-1) ?? "\n\n";
}

function firstWord(text: string): string {
  return bigramWords(text.slice(0, 200))[0] ?? "\n\n";
}
