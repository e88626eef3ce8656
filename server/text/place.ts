/** Decides whether a place of a document is prose: the one answer for hovers, suggestions, other words and gaps. */
import type { Block, BlockKind, Prose, RunKind } from "./document/block.ts";
import { readingAt, type WrittenDocument } from "./reading.ts";

/** Why a place is not prose. */
export type WhyNotProse = "code" | "math" | "comment" | "frontMatter" | "table" | "link" | "markup" | "data";

/** A place where a person writes prose. */
export interface ProsePlace {
  readonly isProse: true;
  /** The heading, paragraph, cell or field, in UTF-16 units; empty where a new one begins. */
  readonly start: number;
  readonly end: number;
  /** Its words; undefined where a new one begins. */
  readonly prose?: Prose;
}

/** A place in a document: prose, or the reason why not. */
export type Place = ProsePlace | { readonly isProse: false; readonly why: WhyNotProse };

/**
 * Finds the place at an offset of a document. Never throws.
 * @param text the document's text when the question was asked, if it may have changed since
 */
export async function placeOf(document: WrittenDocument, offset: number, text = document.text): Promise<Place> {
  const reading = await readingAt(document, offset, text);
  const found = blockAt(reading.around(offset), text, offset);
  if (found === undefined) return beside(reading.around(offset), text, offset);
  if (found.kind !== "frontMatter") return placeIn(found, text, offset);
  // Imported here, with its YAML library, because few cursors stand there.
  const { fieldAt } = await import("./document/front-matter-fields.ts");
  const field = fieldAt(found, text, offset);
  return field === undefined ? not("frontMatter") : placeIn(field, text, offset);
}

function not(why: WhyNotProse): Place {
  return { isProse: false, why };
}

/** The innermost block at an offset. */
export function blockAt(blocks: readonly Block[], text: string, offset: number): Block | undefined {
  const here = blocks.filter((block) => block.start < block.end && holds(block, offset));
  // Where two meet, what is written goes on with the first, unless it has ended with its line.
  const block = here.find(({ prose }) => prose !== undefined) ?? here.at(-1);
  if (block === undefined) return undefined;
  return blockAt([...block.children, ...(block.inner?.() ?? [])], text, offset) ?? block;
}

function holds({ kind, start, end }: Block, offset: number): boolean {
  return start <= offset && (kind === "frontMatter" ? offset < end : offset <= end);
}

const WHY: Readonly<Record<Exclude<BlockKind, "heading" | "paragraph" | "item" | "quotation">, WhyNotProse>> = {
  table: "table",
  code: "code",
  math: "math",
  comment: "comment",
  frontMatter: "frontMatter",
  directive: "markup",
  note: "markup",
  data: "data",
};

/** A place in a block that has no smaller one there. */
function placeIn(block: Block, text: string, offset: number): Place {
  const { kind } = block;
  if (kind === "item" || kind === "quotation") return afterMarks(block, text, offset);
  if (kind !== "heading" && kind !== "paragraph") return not(block.name === "bar" ? "link" : WHY[kind]);
  const prose = block.prose?.();
  if (prose === undefined) return not("markup");
  const run = prose.runs.find((one) => inRun(one.kind, one, offset));
  if (run !== undefined) return not(RUN_WHY[run.kind] ?? "markup");
  if (isInMarks(prose, text, offset)) return not("markup");
  if (touchesAddress(text, offset)) return not("link");
  return { isProse: true, start: block.start, end: block.end, prose };
}

const RUN_WHY: Readonly<Partial<Record<RunKind, WhyNotProse>>> = {
  code: "code",
  math: "math",
  comment: "comment",
  link: "link",
  image: "link",
  address: "link",
};

/** Whether an offset lies in a run; at the end of an address, what is typed belongs to it. */
function inRun(
  kind: RunKind,
  { start, end }: { readonly start: number; readonly end: number },
  offset: number,
): boolean {
  if (kind === "emphasis") return false;
  return start < offset && (offset < end || (offset === end && kind === "address"));
}

/** Whether the characters around an offset are seen by no reader. */
function isInMarks({ starts, ends }: Prose, text: string, offset: number): boolean {
  const isMark = (at: number) => at >= 0 && /\S/.test(text.charAt(at)) && !isSeen(starts, ends, at);
  if (!isMark(offset - 1)) return false;
  if (isMark(offset)) return true;
  const after = text.charAt(offset);
  return /[\p{L}\p{N}\\]/u.test(text.charAt(offset - 1)) && (after === "" || /\s/.test(after));
}

/** Whether a character of the source is in the prose. */
function isSeen(starts: Uint32Array, ends: Uint32Array, at: number): boolean {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low > 0 && at < (ends[low - 1] ?? 0);
}

/** Whether a web or mail address, or a path, ends at an offset. */
function touchesAddress(text: string, offset: number): boolean {
  const before = /(?<!\S)\S*$/.exec(text.slice(Math.max(0, offset - MOST_ADDRESS), offset))?.[0] ?? "";
  return ADDRESSES.some((address) => address.test(before));
}

const ADDRESSES = [
  /[a-z\d+.-]:\/\//i,
  /^\W*(?:www\.|[a-z]:\\)/i,
  /[\w.+-]@[\w-]{1,99}\./,
  /^\W*~?\.{0,2}\/[\w.-]/,
  /[\w.-]\/[\w.-]{1,99}\//,
];
const MOST_ADDRESS = 300;

/** An item or quotation without words: they begin after its mark. */
function afterMarks({ start, end }: Block, text: string, offset: number): Place {
  const line = text.lastIndexOf("\n", offset - 1) + 1;
  const before = text.slice(Math.max(line, start), offset);
  const rest = text.slice(offset, endOfLine(text, offset));
  if (rest.trim() !== "" || (before.trim() !== "" && !/\s$/.test(before))) return not("markup");
  return { isProse: true, start: Math.min(offset, end), end: offset };
}

/** A place that no block holds: after the end of one, on a blank line, or in marks. */
function beside(blocks: readonly Block[], text: string, offset: number): Place {
  const line = text.lastIndexOf("\n", offset - 1) + 1;
  const block = lastBefore(blocks, offset);
  const between = text.slice(Math.max(line, block?.end ?? 0), endOfLine(text, offset));
  if (between.trim() !== "") return not("markup");
  const here = { isProse: true, start: offset, end: offset } as const;
  if (block === undefined) return here;
  // Blanks at a line's end go on with what stands before, and so does the line below a paragraph.
  if (block.end >= line) return placeIn(block, text, offset);
  if (block.kind === "code" && /^( {4}|\t)/.test(text.slice(line, offset))) return not("code");
  const isNextLine = text.slice(block.end, line).trim() === "" && text.indexOf("\n", block.end) === line - 1;
  return isNextLine && block.kind === "paragraph" ? placeIn(block, text, offset) : here;
}

/** The last of the smallest blocks that end before an offset. */
function lastBefore(blocks: readonly Block[], offset: number): Block | undefined {
  let last: Block | undefined;
  for (const block of blocks) {
    if (block.start < block.end && block.end <= offset && block.end >= (last?.end ?? 0)) last = block;
  }
  return last && (lastBefore([...last.children, ...(last.inner?.() ?? [])], offset) ?? last);
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end < 0 ? text.length : end;
}
