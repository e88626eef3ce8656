/** Reads Perl's Plain Old Documentation, also where it stands between a program's code. @see perlpod(1) */
import { decodeHTML } from "entities";
import { type Block, type ProseBuilder, plainBlock } from "../block.ts";
import { paragraphs } from "../plain/plain.ts";
import { type Line, linesOf } from "../source.ts";
import { blockOf, writeMarked } from "./marked.ts";

const COMMAND = /^=(pod|head[1-6]|over|item|back|begin|end|for|encoding|cut)\b[ \t]*/;

/** The blocks of a normalized text, without the code below a "=cut". Never throws; linear in its length. */
export function podBlocks(text: string): Block[] {
  return podRanges(text).flatMap(({ start, end }) => documentedBlocks(text, start, end));
}

/** The blocks of a range of documentation. */
export function documentedBlocks(text: string, from: number, to: number): Block[] {
  const blocks: Block[] = [];
  const write = (builder: ProseBuilder, start: number, end: number) => writePod(builder, text, start, end);
  let hidden = false;
  for (const group of paragraphs(linesOf(text, from, to))) {
    const [first, last] = [group[0] as Line, group.at(-1) as Line];
    const [start, end] = [first.start, last.end];
    const command = COMMAND.exec(first.text);
    const name = command?.[1] ?? "";
    if (name === "begin") hidden = !/^=begin\s+:/.test(first.text);
    const words = start + (command?.[0].length ?? 0);
    const level = /^head(\d)$/.exec(name)?.[1];
    if (hidden) blocks.push(plainBlock("comment", start, end));
    else if (level !== undefined)
      blocks.push(blockOf({ kind: "heading", level: Number(level) }, [{ start: words, end }], write));
    else if (name === "item" && /[\p{L}\p{N}]/u.test(text.slice(words, end).replace(/^(?:\*|\d+\.?)\s*/, ""))) {
      const mark = /^(?:\*|\d+\.?)\s+/.exec(text.slice(words, end))?.[0].length ?? 0;
      const paragraph = blockOf({ kind: "paragraph" }, [{ start: words + mark, end }], write);
      blocks.push(plainBlock("item", start, end, { children: [paragraph] }));
    } else if (command !== null) blocks.push(plainBlock("directive", start, end));
    else if (first.indent > 0) blocks.push(plainBlock("code", start, end));
    else blocks.push(blockOf({ kind: "paragraph" }, [{ start, end }], write));
    if (name === "end") hidden = false;
  }
  return blocks;
}

/** The ranges of a Perl program that are documentation. */
export function podRanges(text: string): { readonly start: number; readonly end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  for (const line of linesOf(text)) {
    const command = COMMAND.exec(line.text)?.[1];
    const open = ranges.at(-1);
    const isOpen = open !== undefined && open.end === text.length;
    if (command === "cut" && isOpen) open.end = line.end;
    else if (command !== undefined && command !== "cut" && !isOpen)
      ranges.push({ start: line.start, end: text.length });
  }
  return ranges;
}

const FORMATTED = /[A-Z]<<+ [\s\S]{1,400}? >>+|[A-Z]<[^<>]{0,400}>/g;

function writePod(builder: ProseBuilder, text: string, from: number, to: number): void {
  writeMarked(builder, text, from, to, FORMATTED, (own, found, start, end) => {
    const open = /^[A-Z]<+ ?/.exec(found)?.[0].length ?? 2;
    const close = /(?<!>) ?>+$/.exec(found)?.[0].length ?? 1;
    const inner = found.slice(open, -close);
    if (found.startsWith("E")) own.replace(decodeHTML(`&${inner};`), start, end);
    else if (/^[XZ]/.test(found)) own.drop();
    else {
      if (found.startsWith("L")) own.run("link", start, end);
      else if (/^[CF]/.test(found)) own.run("code", start, end);
      const bar = found.startsWith("L") ? inner.indexOf("|") : -1;
      own.add(text, start + open, bar < 0 ? end - close : start + open + bar);
    }
  });
}
