/** Reads HTML: whole pages, and the pieces of it that stand in Markdown. */
import { decodeHTML } from "entities";
import { Parser } from "htmlparser2";
import { type Block, type BlockKind, type ProseBuilder, plainBlock, proseBlock } from "./block.ts";

/** Elements whose text no reader sees as prose, by what they are. */
const SKIPPED: Readonly<Record<string, BlockKind>> = {
  script: "code",
  style: "code",
  template: "directive",
  noscript: "directive",
  iframe: "directive",
  object: "directive",
  svg: "data",
  canvas: "data",
  math: "math",
  head: "directive",
  nav: "directive",
  footer: "directive",
  select: "directive",
  textarea: "directive",
  pre: "code",
  listing: "code",
  table: "table",
  thead: "table",
  tbody: "table",
  tr: "table",
  td: "table",
  th: "table",
};

/** Elements that stand inside a line; any other begins and ends a block. */
const INLINE = new Set(
  "a abbr acronym b bdi bdo big br cite code data del dfn em font i img input ins kbd label mark q rp rt ruby s samp small span strike strong sub sup time tt u var wbr picture source".split(
    " ",
  ),
);

/** Elements that have no end. */
const VOID = new Set("area base br col embed hr img input link meta param source track wbr".split(" "));

/** A range of text, or a blank that a line break stands for. */
interface Run {
  readonly start: number;
  readonly end: number;
  readonly isBlank: boolean;
}

/** The blocks of a range of a normalized text that holds HTML. Never throws; linear in the range's length. */
export function htmlBlocks(text: string, from = 0, to = text.length): Block[] {
  const blocks: Block[] = [];
  let runs: Run[] = [];
  let heading = 0;
  let skipped: { readonly name: string; readonly kind: BlockKind; readonly start: number; depth: number } | undefined;
  const flush = () => {
    const kept = runs;
    runs = [];
    if (!kept.some(({ start, end, isBlank }) => !isBlank && text.slice(start, end).trim() !== "")) return;
    const range = { start: kept[0]?.start ?? from, end: kept.at(-1)?.end ?? to };
    const kind = heading > 0 ? "heading" : "paragraph";
    blocks.push(
      proseBlock({ kind, ...range, ...(heading > 0 && { level: heading }) }, (builder) =>
        writeRuns(builder, text, kept),
      ),
    );
  };
  const parser = new Parser(
    {
      onopentag(name) {
        if (skipped !== undefined) {
          if (name === skipped.name) skipped.depth += 1;
          return;
        }
        const kind = SKIPPED[name];
        if (kind !== undefined) {
          flush();
          if (!VOID.has(name)) skipped = { name, kind, start: from + parser.startIndex, depth: 1 };
          return;
        }
        if (INLINE.has(name)) {
          const at = from + parser.startIndex;
          if (name === "br" || name === "img")
            runs.push({ start: at, end: Math.min(from + parser.endIndex + 1, to), isBlank: true });
          return;
        }
        flush();
        const level = /^h([1-6])$/.exec(name)?.[1];
        if (level !== undefined) heading = Number(level);
      },
      onclosetag(name) {
        const end = Math.min(from + parser.endIndex + 1, to);
        if (skipped !== undefined) {
          if (name !== skipped.name) return;
          skipped.depth -= 1;
          if (skipped.depth > 0) return;
          blocks.push(plainBlock(skipped.kind, skipped.start, end, { name: skipped.name }));
          skipped = undefined;
          return;
        }
        if (INLINE.has(name)) return;
        flush();
        if (/^h[1-6]$/.test(name)) heading = 0;
      },
      ontext() {
        if (skipped !== undefined) return;
        runs.push({ start: from + parser.startIndex, end: Math.min(from + parser.endIndex + 1, to), isBlank: false });
      },
      oncomment() {
        if (skipped !== undefined) return;
        blocks.push(plainBlock("comment", from + parser.startIndex, Math.min(from + parser.endIndex + 1, to)));
      },
    },
    { decodeEntities: false, recognizeSelfClosing: true, lowerCaseTags: true },
  );
  parser.write(text.slice(from, to));
  parser.end();
  flush();
  return blocks.sort((a, b) => a.start - b.start);
}

function writeRuns(builder: ProseBuilder, text: string, runs: readonly Run[]): void {
  for (const { start, end, isBlank } of runs) {
    if (isBlank) builder.replace(" ", start, end);
    else writeDecoded(builder, text, start, end);
  }
}

/** Adds source text whose character references are decoded. */
export function writeDecoded(builder: ProseBuilder, text: string, start: number, end: number): void {
  let at = start;
  for (const { 0: reference, index } of text
    .slice(start, end)
    .matchAll(/&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z][\da-zA-Z]{1,31});/g)) {
    builder.add(text, at, start + index);
    builder.replace(decodeHTML(reference), start + index, start + index + reference.length);
    at = start + index + reference.length;
  }
  builder.add(text, at, end);
}
