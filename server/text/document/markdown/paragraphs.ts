/** Reads paragraphs of Markdown: terms with definitions, labels above a text, fields, tasks, bars of links. */
import type { SyntaxNode } from "@lezer/common";
import { type Block, plainBlock, proseBlock } from "../block.ts";
import { elementsOf, isBar, type MarkdownContext, writeInline } from "./inline.ts";
import { withoutTags, withoutTaskFields } from "./task-fields.ts";

/** A paragraph; without fields above it, and parted from a label above it. */
export function paragraphBlocks(context: MarkdownContext, node: SyntaxNode, start: number, end: number): Block[] {
  const text = context.text.slice(start, end);
  const fields = FIELDS.exec(text)?.[0] ?? "";
  const from = start + fields.length;
  const label = LABEL.exec(text.slice(fields.length))?.[0].length;
  const body = label === undefined ? from : from + label + 1;
  return [
    ...(fields === "" ? [] : [plainBlock("directive", start, start + fields.trimEnd().length, { name: "fields" })]),
    ...(label === undefined ? [] : [paragraphBlock(context, node, from, from + label)]),
    ...(body < end ? partedBlocks(context, node, body, end) : []),
  ];
}

/** Lines that begin with labels; a term, and below it its definitions, which begin with colons; or a paragraph. */
function partedBlocks(context: MarkdownContext, node: SyntaxNode, start: number, end: number): Block[] {
  const text = context.text.slice(start, end);
  const labels = Array.from(text.matchAll(ALL_LABELLED.test(text) ? /^/gm : LABELLED), ({ index }) => index);
  if (labels.length <= MOST_LABELS && labels.some((index) => index > 0)) {
    const borders = [0, ...labels.filter((index) => index > 0), text.length + 1];
    return borders
      .slice(1)
      .map((border, i) => paragraphBlock(context, node, start + (borders[i] ?? 0), start + border - 1));
  }
  const marks = Array.from(text.matchAll(/\n {0,3}:[ \t]+(?=\S)/g));
  const [first] = marks;
  if (first === undefined) {
    const own = /^: +(?=\S)/.exec(text);
    return [paragraphBlock(context, node, start + (own?.[0].length ?? 0), end)];
  }
  return [
    paragraphBlock(context, node, start, start + first.index),
    ...marks.map(({ 0: mark, index }, i) => {
      const [from, to] = [start + index + mark.length, start + (marks[i + 1]?.index ?? end - start)];
      return plainBlock("item", start + index + 1, to, { children: [paragraphBlock(context, node, from, to)] });
    }),
  ];
}

/** More labelled lines than a person writes below each other are read as one paragraph. */
const MOST_LABELS = 50;

/** A bold line, which no sentence is, above the text that it names: "**Expected behavior**". */
const LABEL = /^(?:\*\*[^*\n]{1,80}[^*\n.!,;\\]\*\*|__[^_\n]{1,80}[^_\n.!,;\\]__):?[ \t]*(?=\n)/;

/** Where lines begin with bold labels: "**Status:** accepted". */
const LABELLED = /^(?:\*\*[^*\n:]{1,40}(?:\*\*:|:\*\*)|__[^_\n:]{1,40}(?:__:|:__))[ \t]/gm;

/** Lines that all begin with labels: "Present: Jane Doe". */
const ALL_LABELLED = /^(?:\p{Lu}[\p{L} ]{1,24}:[ \t]\S[^\n]*(?:\n(?!$)|$)){2,}$/u;

/** Lines of fields as Obsidian's Dataview reads them. */
const FIELDS = /^(?:\p{L}[\p{L}\p{N} _-]{0,30}::[ \t]+\S[^\n]*(?:\n|$))+/u;

/** Formulas without dollars, as Jupyter and Pandoc take them. */
const MATH_ENVIRONMENT = /^\\begin\{(?:equation|align|gather|eqnarray|multline|displaymath|math)\*?\}/;

function paragraphBlock(context: MarkdownContext, node: SyntaxNode, start: number, end: number): Block {
  const marker = node.getChild("TaskMarker");
  const from = marker === null ? start : marker.to;
  const to = (marker === null ? withoutTags : withoutTaskFields)(context.text, from, end);
  const begin = context.text.slice(from, from + 40);
  if (MATH_ENVIRONMENT.test(begin)) return plainBlock("math", start, end);
  const elements = /^[^\p{L}\p{N}]*(!?\[|<)|^[^|•·\n]{1,30} [|•·] [[<]/u.test(begin)
    ? elementsOf(context, node, from, to)
    : undefined;
  if (elements !== undefined && isBar(context, elements, from, to)) {
    const inner = proseBlock({ kind: "paragraph", start, end }, (builder) =>
      writeInline(context, node, builder, from, to, elements),
    );
    return plainBlock("directive", start, end, { name: "bar", inner: () => [inner] });
  }
  return proseBlock({ kind: "paragraph", start, end }, (builder) =>
    writeInline(context, node, builder, from, to, elements),
  );
}
