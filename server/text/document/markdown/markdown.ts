/** Reads Markdown and MDX by @lezer/markdown: blocks first, what is inside each when its prose is asked for. */
import type { SyntaxNode } from "@lezer/common";
import { type Block, plainBlock, proseBlock } from "../block.ts";
import { frontMatterOf } from "../front-matter.ts";
import { htmlBlocks } from "../html.ts";
import { elementsOf, isBar, labelOf, type MarkdownContext, writeInline } from "./inline.ts";
import { createMarkdownParsers, type MarkdownParsers } from "./syntax.ts";

/** Reads the blocks of a normalized text. */
export type Reader = (text: string) => Block[];

/** A reader of Markdown. */
export function createMarkdownReader(isMdx: boolean): Reader {
  const parsers = createMarkdownParsers(isMdx);
  return (text) => {
    const front = frontMatterOf(text);
    const start = front?.end ?? 0;
    return [...(front === undefined ? [] : [front]), ...markdownBlocks(text, start, text.length, parsers)];
  };
}

function markdownBlocks(text: string, from: number, to: number, parsers: MarkdownParsers): Block[] {
  const tree = parsers.blocks.parse(shallow(text.slice(from, to)));
  const labels = new Set<string>();
  tree.iterate({
    enter(node) {
      if (node.name === "LinkLabel" && node.matchContext(["LinkReference"])) {
        labels.add(labelOf(text.slice(from + node.from, from + node.to)));
      }
      return !LEAVES.has(node.name);
    },
  });
  const context: MarkdownContext = { ...parsers, text, offset: from, labels, openTables: 0 };
  return childrenOf(tree.topNode).flatMap((node) => blocksOf(context, node, 0));
}

/**
 * Takes out the marks of lists and quotations that are nested too deep on one line, which the parser would take minutes
 * for.
 */
function shallow(text: string): string {
  return text.replace(/^[ \t]*(?:(?:[-*+>]|\d{1,9}[.)])[ \t]*){60,}/gm, (marks) => " ".repeat(marks.length));
}

/** Blocks that lie deeper are not read. */
const MOST_DEPTH = 100;

/** Blocks that have no blocks inside. */
const LEAVES = new Set("Paragraph ATXHeading1 ATXHeading2 ATXHeading3 FencedCode CodeBlock HTMLBlock Table".split(" "));

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

function blocksOf(context: MarkdownContext, node: SyntaxNode, depth: number): Block[] {
  const start = context.offset + node.from;
  const end = context.offset + node.to;
  if (depth > MOST_DEPTH) return [plainBlock("directive", start, end)];
  const blocks = readBlock(context, node, start, end, depth);
  if (node.name !== "HTMLBlock" && context.openTables === 0) return blocks;
  const inTable = context.openTables > 0;
  if (node.name === "HTMLBlock" || node.name === "Paragraph") {
    const html = context.text.slice(start, end);
    context.openTables = Math.max(0, context.openTables + count(html, /<table\b/gi) - count(html, /<\/table\b/gi));
  }
  return inTable ? [plainBlock("table", start, end)] : blocks;
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
      return [paragraphBlock(context, node, start, end)];
    case "BulletList":
    case "OrderedList":
      return inner();
    case "ListItem":
      return [plainBlock("item", start, end, { children: inner() })];
    case "Blockquote":
      return [plainBlock("quotation", start, end, { children: inner() })];
    case "Admonition":
      return [plainBlock("directive", start, start, { name: "admonition" }), ...inner()];
    case "FencedCode":
    case "CodeBlock":
      return [codeBlock(context, node, start, end)];
    case "HTMLBlock":
      return htmlBlocks(context.text, start, end);
    case "CommentBlock":
    case "CommentMarks":
    case "ProcessingInstructionBlock":
      return [plainBlock("comment", start, end)];
    case "Table":
      return [plainBlock("table", start, end)];
    case "MathBlock":
      return [plainBlock("math", start, end)];
    case "NoteDefinition":
      return [plainBlock("note", start, end)];
    case "Module":
    case "JsxBlock":
    case "DirectiveLine":
    case "LinkReference":
      return [plainBlock("directive", start, end)];
    default:
      return []; // marks, thematic breaks
  }
}

function codeBlock(context: MarkdownContext, node: SyntaxNode, start: number, end: number): Block {
  const info = node.getChild("CodeInfo");
  const texts = node.name === "CodeBlock" ? [node] : node.getChildren("CodeText");
  const content = {
    start: context.offset + (texts[0]?.from ?? node.to),
    end: context.offset + (texts.at(-1)?.to ?? node.to),
  };
  const name = info === null ? "" : context.text.slice(context.offset + info.from, context.offset + info.to);
  return plainBlock("code", start, end, { content, ...(name !== "" && { name: /[\w+#.-]+/.exec(name)?.[0] ?? name }) });
}

function headingBlock(context: MarkdownContext, node: SyntaxNode, start: number, end: number, level: number): Block {
  const marks = node
    .getChildren("HeaderMark")
    .map(({ from, to }) => ({ start: context.offset + from, end: context.offset + to }));
  const isSetext = node.name.startsWith("Setext");
  const from = isSetext ? start : (marks[0]?.end ?? start);
  const last = marks.length > 1 || isSetext ? marks.at(-1) : undefined;
  return proseBlock({ kind: "heading", level, start, end }, (builder) =>
    writeInline(context, node, builder, from, last?.start ?? end),
  );
}

function paragraphBlock(context: MarkdownContext, node: SyntaxNode, start: number, end: number): Block {
  const marker = node.getChild("TaskMarker");
  const from = marker === null ? start : context.offset + marker.to;
  const begin = context.text.slice(from, from + 40);
  const elements = /^[^\p{L}\p{N}]*(!?\[|<)/u.test(begin) ? elementsOf(context, node, from, end) : undefined;
  if (elements !== undefined && isBar(context, elements, from, end)) {
    return plainBlock("directive", start, end, { name: "bar" });
  }
  return proseBlock({ kind: "paragraph", start, end }, (builder) =>
    writeInline(context, node, builder, from, end, elements),
  );
}
