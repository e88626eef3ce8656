/** Reads the inline markup of Markdown: the text that a reader sees in a paragraph or heading. */
import type { SyntaxNode } from "@lezer/common";
import { decodeHTML } from "entities";
import { table } from "../../../../base/table.ts";
import type { ProseBuilder, RunKind } from "../block.ts";
import type { MarkdownParsers } from "./syntax.ts";
import { writeCode, writeOther } from "./templates.ts";

/** The state that the blocks of one document share. */
export interface MarkdownContext extends MarkdownParsers {
  readonly text: string;
  /** The address that a label stands for, as {@link labelOf} writes the label; undefined where none defines it. */
  readonly addressOf: (label: string) => string | undefined;
  /** How many HTML tables are open: blank lines make their cells separate Markdown blocks. */
  openTables: number;
}

/** A label as it is compared: in lower case, its white space joined. */
export function labelOf(bracketed: string): string {
  return bracketed.slice(1, -1).replace(/\s+/g, " ").trim().toLowerCase();
}

/** An element inside a block, as @lezer/markdown's `parseInline` returns it. */
export interface InlineElement {
  readonly type: number;
  readonly from: number;
  readonly to: number;
  readonly children?: readonly InlineElement[];
}

/** Longer stretches are read in parts: the parser's time grows with the square of the length. */
const MOST_UNITS = 2000;

/** The elements of a block between two places, with the marks of outer blocks taken for blanks. */
export function elementsOf(context: MarkdownContext, node: SyntaxNode, from: number, to: number): InlineElement[] {
  let text = context.text.slice(from, to);
  for (const name of ["QuoteMark", "ListMark"]) {
    for (const mark of node.getChildren(name)) {
      const [start, end] = [mark.from - from, mark.to - from];
      if (start >= 0 && end <= text.length) text = text.slice(0, start) + " ".repeat(end - start) + text.slice(end);
    }
  }
  const elements: InlineElement[] = [];
  for (let start = 0; start < text.length; ) {
    let end = Math.min(text.length, start + MOST_UNITS);
    if (end < text.length) {
      const border = Math.max(text.lastIndexOf("\n", end), text.lastIndexOf(" ", end));
      if (border > start) end = border;
    }
    elements.push(...(context.inlines.parseInline(text.slice(start, end), from + start) as readonly InlineElement[]));
    start = end;
  }
  return elements;
}

function nameOf({ inlines }: MarkdownContext, element: InlineElement): string {
  return inlines.nodeSet.types[element.type]?.name ?? "";
}

/** Whether a paragraph shows images and badges, or is a bar of links, and holds no sentence. */
export function isBar(context: MarkdownContext, all: readonly InlineElement[], from: number, to: number): boolean {
  let images = 0;
  let links = 0;
  const hasWords = (elements: readonly InlineElement[], start: number, end: number): boolean => {
    let at = start;
    for (const element of elements) {
      if (WORD.test(context.text.slice(at, element.from))) return true;
      at = Math.max(at, element.to);
      const name = nameOf(context, element);
      if (name === "Image" || name === "HTMLTag" || name === "JsxTag") images += 1;
      else if (name === "Link" || name === "Wikilink" || name === "Autolink") links += 1;
      else if (!SILENT.has(name)) return true;
    }
    return WORD.test(context.text.slice(at, end));
  };
  const source = context.text.slice(from, to);
  if (hasWords(all, from, to)) return isBarOfPages(source);
  const isParted = links === 2 && /\s[|·•/»›→-]\s/.test(source);
  return links >= 3 || isParted || (images > 0 && links === 0) || (links > 0 && linksOnlyImages(context, all));
}

/** Whether all parts between bars are links but the page's own name, as in a bar of languages. */
function isBarOfPages(source: string): boolean {
  const parts = source
    .trim()
    .split(/(?<!\s)\s*[|·•]\s*/)
    .filter(Boolean);
  const others = parts.filter((part) => !/^\[[^\][]{1,60}\](?:\([^()]*\)|\[[^\][]*\])?$|^<a\b[^<]*<\/a>$/.test(part));
  return parts.length >= 3 && others.length === 1 && (others[0] ?? "").length <= MOST_NAME;
}

const MOST_NAME = 30;

/** The elements of a heading, its images left out where it has words besides. */
export function withoutBadges(
  context: MarkdownContext,
  elements: readonly InlineElement[],
  from: number,
  to: number,
): readonly InlineElement[] {
  const isBadge = (element: InlineElement) =>
    nameOf(context, element) === "Image" ||
    (nameOf(context, element) === "Link" && linksOnlyImages(context, [element]));
  if (!elements.some(isBadge)) return elements;
  let [words, at] = ["", from];
  for (const element of elements.filter(isBadge)) {
    words += context.text.slice(at, element.from);
    at = element.to;
  }
  if (!WORD.test(words + context.text.slice(at, to))) return elements;
  return elements.map((element) => (isBadge(element) ? { type: -1, from: element.from, to: element.to } : element));
}

const WORD = /[\p{L}\p{N}]/u;
const SILENT = new Set("HardBreak Comment Attributes Template NoteReference Expression LinkMark".split(" "));

/** Whether every link shows an image, as badges do. */
function linksOnlyImages(context: MarkdownContext, elements: readonly InlineElement[]): boolean {
  return elements
    .filter((element) => nameOf(context, element) === "Link")
    .every(({ children = [] }) => children.some((child) => nameOf(context, child) === "Image"));
}

/** Where the text of a link ends. */
function linkTextEnd(context: MarkdownContext, element: InlineElement): number {
  const marks = (element.children ?? []).filter((child) => nameOf(context, child) === "LinkMark");
  return marks[1]?.from ?? element.to;
}

export function writeInline(
  context: MarkdownContext,
  node: SyntaxNode,
  builder: ProseBuilder,
  from: number,
  to: number,
  elements: readonly InlineElement[] = elementsOf(context, node, from, to),
): void {
  const marks = ["QuoteMark", "ListMark"]
    .flatMap((name) => node.getChildren(name))
    .map((mark) => ({ type: -1, from: mark.from, to: mark.to }))
    .filter((mark) => mark.from >= from && mark.to <= to);
  const all = marks.length === 0 ? elements : [...elements, ...marks].sort((a, b) => a.from - b.from);
  writeBetween(context, builder, all, from, to);
}

/** Writes a range with elements in it. */
function writeBetween(
  context: MarkdownContext,
  builder: ProseBuilder,
  elements: readonly InlineElement[],
  from: number,
  to: number,
): void {
  let at = from;
  for (const element of elements) {
    if (element.from < at) continue; // a mark inside an element
    builder.add(context.text, at, element.from);
    writeElement(context, builder, element);
    at = element.to;
  }
  builder.add(context.text, at, to);
}

/** Elements that are more than words. */
const RUNS: Readonly<Record<string, RunKind>> = table({
  Emphasis: "emphasis",
  StrongEmphasis: "emphasis",
  Autolink: "address",
  URL: "address",
  InlineCode: "code",
  HTMLTag: "tag",
  JsxTag: "tag",
  Image: "image",
  Math: "math",
  Wikilink: "link",
  TemplateLink: "link",
  Comment: "comment",
  CommentSpan: "comment",
  Attributes: "directive",
  Role: "directive",
  BlockId: "directive",
});

function writeElement(context: MarkdownContext, builder: ProseBuilder, element: InlineElement): void {
  const { text } = context;
  const { from, to, children = [] } = element;
  const name = nameOf(context, element);
  const run = RUNS[name];
  if (run !== undefined) builder.run(run, from, to);
  switch (name) {
    case "Emphasis":
    case "StrongEmphasis":
    case "Strikethrough":
    case "Highlight":
    case "Autolink":
      writeBetween(context, builder, children, from, to);
      return;
    case "InlineCode": {
      const [open, close] = [children[0]?.to ?? from, children.at(-1)?.from ?? to];
      writeCode(builder, text, open, close);
      return;
    }
    case "URL":
      builder.add(text, from, to);
      return;
    case "Escape":
      builder.add(text, from + 1, to);
      return;
    case "Entity":
      builder.replace(decodeHTML(text.slice(from, to)), from, to);
      return;
    case "HardBreak":
      builder.replace(" ", from, to);
      return;
    case "HTMLTag":
    case "JsxTag":
      if (/^<\/?(br|p|div|li|td|th|tr|hr)\b/i.test(text.slice(from, to))) builder.replace(" ", from, to);
      return;
    case "Link":
      writeLink(context, builder, element);
      return;
    case "Image":
      writeUntil(context, builder, element, linkTextEnd(context, element));
      return;
    default:
      writeOther(name, builder, text, from, to);
  }
}

function writeLink(context: MarkdownContext, builder: ProseBuilder, element: InlineElement): void {
  const { text } = context;
  const { from, to, children = [] } = element;
  const stop = linkTextEnd(context, element);
  const isShortcut = stop === to - 1;
  // Brackets without a definition are brackets.
  if (isShortcut && context.addressOf(labelOf(text.slice(from, to))) === undefined) {
    builder.add(text, from, from + 1);
    writeBetween(
      context,
      builder,
      children.filter((child) => nameOf(context, child) !== "LinkMark"),
      from + 1,
      to - 1,
    );
    builder.add(text, to - 1, to);
    return;
  }
  builder.run("link", from, to, targetOf(context, element, isShortcut));
  writeUntil(context, builder, element, stop);
}

function targetOf(context: MarkdownContext, element: InlineElement, isShortcut: boolean): string | undefined {
  const { text } = context;
  const child = (name: string) => element.children?.find((one) => nameOf(context, one) === name);
  const [url, label] = [child("URL"), child("LinkLabel")];
  if (url !== undefined) return text.slice(url.from, url.to);
  if (label !== undefined && label.to - label.from > 2)
    return context.addressOf(labelOf(text.slice(label.from, label.to)));
  const stop = isShortcut ? element.to : (label?.from ?? element.from);
  return context.addressOf(labelOf(text.slice(element.from, stop)));
}

/** Writes an element's text up to a place, without what stands behind it. */
function writeUntil(
  context: MarkdownContext,
  builder: ProseBuilder,
  { from, children = [] }: InlineElement,
  stop: number,
): void {
  writeBetween(
    context,
    builder,
    children.filter((child) => child.to <= stop),
    from,
    stop,
  );
}
