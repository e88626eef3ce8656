/** Counts of words and of runs of two to four words, as a tree in typed arrays; and the file that holds one. */
import { ModelError } from "../errors.ts";

/** A tree of counts: each level holds the words that followed what its parents spell. */
export interface NgramTable {
  /** Most frequent first; the last one stands for all that are not listed. */
  readonly words: readonly string[];
  /** The words' indices in the order of their UTF-16 units. */
  readonly alphabet: Uint16Array;
  /** How often each word was seen. */
  readonly counts: Float64Array;
  /** The words after a word, after two, and so on. */
  readonly levels: readonly NgramLevel[];
}

/** The successors of parent p (a word, or an entry of the level above) are entries starts[p] to starts[p + 1] - 1. */
export interface NgramLevel {
  readonly starts: Uint32Array;
  /** Indices into the words, ascending among the children of one parent. */
  readonly words: Uint16Array;
  /** Logarithms of how often each followed: countOf gives the counts. */
  readonly logs: Uint8Array;
}

/** The word that stands for all those a table does not list. */
export const UNKNOWN_WORD = "<unk>";
/** Most words of a table. */
export const MOST_WORDS = 0xffff;

/** A count as a logarithm, good to 6%. */
export function logOf(count: number): number {
  return Math.min(Math.round(STEPS * Math.log2(count)), 0xff);
}

/** The counts of all logarithms. */
export function countsOfLogs(): Float64Array {
  return Float64Array.from({ length: 0x100 }, (_, log) => 2 ** (log / STEPS));
}

/** Whether bytes begin as those of a table do. */
export function isNgramTable(bytes: Buffer): boolean {
  return bytes.subarray(0, 100).includes(FORMAT);
}

/**
 * The table in a file's unpacked bytes: a line of JSON with the numbers of words and of entries per level; the words in
 * alphabetical order, each ended by NUL; their indices and the logarithms of their counts (uint16); then for each
 * level the numbers of children (low bytes, high bytes), the steps between siblings (low, high) and the logarithms.
 * models/recipes/ngrams.py writes it.
 * @param name of the file, for messages
 * @throws ModelError "input" for a damaged table
 */
export function readNgramTable(bytes: Buffer, name: string): NgramTable {
  try {
    return parse(bytes);
  } catch (cause) {
    throw new ModelError(
      "input",
      `${name} is not a complete table of word n-grams. Install Spanfill again, or create the table again.`,
      { cause },
    );
  }
}

const FORMAT = "spanfill-ngrams";
const STEPS = 6;

function parse(bytes: Buffer): NgramTable {
  const line = bytes.indexOf("\n");
  const head = JSON.parse(bytes.toString("utf8", 0, line)) as { words: number; levels: number[] };
  const parents = [head.words, ...head.levels];
  const sizes = head.levels.map((entries, i) => 2 * (parents[i] ?? 0) + 3 * entries);
  const planesAt = bytes.length - sizes.reduce((a, b) => a + b, 4 * head.words);
  const listed = bytes
    .toString("utf8", line + 1, planesAt)
    .split("\0")
    .slice(0, -1);
  if (listed.length !== head.words) throw new RangeError(`${listed.length} words of ${head.words}`);
  const alphabet = new Uint16Array(head.words);
  const words: string[] = new Array(head.words).fill("");
  const counts = new Float64Array(head.words);
  for (let i = 0; i < head.words; i++) {
    alphabet[i] = bytes.readUInt16LE(planesAt + 2 * i);
    words[alphabet[i] ?? 0] = listed[i] ?? "";
    counts[i] = 2 ** (bytes.readUInt16LE(planesAt + 2 * (head.words + i)) / STEPS);
  }
  let at = planesAt + 4 * head.words;
  const levels = head.levels.map((entries, i) => {
    const level = parseLevel(bytes, at, parents[i] ?? 0, entries);
    at += sizes[i] ?? 0;
    return level;
  });
  return { words, alphabet, counts, levels };
}

function parseLevel(bytes: Buffer, at: number, parents: number, entries: number): NgramLevel {
  const stepsAt = at + 2 * parents;
  const logsAt = stepsAt + 2 * entries;
  const starts = new Uint32Array(parents + 1);
  const children = readPlanes(bytes, at, parents);
  const words = readPlanes(bytes, stepsAt, entries);
  let next = 0;
  for (let parent = 0; parent < parents; parent++) {
    const end = next + (children[parent] ?? 0);
    if (end > entries) throw new RangeError(`more than ${entries} entries`);
    for (next++; next < end; next++) words[next] = (words[next] ?? 0) + (words[next - 1] ?? 0);
    next = end;
    starts[parent + 1] = end;
  }
  if (next !== entries) throw new RangeError(`${next} entries of ${entries}`);
  // A copy, so that the file's bytes can be freed.
  return { starts, words, logs: new Uint8Array(bytes.subarray(logsAt, logsAt + entries)) };
}

/** Numbers whose low bytes stand before all high bytes. */
function readPlanes(bytes: Buffer, at: number, count: number): Uint16Array {
  const low = new Uint8Array(bytes.buffer, bytes.byteOffset + at, count);
  const high = new Uint8Array(bytes.buffer, bytes.byteOffset + at + count, count);
  const numbers = new Uint16Array(count);
  for (let i = 0; i < count; i++) numbers[i] = (low[i] ?? 0) | ((high[i] ?? 0) << 8);
  return numbers;
}
