/** A document that is being written, read once for each of its texts, and never more of it than a question needs. */

import type { Block, Reading } from "./document/block.ts";
import type { LiveMarkdown } from "./document/markdown/live.ts";
import { shifted } from "./document/shifted.ts";
import { formatOf, readDocument } from "./document.ts";

/** A document; the object stays the same while its text changes. */
export interface WrittenDocument {
  readonly text: string;
  readonly languageId: string;
}

interface Known {
  readonly languageId: string;
  readonly text: string;
  readonly reading: Promise<Kept>;
}

/** A reading of a whole text: Markdown's goes on with the next text; other formats have all blocks. */
type Kept = { readonly live: LiveMarkdown } | { readonly whole: Reading };

const known = new WeakMap<WrittenDocument, Known>();

/** The structure of a document's present text, for questions about an offset. Never throws. */
export async function readingAt(document: WrittenDocument, offset: number, text = document.text): Promise<Reading> {
  const before = known.get(document);
  if (before?.text === text && before.languageId === document.languageId) return readingOf(document, text);
  const last = windows.get(document);
  if (last?.text === text && last.languageId === document.languageId && last.first <= offset && offset <= last.last)
    return last.reading;
  if (isLive(text, document.languageId) || text.length <= MOST_WHOLE) return readingOf(document, text);
  const made = windowAt(document, offset, text);
  windows.set(document, made);
  return made.reading;
}

/** The last part that was read of a long text, and the places that it serves. */
interface Window {
  readonly languageId: string;
  readonly text: string;
  readonly first: number;
  readonly last: number;
  readonly reading: Promise<Reading>;
}

const windows = new WeakMap<WrittenDocument, Window>();

/** The structure of a document's present text. Never throws. */
export async function readingOf(document: WrittenDocument, text = document.text): Promise<Reading> {
  const { languageId } = document;
  const before = known.get(document);
  if (before === undefined || before.text !== text || before.languageId !== languageId) {
    known.set(document, { text, languageId, reading: readAfter(before, text, languageId) });
  }
  const kept = await known.get(document)?.reading;
  if (kept === undefined) return NOTHING;
  return "live" in kept ? kept.live : kept.whole;
}

const NOTHING: Reading = { text: "", around: () => [], headings: () => [] };

function isLive(text: string, languageId: string): boolean {
  const format = formatOf(text, languageId);
  return format === "markdown" || format === "mdx";
}

async function readAfter(before: Known | undefined, text: string, languageId: string): Promise<Kept> {
  if (!isLive(text, languageId)) return { whole: await wholeOf(text, languageId) };
  const last = before?.languageId === languageId ? await before.reading : undefined;
  if (last !== undefined && "live" in last) return { live: await last.live.changed(text) };
  const [{ createLiveMarkdown }, { createMarkdownParsers }] = await Promise.all([
    import("./document/markdown/live.ts"),
    import("./document/markdown/syntax.ts"),
  ]);
  const isMdx = formatOf(text, languageId) === "mdx";
  return { live: await createLiveMarkdown(text, parsersOf(isMdx, createMarkdownParsers)) };
}

type Create = typeof import("./document/markdown/syntax.ts").createMarkdownParsers;
const parsers = new Map<boolean, ReturnType<Create>>();

/** Markdown's or MDX's parsers, made once. */
function parsersOf(isMdx: boolean, create: Create): ReturnType<Create> {
  const made = parsers.get(isMdx) ?? create(isMdx);
  parsers.set(isMdx, made);
  return made;
}

async function wholeOf(text: string, languageId: string): Promise<Reading> {
  const { blocks } = await readDocument(text, languageId);
  return { text, around: () => blocks, headings: () => headingsIn(blocks) };
}

/** Headings, without those that items and quotations hold. */
function headingsIn(blocks: readonly Block[]): Block[] {
  return blocks.filter(({ kind }) => kind === "heading");
}

/** Longer texts of formats without a tree are read around a place only. */
const MOST_WHOLE = 200_000;
/** How far around. */
const REACH = 40_000;

/** Reads the text around a place, from a blank line on. */
function windowAt({ languageId }: WrittenDocument, offset: number, text: string): Window {
  const near = Math.max(0, offset - REACH);
  const blank = near === 0 ? null : /\n[ \t\r]*\n/.exec(text.slice(near, near + REACH / 2));
  const start = near + (blank === null ? 0 : blank.index + blank[0].length);
  const end = Math.min(text.length, offset + REACH);
  const read = async (): Promise<Reading> => {
    const { blocks } = await readDocument(text.slice(start, end), languageId);
    const here = blocks.map((block) => shifted(block, (at) => at + start));
    return { text, around: () => here, headings: () => headingsIn(here) };
  };
  const [first, last] = [start === 0 ? 0 : offset - REACH / 2, end === text.length ? end : offset + REACH / 2];
  return { languageId, text, first: Math.max(start, first), last, reading: read() };
}
