/** Finds the gaps of a text as its format has them: what only looks like one is left, with the reason. */
import { findGaps, type Gap } from "../../../models/tokenizer/spans.ts";
import type { Block, Prose } from "../../text/document.ts";
import { blockAt } from "../../text/place.ts";
import { readingAt, type WrittenDocument } from "../../text/reading.ts";
import { isInWord, isPartOfName } from "./gap-names.ts";

/** The text that marks a gap where none is named. */
export const DEFAULT_MARKER = "___";

/** The kind of place that a fill must fit into. */
export type GapPlace = "text" | "cell" | "attribute" | "address" | "word";

/** A gap and what it stands in. */
export interface PlacedGap extends Gap {
  readonly where?: GapPlace;
}

/** Why a marker is not a gap. */
export type WhyLeft = "emphasis" | "break" | "name" | "code" | "math" | "comment" | "frontMatter" | "form" | "markup";

/** A marker that is not a gap. */
export interface LeftMarker {
  readonly start: number;
  readonly end: number;
  readonly why: WhyLeft;
}

/** The gaps of a part of a document. */
export interface FoundGaps {
  readonly gaps: readonly PlacedGap[];
  readonly left: readonly LeftMarker[];
}

/**
 * The markers that lie wholly in a part of a document. A part that is one marker is a gap whatever stands around it:
 * that is how to ask for a line that is a thematic break, or a form's blank.
 * @throws ModelError "input" when the marker is empty
 */
export async function gapsOf(
  document: WrittenDocument,
  marker: string,
  part: { readonly start: number; readonly end: number } = { start: 0, end: document.text.length },
  text = document.text,
): Promise<FoundGaps> {
  const { start, end } = part;
  // A run of the marker may reach over the border: look a little further to know its true extent.
  const from = Math.max(0, start - LONGEST_GAP);
  const markers = findGaps(text.slice(from, end + LONGEST_GAP), marker)
    .map((gap) => ({ start: gap.start + from, end: gap.end + from }))
    .filter((gap) => gap.start >= start && gap.end <= end);
  const [only] = markers;
  if (only !== undefined && text.slice(start, end).trim() === text.slice(only.start, only.end) && start > 0)
    return { gaps: markers, left: [] };
  const gaps: PlacedGap[] = [];
  const left: LeftMarker[] = [];
  for (const gap of markers) {
    const found = await judge(document, text, gap, marker);
    if ("why" in found) left.push({ ...gap, why: found.why });
    else gaps.push({ ...gap, where: found.where });
  }
  return { gaps, left };
}

const LONGEST_GAP = 1000;

type Judged = { readonly where: GapPlace } | { readonly why: WhyLeft };

async function judge(document: WrittenDocument, text: string, gap: Gap, marker: string): Promise<Judged> {
  const { start, end } = gap;
  if (isPartOfName(text, gap)) return { why: "name" };
  const isAsked = marker.length > SHORT && end - start === marker.length;
  if (!isAsked && isFormBlank(text, gap)) return { why: "form" };
  const blocks = (await readingAt(document, start, text)).around(start);
  const block = innermost(blocks, text, gap);
  const inWord = isInWord(text, gap) ? "word" : "text";
  if (block === undefined) {
    const isLine = lineAround(text, gap).trim() === text.slice(start, end);
    if (isLine && !isAsked && /^[_*-]+$/.test(text.slice(start, end)) && isBreakHere(blocks, text, gap))
      return { why: "break" };
    return { where: isInTag(text, start) ? "attribute" : inWord };
  }
  switch (block.kind) {
    case "heading":
    case "paragraph":
      return judgeInProse(block, text, gap, inWord);
    case "item":
    case "quotation":
    case "note":
      return { where: inWord };
    case "table":
      return { where: isInTag(text, start) ? "attribute" : "cell" };
    case "frontMatter": {
      const { fieldAt } = await import("../../text/document/front-matter-fields.ts");
      return fieldAt(block, text, start) === undefined ? { why: "frontMatter" } : { where: "text" };
    }
    case "code":
    case "math":
    case "comment":
      return { why: block.kind };
    case "directive":
    case "data":
      return { why: "markup" };
  }
}

/** A marker of so many characters is an ordinary one. */
const SHORT = 3;

/** The smallest block that holds a gap. */
function innermost(blocks: readonly Block[], text: string, { start, end }: Gap): Block | undefined {
  const block = blockAt(blocks, text, start + Math.min(1, end - start));
  return block !== undefined && block.end >= end ? block : undefined;
}

function judgeInProse(block: Block, text: string, gap: Gap, inWord: GapPlace): Judged {
  const prose = block.prose?.();
  if (prose === undefined) return { why: "markup" };
  const runs = prose.runs.filter(({ start, end }) => start < gap.end && gap.start < end);
  for (const { kind, start, end } of runs) {
    if (kind === "code" || kind === "math" || kind === "comment") return { why: kind };
    if (kind === "emphasis" && isMark(text.slice(start, end), start, gap)) return { why: "emphasis" };
    if (kind === "tag") return { where: "attribute" };
    if (kind === "directive" || kind === "value") return { why: "markup" };
    if (kind === "address" || kind === "image") return { where: "address" };
    if (kind === "link" && !isShown(prose, gap)) return { where: "address" };
  }
  return { where: inWord };
}

/** Whether a gap is one of the marks around stressed words, and not two gaps that a parser takes for them. */
function isMark(stressed: string, start: number, gap: Gap): boolean {
  const [open = ""] = /^[_*]+/.exec(stressed) ?? [];
  const [close = ""] = /[_*]+$/.exec(stressed) ?? [];
  const words = stressed.slice(open.length, stressed.length - close.length);
  if (!/^[\p{L}\p{N}`[]/u.test(words) || !/[\p{L}\p{N}.!?…`)\]]$/u.test(words)) return false;
  return gap.start < start + open.length || gap.end > start + stressed.length - close.length;
}

function isShown({ starts }: Prose, gap: Gap): boolean {
  return starts.some((start) => gap.start <= start && start < gap.end);
}

/** Whether a blank belongs to a form: it is long and follows a label or fills a line. */
function isFormBlank(text: string, { start, end }: Gap): boolean {
  if (end - start < LEAST_BLANK || text.charAt(start) !== "_") return false;
  const before = text.slice(text.lastIndexOf("\n", start - 1) + 1, start);
  const after = /^[^\n]*/.exec(text.slice(end, end + MOST_LINE))?.[0] ?? "";
  const isLabelled = /(^|\||\s{2,}|[-*+•]\s|\d[.)]\s|_\s+)[^.!?|]{1,60}:\s*$/.test(before);
  return isLabelled && /^\s*($|\||\s{2}|\p{Lu}[^:\n]{0,40}:|[,;])/u.test(after);
}

const LEAST_BLANK = 5;
const MOST_LINE = 500;

/** Whether a line of marks parts what stands above and below it: after a colon, it stands for what is announced. */
function isBreakHere(blocks: readonly Block[], text: string, { start }: Gap): boolean {
  const above = text.slice(Math.max(0, start - MOST_LINE), start).trimEnd();
  return blocks.length > 0 && !above.endsWith(":");
}

function lineAround(text: string, { start, end }: Gap): string {
  const stop = text.indexOf("\n", end);
  return text.slice(text.lastIndexOf("\n", start - 1) + 1, stop < 0 ? text.length : stop);
}

/** Whether a place lies between the angle brackets of a tag. */
function isInTag(text: string, offset: number): boolean {
  const before = text.slice(Math.max(0, offset - MOST_LINE), offset);
  const open = before.lastIndexOf("<");
  return open > before.lastIndexOf(">") && /^<\/?[a-z]/i.test(before.slice(open));
}
