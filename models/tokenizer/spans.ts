/** Converts gaps to sentinels and back: the model reads the text around gaps and generates only their fills. */
import { ModelError } from "../errors.ts";
import { singleLine } from "./layout.ts";
import type { InputPart } from "./parts.ts";

/** The intended length of a fill; a number counts words. */
export type LengthHint = "word" | "phrase" | "sentence" | "paragraph" | number;

/** A piece of text to replace with a fill; start equals end for an insertion. Offsets in UTF-16 units. */
export interface Gap {
  readonly start: number;
  readonly end: number;
  readonly length?: LengthHint;
}

/**
 * Limits of a fill, from its hint; published models, which have no length marks, produce words that are cut at the
 * limit.
 */
export interface FillLength {
  /** The requested number of words; undefined without a hint. */
  readonly words: number | undefined;
  /** Maximum number of words; the rest is cut off. */
  readonly mostWords: number;
  /** Maximum number of tokens to generate. */
  readonly maxTokens: number;
}

/** The position of a fill in the generated ids: [from, to). `closed`: followed by another sentinel or the end. */
export interface FillSpan {
  readonly from: number;
  readonly to: number;
  readonly closed: boolean;
}

/**
 * Finds the gaps, in order. A marker of one repeated character (`___`) also matches longer runs of it.
 * @throws ModelError "input" when the marker is empty
 */
export function findGaps(text: string, marker: string): Gap[] {
  return [...gapsIn(text, marker)];
}

/**
 * Finds the gaps one by one.
 * @throws ModelError "input" when the marker is empty
 * @see findGaps
 */
export function* gapsIn(text: string, marker: string): Generator<Gap> {
  if (marker === "")
    throw new ModelError("input", "The gap marker is empty. Name the text that marks a gap, such as ___.");
  const [first = ""] = marker;
  const literal = marker.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const repeated = marker.length > first.length && marker === first.repeat(marker.length / first.length);
  const pattern = repeated ? `${literal}(?:${first.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")})*` : literal;
  for (const { index, 0: found } of text.matchAll(new RegExp(pattern, "g")))
    yield { start: index, end: index + found.length };
}

/**
 * The gaps, sorted by position.
 * @throws ModelError "input" when one lies outside the text or two overlap
 */
export function orderGaps<G extends Gap>(text: string, gaps: readonly G[]): G[] {
  const ordered = [...gaps].sort((a, b) => a.start - b.start || a.end - b.end);
  let end = 0;
  for (const gap of ordered) {
    const inside =
      Number.isInteger(gap.start) && Number.isInteger(gap.end) && gap.start <= gap.end && gap.end <= text.length;
    if (!inside || gap.start < end) {
      const why =
        inside && gap.start >= 0 ? "overlaps the gap before it" : `is not within the text's ${text.length} characters`;
      throw new ModelError(
        "input",
        `The gap from ${gap.start} to ${gap.end} ${why}. Give gaps as ranges of the text that do not overlap.`,
      );
    }
    end = gap.end;
  }
  return ordered;
}

/** The limits for a hint. */
export function fillLength(hint: LengthHint | undefined): FillLength {
  if (hint === undefined) return { words: undefined, mostWords: Number.POSITIVE_INFINITY, maxTokens: 20 };
  if (hint === "word") return { words: 1, mostWords: 1, maxTokens: 6 };
  if (hint === "phrase") return { words: 4, mostWords: 8, maxTokens: 16 };
  if (hint === "sentence") return { words: 16, mostWords: Number.POSITIVE_INFINITY, maxTokens: 60 };
  if (hint === "paragraph") return { words: 60, mostWords: Number.POSITIVE_INFINITY, maxTokens: 126 };
  const words = Math.max(1, Math.round(hint));
  return { words, mostWords: words === 1 ? 1 : Math.ceil(1.5 * words), maxTokens: 2 * words + 6 };
}

/**
 * The encoder's input, without eos: `texts[0] sentinel_0 [length mark] texts[1] sentinel_1 ... texts[n]`. A space
 * before a gap is omitted, since a fill's first piece brings its own.
 * @param texts the n + 1 texts around n gaps
 * @param hints the n gaps' lengths
 * @param prefix task prefix, for models trained with one
 */
export function spanInput(
  texts: readonly string[],
  hints: readonly (LengthHint | undefined)[],
  lengthMarks: readonly { readonly leastWords: number; readonly id: number }[],
  prefix = "",
): InputPart[] {
  const parts: InputPart[] = prefix.trim() === "" ? [] : [{ kind: "text", text: `${prefix.trim()} `, special: true }];
  for (const [i, text] of texts.entries()) {
    const last = i === texts.length - 1;
    const shown = last || !text.endsWith(" ") ? text : text.slice(0, -1);
    if (shown !== "") parts.push({ kind: "text", text: shown, continues: i > 0 });
    if (last) break;
    parts.push({ kind: "sentinel", index: i });
    const { words } = fillLength(hints[i]);
    const mark = words === undefined ? undefined : lengthMarks.findLast(({ leastWords }) => leastWords <= words);
    if (mark !== undefined) parts.push({ kind: "token", id: mark.id });
  }
  return parts;
}

/**
 * Locates each gap's fill in the generated ids (without the start token). Tolerant: a fill before any sentinel
 * belongs to the first gap; a repeated sentinel counts once; an unexpected one ends the preceding fill; the order is
 * free.
 * @returns one entry per gap; undefined if the model generated nothing for it
 */
export function readSpans(
  ids: readonly number[],
  sentinelIds: readonly number[],
  gaps: number,
  eosId: number,
): (FillSpan | undefined)[] {
  const sentinels = new Map(sentinelIds.map((id, index) => [id, index]));
  const spans = new Array<FillSpan | undefined>(gaps).fill(undefined);
  const eos = ids.indexOf(eosId);
  const end = eos < 0 ? ids.length : eos;
  let unnamed: FillSpan | undefined;
  let from = 0;
  let gap = -1;
  for (let at = 0; at <= end; at++) {
    const sentinel = at < end ? sentinels.get(ids[at] ?? -1) : undefined;
    if (at < end && sentinel === undefined) continue;
    const span = at > from ? { from, to: at, closed: at < ids.length } : undefined;
    if (from === 0 && gap < 0) unnamed = span;
    else if (gap >= 0 && gap < gaps) spans[gap] ??= span;
    gap = sentinel ?? gaps;
    from = at + 1;
  }
  if (gaps > 0) spans[0] ??= unnamed;
  return spans;
}

/**
 * Adapts a fill to its gap: trims white space, adds a space where words would run together, and removes what the text
 * after the gap repeats.
 * @param raw the model's text, with a leading space if the model began a new word
 * @param before the final text before the gap (its end suffices)
 * @param after the text after the gap (its beginning suffices)
 * @param options `spellsLayout`: whether the fill may have several lines; `hint`: the fill is cut at its length
 */
export function fitFill(
  raw: string,
  before: string,
  after: string,
  options: { readonly spellsLayout: boolean; readonly hint?: LengthHint | undefined },
): string {
  const whole = options.spellsLayout ? raw.trim() : singleLine(raw);
  const body = withoutRepeatedEnd(withinSentence(cut(whole, options.hint), after), after);
  if (body === "") return "";
  const gluedLeft = /\S$/u.test(before);
  const gluedRight = /^[\p{L}\p{N}]/u.test(after);
  const lead = gluedLeft && /^\s/u.test(raw) && takesSpace(before) && !/^[\p{Pe}\p{Pf}.,;:!?]/u.test(body) ? " " : "";
  // Before a word, a fill that is a separate word on the left is one on the right, too.
  return `${lead}${body}${(lead !== "" || !gluedLeft) && gluedRight ? " " : ""}`;
}

/** The text with each gap replaced by its fill, or unchanged if that is undefined. Nothing else changes. */
export function assemble(text: string, gaps: readonly Gap[], fills: readonly (string | undefined)[]): string {
  const pieces: string[] = [];
  let at = 0;
  for (const [i, gap] of gaps.entries()) {
    pieces.push(text.slice(at, gap.start), fills[i] ?? text.slice(gap.start, gap.end));
    at = gap.end;
  }
  return pieces.join("") + text.slice(at);
}

/** The fill up to its hinted length; a hinted fill stays on one line, unless it is a paragraph. */
function cut(fill: string, hint: LengthHint | undefined): string {
  if (hint === undefined || hint === "paragraph") return fill;
  const [line = ""] = fill.split("\n");
  const sentence = /^.*?[.!?…]["'”’)\]]*(?=\s+[\p{Lu}\p{N}"“(]|$)/u.exec(line)?.[0];
  if (hint === "sentence") return sentence ?? line.trim();
  const words = Array.from(line.matchAll(/\S+/g)).at(fillLength(hint).mostWords - 1);
  return words === undefined ? line.trim() : line.slice(0, words.index + words[0].length);
}

/**
 * Limits a fill to its line if the line continues after the gap, and removes its final period if the sentence
 * continues.
 */
function withinSentence(fill: string, after: string): string {
  if (!/^[^\S\n\r]*\S/u.test(after)) return fill;
  const [line = ""] = fill.split("\n");
  return /^[^\S\n\r]+\p{Ll}/u.test(after) ? line.replace(/(?<![.!?])[.!?]+\s*$/u, "").trimEnd() : line.trimEnd();
}

/** Removes final punctuation that the text repeats: "dog." before "." becomes "dog". */
function withoutRepeatedEnd(fill: string, after: string): string {
  const [next = ""] = after;
  return /[\p{P}]/u.test(next) && fill.endsWith(next) ? fill.slice(0, -next.length).trimEnd() : fill;
}

/**
 * Whether a word may follow after a space: not after an opening bracket or quote, nor after a character that joins
 * words.
 */
function takesSpace(before: string): boolean {
  const opensQuote = /(?:^|[\s\p{Ps}\p{Pi}])["'`*_]+$/u.test(before);
  return !opensQuote && !/[\p{Ps}\p{Pi}\p{Pd}/\\@#$&=+_`*~|<]$/u.test(before);
}
