/** The sections of a Markdown document, and what one of them is about when its heading is pointed at. */
import { defined } from "../../../base/defined.ts";
import type { Settings } from "../../../protocol/settings.ts";
import { type RememberedSummary, type RememberingContext, summaryIfProse } from "./remembered-summary.ts";

/** A heading and the text below it; offsets in UTF-16 units. */
export interface Section {
  readonly title: string;
  /** 1 to 6. */
  readonly level: number;
  readonly headingStart: number;
  readonly headingEnd: number;
  /** The text from below the heading to the next heading of its level or above. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

/**
 * The section whose heading is on the line of an offset, or undefined: headings are lines of `#` and underlined ones,
 * outside of fenced code.
 */
export function sectionAt(text: string, offset: number): Section | undefined {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  // Most lines are no headings: know that without reading the document.
  if (!/^ {0,3}(#{1,6}[ \t]|\S.*\r?\n {0,3}(=+|-+)[ \t]*\r?(\n|$))/.test(text.slice(lineStart, lineStart + 2000))) {
    return undefined;
  }
  let found: (Heading & { readonly start: number }) | undefined;
  for (const heading of headings(text)) {
    if (found !== undefined && heading.level <= found.level) return sectionOf(found, heading.start);
    if (heading.start === lineStart) found = heading;
  }
  return found && sectionOf(found, text.length);
}

/** All sections of a document, in the order of their headings. */
export function sectionsOf(text: string): Section[] {
  const found: Heading[] = [];
  const ends = new Map<Heading, number>();
  const open: Heading[] = [];
  for (const heading of headings(text)) {
    for (let last = open.at(-1); last !== undefined && last.level >= heading.level; last = open.at(-1)) {
      ends.set(last, heading.start);
      open.pop();
    }
    open.push(heading);
    found.push(heading);
  }
  return found.map((heading) => sectionOf(heading, ends.get(heading) ?? text.length));
}

/** The sections of the upper levels, as many levels as keep them at most so many; none where the uppermost has more. */
export function upperSections(sections: readonly Section[], most: number): readonly Section[] {
  const levels = [1, 2, 3, 4, 5, 6].map((level) => sections.filter((section) => section.level <= level));
  return levels.findLast((kept) => kept.length <= most) ?? [];
}

/**
 * One sentence on a section, remembered as long as its text has not changed.
 * @returns undefined when there is nothing below the heading, or the signal stopped it
 * @throws what the model throws
 */
export async function sectionSummary(
  context: RememberingContext,
  { text, section, settings }: { readonly text: string; readonly section: Section; readonly settings: Settings },
  signal: AbortSignal,
): Promise<RememberedSummary | undefined> {
  const body = text.slice(section.bodyStart, section.bodyEnd).trim();
  if (body === "") return undefined;
  return gist(context, { text: `${section.title}\n\n${body}`, language: "markdown", settings }, signal);
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

interface Heading {
  readonly title: string;
  readonly level: number;
  readonly start: number;
  /** Without the line break. */
  readonly end: number;
  readonly bodyStart: number;
}

function sectionOf({ title, level, start, end, bodyStart }: Heading, bodyEnd: number): Section {
  return { title, level, headingStart: start, headingEnd: end, bodyStart, bodyEnd };
}

/** The headings of a document in order. */
function* headings(text: string): Iterable<Heading> {
  let fence = "";
  let previous: { readonly line: string; readonly start: number } | undefined;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const next = newline < 0 ? text.length : newline + 1;
    const line = text.slice(start, newline < 0 ? next : newline).replace(/\r$/, "");
    const mark = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line);
    if (fence !== "") {
      if (mark?.[1]?.startsWith(fence) && mark[2]?.trim() === "") fence = "";
      previous = undefined;
    } else if (mark?.[1] !== undefined) {
      fence = mark[1];
      previous = undefined;
    } else {
      const atx = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/.exec(line);
      const underline = /^ {0,3}(=+|-+)[ \t]*$/.exec(line)?.[1];
      if (atx?.[1] !== undefined) {
        yield { title: atx[2] ?? "", level: atx[1].length, start, end: start + line.length, bodyStart: next };
      } else if (underline !== undefined && previous !== undefined) {
        const level = underline.startsWith("=") ? 1 : 2;
        const end = previous.start + previous.line.length;
        yield { title: previous.line.trim(), level, start: previous.start, end, bodyStart: next };
      }
      const plain = atx === null && underline === undefined && /^ {0,3}[^\s>*+|-]/.test(line);
      previous = plain ? { line, start } : undefined;
    }
    start = next;
  }
}
