/** Which words a table holds after a context, and how it shares the chance among them and all others. */
import { countsOfLogs, type NgramLevel, type NgramTable } from "./ngram-table.ts";

/** The entries after a context. */
export interface Row {
  readonly level: NgramLevel;
  /** The entries' places in the level, up to but without `to`. */
  readonly from: number;
  readonly to: number;
  /** The part of the chance that is left for the shorter context. */
  readonly rest: number;
  readonly discount: number;
  readonly total: number;
}

/** Reads the entries after contexts, which are indices of words, the nearest last. */
export interface Contexts {
  /** The rows of a context that has any, the shortest first; a paragraph's beginning ends the context. */
  rows(context: readonly number[]): Row[];
  /** The share of a word in a row, 0 if it is not there. */
  share(row: Row, word: number): number;
  shareAt(row: Row, at: number): number;
  /** The share of an entry in the row of one word, by the logarithm of its count. */
  pairShare(word: number, log: number): number;
  /** The part of the chance that is left after one word for words not seen after it. */
  restAfter(word: number): number;
}

/** Reads the rows of a table. */
export function createContexts({ counts, levels }: NgramTable, paragraph: number): Contexts {
  const seen = countsOfLogs();
  const shares = DISCOUNTS.map((discount) => seen.map((count) => Math.max(0, count - discount)));
  const sumOf: RowSum = ({ logs }, from, to, size) => {
    const discounted = shares[size] ?? seen;
    let sum = 0;
    for (let at = from; at < to; at++) sum += discounted[logs[at] ?? 0] ?? 0;
    return sum;
  };
  /** The sums of the rows of one word, which are long; -1 where nothing has asked. */
  const sums = new Float64Array(counts.length).fill(-1);
  const pairSum = (word: number): number => {
    const [level] = levels;
    if (level === undefined) return 0;
    if ((sums[word] ?? -1) < 0) sums[word] = sumOf(level, level.starts[word] ?? 0, level.starts[word + 1] ?? 0, 1);
    return sums[word] ?? 0;
  };
  const rowSum = rememberingLong(sumOf);
  // Counts are rounded: together they must not exceed the number of times that the context was seen.
  const totalOf = (count: number, sum: number): number => Math.max(count, sum * 1.001, 1);
  const pairTotal = (word: number): number => totalOf(counts[word] ?? 0, pairSum(word));
  /** The entries after the last `size` words of a context. */
  const rowOf = (context: readonly number[], size: number): Row | undefined => {
    let node = context[context.length - size] ?? 0;
    let count = counts[node] ?? 0;
    for (let depth = 1; depth < size; depth++) {
      const { starts, words, logs } = levels[depth - 1] ?? NO_LEVEL;
      const word = context[context.length - size + depth] ?? 0;
      node = placeOf(words, word, starts[node] ?? 0, starts[node + 1] ?? 0);
      if (node < 0) return undefined;
      count = seen[logs[node] ?? 0] ?? 0;
    }
    const level = levels[size - 1] ?? NO_LEVEL;
    const [from, to] = [level.starts[node] ?? 0, level.starts[node + 1] ?? 0];
    if (from === to) return undefined;
    const sum = size === 1 ? pairSum(node) : rowSum(level, from, to, size);
    const total = totalOf(count, sum);
    return { level, from, to, rest: 1 - sum / total, discount: DISCOUNTS[size] ?? 0, total };
  };
  const shareAt = ({ level, discount, total }: Row, at: number): number =>
    Math.max(0, (seen[level.logs[at] ?? 0] ?? 0) - discount) / total;
  return {
    rows(context) {
      const rows: Row[] = [];
      for (let size = 1; size <= Math.min(context.length, levels.length); size++) {
        const row = rowOf(context, size);
        if (row !== undefined) rows.push(row);
        if (context[context.length - size] === paragraph) break;
      }
      return rows;
    },
    share(row, word) {
      const at = placeOf(row.level.words, word, row.from, row.to);
      return at < 0 ? 0 : shareAt(row, at);
    },
    shareAt,
    pairShare: (word, log) => (shares[1]?.[log] ?? 0) / pairTotal(word),
    restAfter: (word) => 1 - pairSum(word) / pairTotal(word),
  };
}

/** Sums of rows, those of long ones added up once; short ones are not worth the memory. */
function rememberingLong(sumOf: RowSum): RowSum {
  const sums = new WeakMap<NgramLevel, Map<number, number>>();
  return (level, from, to, size) => {
    if (to - from < LONG_ROW) return sumOf(level, from, to, size);
    const known = sums.get(level) ?? new Map<number, number>();
    sums.set(level, known);
    const sum = known.get(from) ?? sumOf(level, from, to, size);
    known.set(from, sum);
    return sum;
  };
}

type RowSum = (level: NgramLevel, from: number, to: number, size: number) => number;

/** By the number of words before: what each count loses to words that were not seen there. */
const DISCOUNTS = [0, 0.7, 0.8, 0.9];
/** Entries from which on a row's sum is kept. */
const LONG_ROW = 64;
const NO_LEVEL: NgramLevel = { starts: new Uint32Array(0), words: new Uint16Array(0), logs: new Uint8Array(0) };

/** Where a value stands in ascending values [from, to), or -1. */
function placeOf(values: Uint16Array, value: number, from: number, to: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low < to && values[low] === value ? low : -1;
}
