/** Reads Markdown and MDX by @lezer/markdown: blocks first, what is inside each when its prose is asked for. */
import type { SyntaxNode, Tree } from "@lezer/common";
import { type Block, plainBlock, proseBlock } from "../block.ts";
import { frontMatterOf } from "../front-matter.ts";
import { htmlBlocks } from "../html.ts";
import { shifted } from "../shifted.ts";
import { elementsOf, labelOf, type MarkdownContext, withoutBadges, writeInline } from "./inline.ts";
import { paragraphBlocks } from "./paragraphs.ts";
import { createMarkdownParsers, type MarkdownParsers } from "./syntax.ts";

/** Reads the blocks of a normalized text. */
export type Reader = (text: string) => Block[];

/** A reader of Markdown. */
export function createMarkdownReader(isMdx: boolean): Reader {
  const parsers = createMarkdownParsers(isMdx);
  return (text) => {
    const front = frontMatterOf(text);
    const tree = parsers.blocks.parse(prepared(text, front));
    return [...(front === undefined ? [] : [front]), ...childrenBlocks(contextOf(parsers, text, tree), tree.topNode)];
  };
}

/**
 * A normalized text as the parser of blocks gets it, no character moved: front matter is blank, and so are the marks of
 * lists and quotations that are nested too deep on one line, which the parser would take minutes for.
 */
export function prepared(text: string, front: Block | undefined): string {
  const body = shallow(front === undefined ? text : text.slice(front.end));
  return front === undefined ? body : `${" ".repeat(Math.max(0, front.end - 1))}\n`.slice(0, front.end) + body;
}

/** The state for reading the blocks of a tree. @param addresses of labels, where they are known from another tree */
export function contextOf(
  parsers: MarkdownParsers,
  text: string,
  tree: Tree,
  addresses: () => ReadonlyMap<string, string> = once(() => addressesIn(tree, text)),
): MarkdownContext {
  return { ...parsers, text, addressOf: (label) => addresses().get(label), openTables: 0 };
}

/** The addresses that a document defines, by their labels. */
export function addressesIn(tree: Tree, text: string): ReadonlyMap<string, string> {
  const addresses = new Map<string, string>();
  tree.iterate({
    enter({ node, name }) {
      if (name !== "LinkReference") return !LEAVES.has(name);
      const [label, url] = [node.getChild("LinkLabel"), node.getChild("URL")];
      if (label === null) return false;
      const key = labelOf(text.slice(label.from, label.to));
      if (!addresses.has(key)) addresses.set(key, url === null ? "" : text.slice(url.from, url.to));
      return false;
    },
  });
  return addresses;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/**
 * A text whose lists are not nested too deep on one line, and whose tables' second lines have no blanks after the last
 * bar, as they have where lines ended with CRLF: the parser takes neither. Repetitions have an end, since those of a
 * line of megabytes overflow the stack; what follows them is indented, or no table.
 */
export function shallow(text: string): string {
  return text
    .replace(/^[ \t]*(?:(?:[-*+>]|\d{1,9}[.)])[ \t]*){60,100000}/gm, (marks) => " ".repeat(marks.length))
    .replace(/^([ \t>]{0,20}\|?(?:[ \t]*:?-+:?[ \t]*\|){0,100000}[ \t]*:?-+:?[ \t]*)\|(?=[ \t]+$)/gm, "$1 ");
}

/** Blocks that lie deeper are not read. */
const MOST_DEPTH = 100;

/** Blocks that have no blocks inside. */
const LEAVES = new Set("Paragraph ATXHeading1 ATXHeading2 ATXHeading3 FencedCode CodeBlock HTMLBlock Table".split(" "));

/** The blocks that a node holds. */
export function childrenBlocks(context: MarkdownContext, node: SyntaxNode): Block[] {
  return childrenOf(node).flatMap((child) => blocksOf(context, child, 0));
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

/** The blocks of a node. */
export function blocksOf(context: MarkdownContext, node: SyntaxNode, depth: number): Block[] {
  const { from: start, to: end } = node;
  if (depth > MOST_DEPTH) return [plainBlock("directive", start, end)];
  const blocks = readBlock(context, node, start, end, depth);
  if (node.name !== "HTMLBlock" && context.openTables === 0) return blocks;
  const inTable = context.openTables > 0;
  if (node.name === "HTMLBlock" || node.name === "Paragraph") {
    const html = context.text.slice(start, end);
    context.openTables = Math.max(0, context.openTables + count(html, /<table\b/gi) - count(html, /<\/table\b/gi));
  }
  return inTable ? [plainBlock("table", start, end, { inner: () => blocks })] : blocks;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

function readBlock(context: MarkdownContext, node: SyntaxNode, start: number, end: number, depth: number): Block[] {
  const heading = /^(?:ATX|Setext)Heading(\d)$/.exec(node.name)?.[1];
  if (heading !== undefined) return [headingBlock(context, node, start, end, Number(heading))];
  const inner = () => childrenOf(node).flatMap((child) => blocksOf(context, child, depth + 1));
  switch (node.name) {
    case "Paragraph":
    case "Task":
      return paragraphBlocks(context, node, start, end);
    case "BulletList":
    case "OrderedList":
      if (context.text.startsWith("{:toc", end + 1)) return [plainBlock("directive", start, end)];
      return inner();
    case "ListItem":
      return [plainBlock("item", start, end, { children: inner() })];
    case "Blockquote":
      return [plainBlock("quotation", start, end, { children: inner() })];
    case "Admonition":
      return [plainBlock("directive", start, start, { name: "admonition" }), ...inner()];
    case "FencedCode":
    case "CodeBlock":
      return codeBlocks(context, node, start, end);
    case "TemplateCode":
      return [plainBlock("code", start, end)];
    case "HTMLBlock":
      return htmlBlocks(context.text, start, end);
    case "PercentLine":
      return [percentBlock(context.text, start, end)];
    case "CommentBlock":
    case "CommentMarks":
    case "ProcessingInstructionBlock":
      return [plainBlock("comment", start, end)];
    case "Table":
      return [plainBlock("table", start, end, { inner: () => cellsOf(context, node) })];
    case "MathBlock":
      return [plainBlock("math", start, end)];
    case "NoteDefinition":
      return [noteBlock(context, node, start, end)];
    case "LinkReference": {
      const url = node.getChild("URL");
      const content = { start: url?.from ?? end, end: url?.to ?? end };
      return [plainBlock("directive", start, end, { name: "reference", content })];
    }
    case "Module":
    case "JsxBlock":
    case "DirectiveLine":
      return [plainBlock("directive", start, end)];
    default:
      return []; // marks, thematic breaks
  }
}

/** Code, or the prose of one of MyST's directives. */
function codeBlocks(context: MarkdownContext, node: SyntaxNode, start: number, end: number): Block[] {
  const code = codeBlock(context, node, start, end);
  const info = node.getChild("CodeInfo");
  const { content } = code;
  if (info === null || content === undefined || !DIRECTIVE.test(context.text.slice(info.from, info.to))) return [code];
  const text = context.text
    .slice(content.start, content.end)
    .replace(/^:[\w-]+:.*$/gm, (option) => " ".repeat(option.length));
  const tree = context.blocks.parse(text);
  const blocks = childrenBlocks(
    contextOf(context, text, tree, () => new Map()),
    tree.topNode,
  );
  return [
    plainBlock("directive", start, content.start, { name: "admonition" }),
    ...blocks.map((block) => shifted(block, (at) => at + content.start)),
  ];
}

/** Directives of MyST whose content is prose. */
const DIRECTIVE =
  /^\{(?:note|warning|tip|hint|important|caution|danger|attention|error|seealso|admonition|dropdown|margin|sidebar|epigraph|card|versionadded|versionchanged|deprecated)\}/;

function codeBlock(context: MarkdownContext, node: SyntaxNode, start: number, end: number): Block {
  const info = node.getChild("CodeInfo");
  const texts = node.name === "CodeBlock" ? [node] : node.getChildren("CodeText");
  const content = {
    start: texts[0]?.from ?? node.to,
    end: texts.at(-1)?.to ?? node.to,
  };
  const name = info === null ? "" : context.text.slice(info.from, info.to);
  // What is not closed goes on where the cursor is.
  const isOpen = node.name === "FencedCode" && node.getChildren("CodeMark").length < 2;
  const blank = isOpen ? (/^\s*/.exec(context.text.slice(end, end + MOST_BLANK))?.[0].length ?? 0) : 0;
  return plainBlock("code", start, end + blank, {
    content,
    ...(name !== "" && { name: /[\w+#.-]+/.exec(name)?.[0] ?? name }),
  });
}

const MOST_BLANK = 1000;

/** The cells of a table, each a paragraph. */
function cellsOf(context: MarkdownContext, table: SyntaxNode): Block[] {
  const rows = ["TableHeader", "TableRow"].flatMap((name) => table.getChildren(name));
  return rows.flatMap((row) =>
    row
      .getChildren("TableCell")
      .map((cell) =>
        proseBlock({ kind: "paragraph", start: cell.from, end: cell.to }, (builder) =>
          writeInline(context, cell, builder, cell.from, cell.to),
        ),
      ),
  );
}

function noteBlock(context: MarkdownContext, node: SyntaxNode, start: number, end: number): Block {
  const from = Math.min(end, context.text.indexOf("]:", start) + 2);
  const paragraph = proseBlock({ kind: "paragraph", start: from, end }, (builder) =>
    writeInline(context, node, builder, from, end),
  );
  return plainBlock("note", start, end, { inner: () => [paragraph] });
}

function headingBlock(context: MarkdownContext, node: SyntaxNode, start: number, end: number, level: number): Block {
  const marks = node.getChildren("HeaderMark").map(({ from, to }) => ({ start: from, end: to }));
  const isSetext = node.name.startsWith("Setext");
  const from = isSetext ? start : (marks[0]?.end ?? start);
  const last = marks.length > 1 || isSetext ? marks.at(-1) : undefined;
  const to = last?.start ?? end;
  const inner = context.text.slice(from, to);
  const content = { start: from + inner.length - inner.trimStart().length, end: from + inner.trimEnd().length };
  return proseBlock({ kind: "heading", level, start, end, content }, (builder) =>
    writeInline(
      context,
      node,
      builder,
      from,
      to,
      withoutBadges(context, elementsOf(context, node, from, to), from, to),
    ),
  );
}

/** A comment of MyST; or Pandoc's title, the first of at most three lines at the beginning of a file. */
function percentBlock(text: string, start: number, end: number): Block {
  const lines = start === 0 ? (/^(?:%[^\n]*\n?){1,4}/.exec(text)?.[0].trimEnd().split("\n").length ?? 0) : 0;
  const title = /^%[ \t]+(?=[\p{L}\p{N}"'([])/u.exec(text.slice(start, end));
  if (lines < 1 || lines > 3 || title === null || /[.!?]$/.test(text.slice(start, end).trimEnd())) {
    return plainBlock("comment", start, end);
  }
  return proseBlock({ kind: "heading", level: 1, start, end }, (builder) => builder.add(text, title[0].length, end));
}
