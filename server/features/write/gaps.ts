/** Finds the gaps of a text as its format has them: what only looks like one is left, with the reason. */
import { setImmediate } from "node:timers/promises";
import { type Gap, gapsIn } from "../../../models/tokenizer/spans.ts";
import type { Block, Prose } from "../../text/document.ts";
import { blockAt } from "../../text/place.ts";
import { readingAt, type WrittenDocument } from "../../text/reading.ts";
import { isInWord, isPartOfName } from "./gap-names.ts";

/** The text that marks a gap where none is named. */
export const DEFAULT_MARKER = "___";

/** How many gaps are filled at once: a minute's work for the built-in model on two cores. */
export const MOST_GAPS = 1000;

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
  /** Whether there are more gaps, which were not looked at. */
  readonly isMore: boolean;
}

/** Where gaps are sought. */
export interface GapSearch {
  /** A part of the document; all of it if absent. */
  readonly part?: { readonly start: number; readonly end: number } | undefined;
  /** The document's text when the question was asked, if it may have changed since. */
  readonly text?: string;
  /** How many gaps are sought. Default: all. */
  readonly most?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The markers that lie wholly in a part of a document. A part that is one marker is a gap whatever stands around it:
 * that is how to ask for a line that is a thematic break, or a form's blank. Other work is let through meanwhile.
 * @throws ModelError "input" when the marker is empty; the signal's reason when it aborts
 */
export async function gapsOf(
  document: WrittenDocument,
  marker: string,
  { text = document.text, part, most = Number.POSITIVE_INFINITY, signal }: GapSearch = {},
): Promise<FoundGaps> {
  const { start, end } = part ?? { start: 0, end: text.length };
  // A run of the marker may reach over the border: look a little further to know its true extent.
  const from = Math.max(0, start - LONGEST_GAP);
  const isAlone = ({ start: first, end: last }: Gap) =>
    start > 0 && text.slice(start, end).trim() === text.slice(first, last);
  const blocksOf = blocksInTurn(document, text);
  const gaps: PlacedGap[] = [];
  const left: LeftMarker[] = [];
  let until = performance.now() + SLICE_MS;
  for (const found of gapsIn(text.slice(from, end + LONGEST_GAP), marker)) {
    const gap = { start: found.start + from, end: found.end + from };
    if (gap.start < start || gap.end > end) continue;
    if (gaps.length + left.length === 0 && isAlone(gap)) return { gaps: [gap], left, isMore: false };
    const judged = await judge({ text, blocksOf }, gap, marker);
    if ("why" in judged) left.push({ ...gap, why: judged.why });
    else if (gaps.length >= most) return { gaps, left, isMore: true };
    else gaps.push({ ...gap, where: judged.where });
    if (performance.now() < until) continue;
    await setImmediate();
    signal?.throwIfAborted();
    until = performance.now() + SLICE_MS;
  }
  return { gaps, left, isMore: false };
}

const LONGEST_GAP = 1000;
/** How long the search may block the thread. */
const SLICE_MS = 8;

/** Finds the blocks at places that ascend; those of one place serve the next ones in the same block. */
function blocksInTurn(document: WrittenDocument, text: string): (offset: number) => Promise<readonly Block[]> {
  let all: readonly Block[] = [];
  let first = 0;
  let blocks: readonly Block[] = [];
  let [from, to] = [0, 0];
  return async (offset) => {
    if (from < offset && offset < to) return blocks;
    const around = (await readingAt(document, offset, text)).around(offset);
    if (around !== all) [all, first] = [around, 0];
    while ((all[first]?.end ?? offset) < offset) first += 1;
    let last = first;
    while ((all[last]?.start ?? text.length + 2) <= offset + 1) last += 1;
    blocks = all.slice(Math.max(0, first - 1), last + 1);
    const holder = blocks.find(({ start, end }) => start < offset && offset < end);
    // Of an item or a quotation only what is near was read.
    const isWhole = holder !== undefined && holder.children.length === 0;
    const border = holder?.isPart ? LONGEST_GAP : 0;
    [from, to] = isWhole ? [offset, holder.end - border] : [0, 0];
    return blocks;
  };
}

type Judged = { readonly where: GapPlace } | { readonly why: WhyLeft };

interface Judging {
  readonly text: string;
  readonly blocksOf: (offset: number) => Promise<readonly Block[]>;
}

async function judge({ text, blocksOf }: Judging, gap: Gap, marker: string): Promise<Judged> {
  const { start, end } = gap;
  if (isPartOfName(text, gap)) return { why: "name" };
  const isAsked = marker.length > SHORT && end - start === marker.length;
  if (!isAsked && isFormBlank(text, gap)) return { why: "form" };
  const blocks = await blocksOf(start);
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
  const [close = ""] = /(?<![_*])[_*]+$/.exec(stressed) ?? [];
  const words = stressed.slice(open.length, stressed.length - close.length);
  if (!/^[\p{L}\p{N}`[]/u.test(words) || !/[\p{L}\p{N}.!?…`)\]]$/u.test(words)) return false;
  return gap.start < start + open.length || gap.end > start + stressed.length - close.length;
}

function isShown({ starts }: Prose, gap: Gap): boolean {
  return starts.some((start) => gap.start <= start && start < gap.end);
}

/** Whether a blank belongs to a form: it is long and follows a label, fills a line, or is a part of a date or time. */
function isFormBlank(text: string, { start, end }: Gap): boolean {
  if (/_[/.:-]$/.test(text.slice(Math.max(0, start - 2), start)) || /^[/.:-]_/.test(text.slice(end, end + 2)))
    return text.charAt(start) === "_";
  if (end - start < LEAST_BLANK || text.charAt(start) !== "_") return false;
  const near = text.slice(Math.max(0, start - MOST_LINE), start);
  const before = near.slice(near.lastIndexOf("\n") + 1).trimEnd();
  const after = /^[^\n]*/.exec(text.slice(end, end + MOST_LINE))?.[0] ?? "";
  const isLabelled = /(^|\||\s{2}|[-*+•]\s|\d[.)]\s|_\s)[^.!?|]{1,60}:$/.test(before);
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
