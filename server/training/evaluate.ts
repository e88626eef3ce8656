/** What a model is worth, in figures: how likely it finds true fills, how often it fills a word exactly, how good its summaries are. */
import { type Gap, isFunctionWord } from "./gaps.ts";
import { bootstrap, type Interval, percentile, type RougeScores, rouge } from "./metrics.ts";
import { seededRandom } from "./random.ts";

/** A text with a summary that a person wrote. */
export interface EvaluationDocument {
  /** `owner/repo:path`, or any other name. */
  readonly source: string;
  /** Whether the summary stands word for word in the text. */
  readonly extractive: boolean;
  readonly title: string;
  readonly text: string;
  readonly summary: string;
}

/** How surprised a model is by true fills. */
export interface Perplexity {
  /** exp of the mean negative log-likelihood of a fill's tokens, with its 95% bootstrap interval over gaps. */
  readonly perToken: Interval;
  /** The same for each word, which compares across vocabularies. */
  readonly perWord: Interval;
  readonly gaps: number;
  readonly tokens: number;
}

/** Shares of gaps filled with the very word that stood there, 0 to 1; NaN without such gaps. */
export interface FillAccuracy {
  readonly exact: Interval;
  readonly ignoringCase: Interval;
  /** The word was among the first five, with case. */
  readonly amongFive: Interval;
  readonly gaps: number;
}

/** Fill accuracy of all word gaps, and of the two kinds of words. */
export interface FillReport {
  readonly all: FillAccuracy;
  readonly content: FillAccuracy;
  readonly function: FillAccuracy;
}

/** Mean ROUGE F-measures of a set of summaries (stemmed), 0 to 1. */
export type SummaryScores = { readonly [K in "rouge1" | "rouge2" | "rougeL"]: Interval };

/** Summary scores on all documents, and on those whose summary is not simply a sentence of theirs. */
export interface SummaryReport {
  readonly all: SummaryScores;
  readonly notExtractive: SummaryScores;
}

/**
 * Perplexity of true fills.
 * @param logProbs for each gap, the natural log probabilities of its fill's tokens
 */
export function perplexity(gaps: readonly Gap[], logProbs: readonly (readonly number[])[]): Perplexity {
  const losses = logProbs.map((one) => -one.reduce((a, b) => a + b, 0));
  const tokens = logProbs.map((one) => one.length);
  const words = gaps.map((gap) => gap.fill.split(/\s+/).length);
  return {
    perToken: expOfRatio(losses, tokens),
    perWord: expOfRatio(losses, words),
    gaps: gaps.length,
    tokens: tokens.reduce((a, b) => a + b, 0),
  };
}

/**
 * How often single words are filled exactly.
 * @param gaps word gaps
 * @param fills for each gap the proposed words, best first
 */
export function fillReport(gaps: readonly Gap[], fills: readonly (readonly string[])[]): FillReport {
  const of = (kind: "content" | "function" | undefined): FillAccuracy => {
    const picked = gaps.flatMap((gap, i) => {
      const own = isFunctionWord(gap.fill) ? "function" : "content";
      return kind === undefined || own === kind ? [{ fill: gap.fill, words: (fills[i] ?? []).map(cleanWord) }] : [];
    });
    const share = (right: (fill: string, words: readonly string[]) => boolean): Interval =>
      interval(picked.map(({ fill, words }) => (right(fill, words) ? 1 : 0)));
    return {
      exact: share((fill, [first]) => first === fill),
      ignoringCase: share((fill, [first]) => first?.toLowerCase() === fill.toLowerCase()),
      amongFive: share((fill, words) => words.slice(0, 5).includes(fill)),
      gaps: picked.length,
    };
  };
  return { all: of(undefined), content: of("content"), function: of("function") };
}

/**
 * How much more often the first fills of one are exact than those of another on the same gaps.
 * @returns the difference of the shares with its 95% paired bootstrap interval
 */
export function fillAdvantage(
  gaps: readonly Gap[],
  fills: readonly (readonly string[])[],
  others: readonly (readonly string[])[],
): Interval {
  const right = (proposed: readonly string[] | undefined, gap: Gap): number =>
    cleanWord(proposed?.[0] ?? "") === gap.fill ? 1 : 0;
  return bootstrap(gaps.map((gap, i) => right(fills[i], gap) - right(others[i], gap)));
}

/** ROUGE of summaries beside the documents' own; stemmed, whole texts. */
export function summaryReport(documents: readonly EvaluationDocument[], summaries: readonly string[]): SummaryReport {
  const scored = documents.map((document, i) => ({
    extractive: document.extractive,
    scores: rouge(document.summary, summaries[i] ?? "", { stem: true }),
  }));
  const of = (picked: readonly { readonly scores: RougeScores }[]): SummaryScores => ({
    rouge1: interval(picked.map(({ scores }) => scores.rouge1)),
    rouge2: interval(picked.map(({ scores }) => scores.rouge2)),
    rougeL: interval(picked.map(({ scores }) => scores.rougeL)),
  });
  return { all: of(scored), notExtractive: of(scored.filter(({ extractive }) => !extractive)) };
}

/** The bootstrap interval; NaN where there is nothing to take it of. */
function interval(values: readonly number[]): Interval {
  if (values.length === 0) return { mean: Number.NaN, low: Number.NaN, high: Number.NaN };
  return bootstrap(values);
}

/** A fill without the white space and punctuation around it, which bigrams never propose either. */
function cleanWord(fill: string): string {
  return fill.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
}

/** exp(sum of values / sum of weights) with its bootstrap interval over the items. */
function expOfRatio(values: readonly number[], weights: readonly number[], seed = 1, resamples = 1000): Interval {
  if (values.length === 0) throw new RangeError("no gaps to measure on");
  const random = seededRandom(seed);
  const ratio = (pick: (i: number) => number): number => {
    let [sum, weight] = [0, 0];
    for (let i = 0; i < values.length; i++) {
      const at = pick(i);
      sum += values[at] ?? 0;
      weight += weights[at] ?? 0;
    }
    return Math.exp(sum / weight);
  };
  const sorted = Float64Array.from({ length: resamples }, () =>
    ratio(() => Math.floor(random() * values.length)),
  ).sort();
  return { mean: ratio((i) => i), low: percentile(sorted, 0.025), high: percentile(sorted, 0.975) };
}
