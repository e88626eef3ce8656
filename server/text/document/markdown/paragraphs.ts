/** Reads paragraphs of Markdown: terms with definitions, labels above a text, fields, tasks, bars of links. */
import type { SyntaxNode } from "@lezer/common";
import { type Block, plainBlock, proseBlock } from "../block.ts";
import { elementsOf, isBar, type MarkdownContext, writeInline } from "./inline.ts";
import { withoutTags, withoutTaskFields } from "./task-fields.ts";

/** A paragraph; or a term, and below it the definitions, which begin with colons; or a label, and below it its text. */
export function paragraphBlocks(context: MarkdownContext, node: SyntaxNode, start: number, end: number): Block[] {
  const text = context.text.slice(start, end);
  const fields = FIELDS.exec(text)?.[0];
  if (fields !== undefined) {
    const block = plainBlock("directive", start, start + fields.trimEnd().length, { name: "fields" });
    return fields.length < text.length
      ? [block, ...paragraphBlocks(context, node, start + fields.length, end)]
      : [block];
  }
  const label = LABEL.exec(text)?.[0].length;
  if (label !== undefined)
    return [
      paragraphBlock(context, node, start, start + label),
      ...paragraphBlocks(context, node, start + label + 1, end),
    ];
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

/** A bold line, which no sentence is, above the text that it names: "**Expected behavior**". */
const LABEL = /^(?:\*\*[^*\n]{1,80}[^*\n.!,;\\]\*\*|__[^_\n]{1,80}[^_\n.!,;\\]__):?[ \t]*(?=\n)/;

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
