/** Reads Textile: signatures of blocks, lists, tables, and the marks inside lines. @see textile-lang.com */
import { type Block, type ProseBuilder, plainBlock } from "../block.ts";
import { paragraphs } from "../plain/plain.ts";
import { type Line, linesOf } from "../source.ts";
import { blockOf, writeMarked } from "./marked.ts";

const SIGNATURE =
  /^(h[1-6]|p|bq|bc|pre|notextile|fn\d+|###)(?:\([^)\n]{0,80}\)|\{[^}\n]{0,80}\}|\[[^\]\n]{0,20}\]|[<>=])*\.{1,2} /;

/** The blocks of a normalized text. Never throws; linear in its length. */
export function textileBlocks(text: string): Block[] {
  return paragraphs(linesOf(text)).flatMap((lines) => groupBlocks(text, lines));
}

function groupBlocks(text: string, lines: readonly Line[]): Block[] {
  const [first, last] = [lines[0] as Line, lines.at(-1) as Line];
  const signature = SIGNATURE.exec(first.text);
  const kind = signature?.[1] ?? "";
  const write = (builder: ProseBuilder, start: number, end: number) => writeTextile(builder, text, start, end);
  const range = { start: first.start + (signature?.[0].length ?? 0), end: last.end };
  if (/^(?:bc|pre|notextile)$/.test(kind)) return [plainBlock("code", first.start, last.end)];
  if (kind === "###") return [plainBlock("comment", first.start, last.end)];
  if (kind.startsWith("fn")) return [plainBlock("note", first.start, last.end)];
  if (kind.startsWith("h")) return [blockOf({ kind: "heading", level: Number(kind[1]) }, [range], write)];
  const paragraph = blockOf({ kind: "paragraph" }, [range], write);
  if (kind === "bq") return [plainBlock("quotation", first.start, last.end, { children: [paragraph] })];
  if (lines.every((line) => /^\|.*\|$/.test(line.text))) return [plainBlock("table", first.start, last.end)];
  if (!/^[*#]+ /.test(first.text))
    return /^![^\s!]+!$/.test(first.text) ? [plainBlock("directive", first.start, last.end)] : [paragraph];
  return lines.map((line) => {
    const mark = /^[*#]+ /.exec(line.text)?.[0].length ?? 0;
    const own = blockOf({ kind: "paragraph" }, [{ start: line.start + mark, end: line.end }], write);
    return plainBlock("item", line.start, line.end, { children: [own] });
  });
}

const MARKS =
  /"[^"\n]{1,300}":[^\s<>]{1,500}[^\s<>.,;:!?)]|!(?=\S)[^!\s]{1,300}!(?::\S+)?|@[^@\n]{1,300}@|\[\d+\]|(?<!\w)([*_^~+%-]|\?\?|\*\*|__)(?=\S)[^\n]{1,300}?(?<=\S)\1(?!\w)/g;

function writeTextile(builder: ProseBuilder, text: string, from: number, to: number): void {
  writeMarked(builder, text, from, to, MARKS, (own, found, start, end) => {
    if (found.startsWith('"')) {
      own.run("link", start, end);
      writeTextile(own, text, start + 1, start + found.lastIndexOf('":'));
    } else if (found.startsWith("@")) {
      own.run("code", start, end);
      own.add(text, start + 1, end - 1);
    } else if (found.startsWith("!")) own.drop();
    else if (found.startsWith("[")) own.reference(start, end);
    else {
      const width = found[0] === found[1] ? 2 : 1;
      own.add(text, start + width, end - width);
    }
  });
}
