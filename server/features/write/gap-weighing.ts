/**
 * Weighs what could stand in short gaps: the model's likeliest words and phrases, and words that often stand between
 * such neighbors, by the model and by n-grams of both sides. All gaps of a text are weighed in one run.
 */
import { setImmediate } from "node:timers/promises";
import { assemble, fillLength, type Gap, type LengthHint } from "../../../models/tokenizer/spans.ts";
import type { SpanWindow } from "../../../models/tokenizer/window.ts";
import { englishNgrams } from "../../catalog/ngrams.ts";
import type { FilledSpan, LoadedModel } from "../../engine/engine.ts";
import { gapPrefix } from "./denoiser-mode.ts";
import { textAfter, textBefore, windowOf } from "./infill-window.ts";

/** A gap's window, the words that n-grams propose for it, and how its candidates are ordered. */
export interface Weighing {
  readonly gap: number;
  readonly window: SpanWindow;
  readonly proposals: readonly string[];
  /** Whether n-grams are weighed too. */
  readonly byNgrams: boolean;
  /** The log probability of a fill under the model, its end included, and, weighed, under the n-grams. */
  rank(span: FilledSpan): number;
}

/**
 * Drafts gaps: the word that n-grams propose for each, for its neighbors to read.
 * @throws ModelError "input" when the table of n-grams is damaged
 */
export async function draft(
  { model: { info }, document, decoding: { ngrams: weight = 0 }, signal }: WeighedText,
  gaps: readonly number[],
): Promise<void> {
  const ngrams = weight > 0 && info.languages.includes("en") ? await englishNgrams() : undefined;
  for (const [i, gap] of gaps.entries()) {
    // Their words take a while, in which the process must hear of a cancellation.
    if (i % DRAFTED_AT_ONCE === DRAFTED_AT_ONCE - 1) await setImmediate();
    if (signal?.aborted) return;
    const [before, after] = [textBefore(document, gap, NEIGHBORS), textAfter(document, gap + 1, NEIGHBORS)];
    document.drafts[gap] = ngrams?.predict(before, after, 1)[0];
  }
}

/**
 * Drafts gaps that stay as they are, since the model takes their marks for text. (In a page of gaps of which one was to
 * be filled, its fill had a chance of 0.07 beside marks, of 0.70 beside drafts.)
 * @throws ModelError "input" when the table of n-grams is damaged
 */
export async function draftOthers(
  {
    model: { info },
    document,
    gaps,
    decoding: { ngrams: weight = 0 },
  }: WeighedText & { readonly gaps: readonly Gap[] },
  text: string,
  others: readonly Gap[],
): Promise<void> {
  if (others.length === 0) return;
  const ngrams = weight > 0 && info.languages.includes("en") ? await englishNgrams() : undefined;
  const word = ({ start, end }: Gap) =>
    ngrams?.predict(text.slice(Math.max(0, start - NEIGHBORS), start), text.slice(end, end + NEIGHBORS), 1)[0] ?? "";
  document.texts = document.texts.map((part, i) => {
    const from = gaps[i - 1]?.end ?? 0;
    const inside = others.filter(({ start, end }) => start >= from && end <= from + part.length);
    const ranges = inside.map(({ start, end }) => ({ start: start - from, end: end - from }));
    return assemble(part, ranges, inside.map(word));
  });
}

/**
 * How a gap is weighed.
 * @param around how many gaps are weighed with it; each has a smaller window then
 * @param weight of the n-grams; 0 leaves the model alone
 * @throws ModelError "input" when the table of n-grams is damaged
 */
export async function weighingOf(
  { model: { info }, document, window: most, decoding: { ngrams: weight = 0 } }: WeighedText,
  gap: number,
  around: number,
): Promise<Weighing> {
  const tokens = around === 1 ? most : Math.max(LEAST_WINDOW, Math.min(most, Math.floor(ALL_WINDOWS / around)));
  const window = { ...windowOf(document, gap, gap + 1, tokens), prefix: gapPrefix(info, "R") };
  const [before = "", after = ""] = window.texts;
  const ngrams = weight > 0 && info.languages.includes("en") ? await englishNgrams() : undefined;
  const within = /[\p{L}\p{N}]$/u.test(before) || /^[\p{L}\p{N}]/u.test(after);
  const total = ({ logProbs, endLogProb }: FilledSpan) => logProbs.reduce((sum, logProb) => sum + logProb, endLogProb);
  if (ngrams === undefined || within) return { gap, window, proposals: [], byNgrams: false, rank: total };
  const { words = 1 } = fillLength(document.hints[gap]);
  return {
    gap,
    window,
    proposals: words > 1 ? [] : ngrams.predict(before, after, around > FEW ? MANY_PROPOSALS : FEW_PROPOSALS),
    byNgrams: true,
    rank: (span) => total(span) + weight * ngrams.logProbability(before, span.text, after),
  };
}

/** How many beams are searched for each of some gaps. */
export function beamsFor(model: WeighedText["model"], gaps: number, alternatives: number): number {
  const most = model.info.parameters > LARGE_MODEL ? LEAST_BEAMS : MOST_BEAMS;
  return Math.max(LEAST_BEAMS, alternatives, Math.min(most, Math.floor(ALL_BEAMS / gaps)));
}

/** Tokens of the longest fill that is weighed, its end included. */
export function weighedTokens(hints: readonly (LengthHint | undefined)[]): number {
  return 1 + Math.max(...hints.map((hint) => Math.min(MOST_TOKENS, fillLength(hint).maxTokens)));
}

/** A text whose gaps are weighed. */
interface WeighedText {
  readonly model: Pick<LoadedModel, "info">;
  readonly document: Parameters<typeof windowOf>[0];
  /** Tokens of one encoder window. */
  readonly window: number;
  readonly decoding: { readonly ngrams?: number };
  readonly signal: AbortSignal | undefined;
}

/** Characters around a gap that n-grams read. */
const NEIGHBORS = 100;
/** Drafts made before the process may hear of something else. */
const DRAFTED_AT_ONCE = 16;
/** Most gaps of one run. */
export const MOST_WEIGHED = 32;
const MOST_TOKENS = 16;
const MOST_BEAMS = 16;
/** Beams where alternatives are wanted, at least. */
export const LEAST_BEAMS = 4;
const ALL_BEAMS = 96;
/** Parameters from which on many beams take too long. */
const LARGE_MODEL = 150e6;
/** Tokens of all windows of a run together, and the least of one. */
const ALL_WINDOWS = 1600;
const LEAST_WINDOW = 48;
/** Words that n-grams propose for each gap: of few gaps, and of more. */
const FEW = 4;
const FEW_PROPOSALS = 20;
const MANY_PROPOSALS = 8;
