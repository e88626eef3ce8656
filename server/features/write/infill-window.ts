/** Which gaps of a document the model fills in one pass, and the text around them that it may see. */
import { fillLength, type LengthHint } from "../../../models/tokenizer/spans.ts";
import { CHARACTERS_A_TOKEN, type SpanWindow } from "../../../models/tokenizer/window.ts";
import type { LoadedModel } from "../../engine/engine.ts";

/** A document with gaps, and the fills so far. */
export interface GappedDocument {
  /** The n + 1 texts around the n gaps, as the model reads them. */
  texts: readonly string[];
  /** The n gaps' lengths. */
  readonly hints: readonly (LengthHint | undefined)[];
  /** The n gaps' fills; undefined as long as there is none. */
  readonly fills: (string | undefined)[];
  /** The words that other gaps see in a gap without a fill. */
  readonly drafts: (string | undefined)[];
}

/**
 * How many gaps from `first` on one pass should fill: at most 32, none after a short one, fewer where sentinels, the
 * window or the output set a limit.
 * @param maxTokens the encoder's window
 * @returns the index after the last gap
 */
export async function endOfPass(
  model: LoadedModel,
  document: GappedDocument,
  first: number,
  maxTokens: number,
): Promise<number> {
  const after = document.hints.findIndex((hint, i) => i > first && isShort(hint));
  const run = (after < 0 ? document.hints.length : after) - first;
  const most = Math.max(1, Math.min(MOST_GAPS, model.info.sentinelIds.length - 1, run));
  if (most === 1) return first + 1;
  const between = document.texts
    .slice(first + 1, first + most)
    .map((text) => text.slice(0, maxTokens * CHARACTERS_A_TOKEN));
  const counts = await model.encodeAll(between);
  let input = 2;
  let output = fillLength(document.hints[first]).maxTokens;
  let end = first + 1;
  for (; end < first + most; end++) {
    input += (counts[end - first - 1]?.length ?? 0) + 2;
    output += fillLength(document.hints[end]).maxTokens;
    if (input > MOST_BETWEEN * maxTokens || output > MOST_OUTPUT_TOKENS) break;
  }
  return end;
}

/**
 * Gaps [first, end) with the text around them, earlier and later fills included; later gaps without a fill are left
 * out.
 */
export function windowOf(document: GappedDocument, first: number, end: number, maxTokens: number): SpanWindow {
  const limit = maxTokens * CHARACTERS_A_TOKEN;
  const between = document.texts.slice(first + 1, end);
  return {
    texts: [textBefore(document, first, limit), ...between, textAfter(document, end, limit)],
    hints: document.hints.slice(first, end),
    maxTokens,
  };
}

/** Whether a gap is for a word or a phrase, which are weighed; longer ones are written once. */
export function isShort(hint: LengthHint | undefined): boolean {
  const { words = 1 } = fillLength(hint);
  return words <= MOST_WORDS;
}

/** Words of the longest phrase. */
const MOST_WORDS = 7;
/** Beyond about as many sentinels in one input T5's fills get worse. */
const MOST_GAPS = 32;
/** Tokens that one pass may produce. */
const MOST_OUTPUT_TOKENS = 640;
/** The text between the gaps of a pass takes at most this share of the window. */
const MOST_BETWEEN = 0.6;

/** The end of the text before a gap, fills included. */
export function textBefore(document: GappedDocument, gap: number, limit: number): string {
  let text = "";
  for (let i = gap; i >= 0 && text.length < limit; i--)
    text = (document.texts[i] ?? "") + (i < gap ? readIn(document, i) : "") + text;
  return text.slice(-limit);
}

/** The beginning of the text after the gaps up to `end`, fills included. */
export function textAfter(document: GappedDocument, end: number, limit: number): string {
  let text = "";
  for (let i = end; i < document.texts.length && text.length < limit; i++)
    text += (document.texts[i] ?? "") + readIn(document, i);
  return text.slice(0, limit);
}

/** The words that other gaps see in this gap. */
function readIn({ fills, drafts }: GappedDocument, gap: number): string {
  return fills[gap] ?? drafts[gap] ?? "";
}
