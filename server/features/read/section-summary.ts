/** The sections of a document, and what one of them is about when its heading is pointed at. */
import { defined } from "../../../base/defined.ts";
import type { Settings } from "../../../protocol/settings.ts";
import type { Block } from "../../text/document.ts";
import { readingAt, readingOf, type WrittenDocument } from "../../text/reading.ts";
import { type RememberedSummary, type RememberingContext, summaryIfProse } from "./remembered-summary.ts";

/** A heading and the text below it; offsets in UTF-16 units. */
export interface Section {
  /** As a reader sees it. */
  readonly title: string;
  /** From 1. */
  readonly level: number;
  /** Where the heading begins with its marks. */
  readonly start: number;
  /** The line of its words. */
  readonly headingStart: number;
  readonly headingEnd: number;
  /** The text from below the heading to the next heading of its level or above. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

/** The section whose heading is on the line of an offset, or undefined. */
export async function sectionAt(
  document: WrittenDocument,
  offset: number,
  text = document.text,
): Promise<Section | undefined> {
  // Most places are none's heading, for which the headings of all the text need not be read.
  const near = (await readingAt(document, offset, text)).around(offset);
  const line = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  const isHeading = ({ kind, start, end: last }: Block) =>
    kind === "heading" && start <= (end < 0 ? text.length : end) && line <= last;
  if (!near.some(isHeading)) return undefined;
  const sections = await sectionsOf(document, text);
  return sections.find(({ headingStart, headingEnd }) => headingStart <= offset && offset <= headingEnd);
}

/** All sections of a document, in the order of their headings. */
export async function sectionsOf(document: WrittenDocument, text = document.text): Promise<Section[]> {
  const headings = (await readingOf(document, text)).headings();
  const ends = new Map<Block, number>();
  const open: Block[] = [];
  for (const heading of headings) {
    for (let last = open.at(-1); last !== undefined && levelOf(last) >= levelOf(heading); last = open.at(-1)) {
      ends.set(last, heading.start);
      open.pop();
    }
    open.push(heading);
  }
  return headings.map((heading) => sectionOf(heading, text, ends.get(heading) ?? text.length));
}

/** The sections of the upper levels, as many levels as keep them at most so many; none where the uppermost has more. */
export function upperSections(sections: readonly Section[], most: number): readonly Section[] {
  const levels = Array.from({ length: MOST_LEVELS }, (_, i) => i + 1).map((level) =>
    sections.filter((section) => section.level <= level),
  );
  return levels.findLast((kept) => kept.length <= most) ?? [];
}

const MOST_LEVELS = 9;

/**
 * One sentence on a section, remembered as long as its text has not changed.
 * @returns undefined when there is nothing below the heading, or the signal stopped it
 * @throws what the model throws
 */
export async function sectionSummary(
  context: RememberingContext,
  {
    text,
    language,
    section,
    settings,
  }: { readonly text: string; readonly language: string; readonly section: Section; readonly settings: Settings },
  signal: AbortSignal,
): Promise<RememberedSummary | undefined> {
  if (text.slice(section.bodyStart, section.bodyEnd).trim() === "") return undefined;
  return gist(context, { text: text.slice(section.start, section.bodyEnd), language, settings }, signal);
}

/**
 * One sentence on a text, as a hover shows it: of a very long one its beginning is read, and `coverage` says so.
 * @throws what the model throws
 */
export async function gist(
  context: RememberingContext,
  { text, language, settings }: { readonly text: string; readonly language?: string; readonly settings: Settings },
  signal: AbortSignal,
): Promise<RememberedSummary | undefined> {
  const { maxContextTokens, "summary.minimumConfidence": minimumConfidence } = settings;
  const end = text.length <= MOST_CHARACTERS ? text.length : text.lastIndexOf("\n", MOST_CHARACTERS);
  const read = text.slice(0, end > 0 ? end : MOST_CHARACTERS);
  const params = {
    text: read,
    style: "sentence",
    maxContextTokens,
    minimumConfidence,
    ...defined({ language }),
  } as const;
  const made = await summaryIfProse(context, params, { signal });
  return made && { ...made, coverage: (made.coverage * read.length) / text.length };
}

/** Some twenty windows: nobody who rests the mouse on a heading waits for more. */
const MOST_CHARACTERS = 40_000;

function levelOf({ level }: Block): number {
  return level ?? 1;
}

function sectionOf(heading: Block, text: string, bodyEnd: number): Section {
  const { start, end } = heading;
  const prose = heading.prose?.();
  const words = prose?.starts[0] ?? start;
  const headingStart = Math.max(start, text.lastIndexOf("\n", words - 1) + 1);
  const rest = /^[ \t\r]*(\n|$)/.exec(text.slice(end, end + MOST_BLANK));
  return {
    title: prose?.text ?? "",
    level: levelOf(heading),
    start,
    headingStart,
    headingEnd: Math.min(end, headingStart + (/^[^\r\n]*/.exec(text.slice(headingStart, end))?.[0].length ?? 0)),
    bodyStart: end + (rest?.[0].length ?? 0),
    bodyEnd,
  };
}

const MOST_BLANK = 1000;
