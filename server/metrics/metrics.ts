/** Metrics for summaries, answers and fills: ROUGE, exact match, token F1, and intervals of means. */

import { seededRandom } from "../../models/random.ts";
import { porterStem } from "./porter.ts";

/** F-measures of one prediction, 0 to 1. */
export interface RougeScores {
  readonly rouge1: number;
  readonly rouge2: number;
  /** From the longest common subsequence of the whole texts. */
  readonly rougeL: number;
  /** From the union of the longest common subsequences of lines; each sentence should be on its own line. */
  readonly rougeLsum: number;
}

/** Variants among published figures. */
export interface RougeOptions {
  /**
   * Whether to compare Porter stems of words longer than three letters; T5's own evaluation does not. Default false.
   */
  readonly stem?: boolean;
}

/** A mean with the bounds of its 95% bootstrap interval, in the unit of the values. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/**
 * ROUGE F-measures of a prediction against one reference, on runs of a-z and 0-9 in lower case.
 * @see rouge_scorer.py of google-research/rouge, whose numbers these equal
 */
export function rouge(reference: string, prediction: string, options: RougeOptions = {}): RougeScores {
  const words = (text: string): string[] => rougeWords(text, options.stem === true);
  const [target, candidate] = [words(reference), words(prediction)];
  const lines = (text: string): string[][] =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map(words);
  return {
    rouge1: overlap(counts(target), counts(candidate)),
    rouge2: overlap(counts(pairs(target)), counts(pairs(candidate))),
    rougeL: fMeasure(commonPositions(target, candidate).length, target.length, candidate.length),
    rougeLsum: summaryLevel(lines(reference), lines(prediction)),
  };
}

/**
 * A text without ASCII punctuation, articles, case and extra white space.
 * @see qa_utils.py normalize_squad
 */
export function normalizeSquad(text: string): string {
  return withoutArticles(text.toLowerCase().replace(punctuation, ""));
}

/**
 * Exact match (0 or 1) and token F1 (0 to 1) of an answer, each the best over the accepted answers.
 * @param normalize applied to both texts first; by default normalizeSquad
 */
export function answerScores(
  accepted: readonly string[],
  prediction: string,
  normalize: (text: string) => string = normalizeSquad,
): { exact: number; f1: number } {
  const answerText = normalize(prediction);
  let exact = 0;
  let f1 = 0;
  for (const answer of accepted.map(normalize)) {
    if (answer === answerText) exact = 1;
    f1 = Math.max(f1, overlap(counts(split(answer)), counts(split(answerText))));
  }
  return { exact, f1 };
}

/**
 * Mean of the values with its 95% bootstrap percentile interval, from seeded resamples of the values.
 * @throws RangeError when there are no values
 */
export function bootstrap(values: readonly number[], seed = 1, resamples = 1000): Interval {
  if (values.length === 0) throw new RangeError("no values to take a mean of");
  const data = Float64Array.from(values);
  const random = seededRandom(seed);
  const means = new Float64Array(resamples);
  for (let i = 0; i < resamples; i++) {
    let sum = 0;
    for (let n = 0; n < data.length; n++) sum += data[Math.floor(random() * data.length)] ?? 0;
    means[i] = sum / data.length;
  }
  means.sort();
  return { mean: mean(values), low: percentile(means, 0.025), high: percentile(means, 0.975) };
}

/** Arithmetic mean; NaN if there are no values. */
export function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** The value below which a share of the sorted values lies, linear between neighbors (numpy's default). */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
  return below + (above - below) * (at - Math.floor(at));
}

const punctuation = /[!-/:-@[-`{-~]/g;

function withoutArticles(text: string): string {
  // Python's \b counts letters of every script as part of a word; JavaScript's does not.
  return split(text.replace(/(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu, " ")).join(" ");
}

/** Words as Python's str.split() finds them. */
function split(text: string): string[] {
  return text.split(PYTHON_SPACES).filter((word) => word !== "");
}

/** Python's white space has four separators and NEL that JavaScript's lacks, and lacks its byte order mark. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: four of them are separators
const PYTHON_SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

function rougeWords(text: string, stem: boolean): string[] {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return stem ? words.map((word) => (word.length > 3 ? porterStem(word) : word)) : [...words];
}

function pairs(words: readonly string[]): string[] {
  return words.slice(1).map((word, i) => `${words[i]} ${word}`);
}

function counts(items: readonly string[]): Map<string, number> {
  const countOf = new Map<string, number>();
  for (const item of items) countOf.set(item, (countOf.get(item) ?? 0) + 1);
  return countOf;
}

function overlap(target: ReadonlyMap<string, number>, candidate: ReadonlyMap<string, number>): number {
  const total = (of: ReadonlyMap<string, number>): number => [...of.values()].reduce((a, b) => a + b, 0);
  let shared = 0;
  for (const [item, count] of target) shared += Math.min(count, candidate.get(item) ?? 0);
  return fMeasure(shared, total(target), total(candidate));
}

function fMeasure(shared: number, targets: number, candidates: number): number {
  if (shared === 0) return 0;
  const [precision, recall] = [shared / candidates, shared / targets];
  return (2 * precision * recall) / (precision + recall);
}

/** Positions in `target` of one longest common subsequence; ties are broken as in rouge_scorer.py. */
function commonPositions(target: readonly string[], candidate: readonly string[]): number[] {
  const [rows, columns] = [target.length, candidate.length];
  const width = columns + 1;
  const table = new Uint32Array((rows + 1) * width); // length of the longest one of target[..i], candidate[..j]
  const at = (i: number, j: number): number => table[i * width + j] ?? 0;
  for (let i = 1; i <= rows; i++) {
    for (let j = 1; j <= columns; j++) {
      const same = target[i - 1] === candidate[j - 1];
      table[i * width + j] = same ? at(i - 1, j - 1) + 1 : Math.max(at(i - 1, j), at(i, j - 1));
    }
  }
  const positions: number[] = [];
  for (let i = rows, j = columns; i > 0 && j > 0; ) {
    if (target[i - 1] === candidate[j - 1]) {
      positions.push(--i);
      j--;
    } else if (at(i, j - 1) > at(i - 1, j)) j--;
    else i--;
  }
  return positions.reverse();
}

function summaryLevel(target: readonly string[][], candidate: readonly string[][]): number {
  const left = [counts(target.flat()), counts(candidate.flat())];
  let hits = 0;
  for (const line of target) {
    const union = new Set(candidate.flatMap((other) => commonPositions(line, other)));
    for (const position of [...union].sort((a, b) => a - b)) {
      const word = line[position] ?? "";
      if (left.every((words) => (words.get(word) ?? 0) > 0)) {
        hits += 1;
        for (const words of left) words.set(word, (words.get(word) ?? 0) - 1);
      }
    }
  }
  return fMeasure(hits, target.flat().length, candidate.flat().length);
}
