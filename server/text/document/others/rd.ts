/**
 * Reads R's documentation files: the title, the description and other sections of prose.
 * @see "Writing R Extensions", 2
 */
import { type Block, plainBlock } from "../block.ts";
import { closingBrace } from "../latex/groups.ts";
import { writeLatex } from "../latex/inline.ts";
import { paragraphs } from "../plain/plain.ts";
import { linesOf } from "../source.ts";
import { blockOf } from "./marked.ts";

const PROSE = new Set("description details value note section references source".split(" "));
const NO_MACROS: ReadonlyMap<string, string> = new Map();

/** The blocks of a normalized text. Never throws; linear in its length. */
export function rdBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  const write = (builder: Parameters<typeof writeLatex>[0], start: number, end: number) =>
    writeLatex(builder, text, start, end, NO_MACROS);
  for (const found of text.matchAll(/^\\(\w+)\{/gm)) {
    if (found.index < (blocks.at(-1)?.end ?? 0)) continue;
    const name = found[1] ?? "";
    let open = found.index + found[0].length - 1;
    let end = closingBrace(text, open);
    const isSection = name === "section" && text[end] === "{";
    if (name === "title" || isSection)
      blocks.push(blockOf({ kind: "heading", level: isSection ? 2 : 1 }, [{ start: open + 1, end: end - 1 }], write));
    if (isSection) {
      open = end;
      end = closingBrace(text, open);
    }
    if (PROSE.has(name)) {
      for (const group of paragraphs(linesOf(text, open + 1, end - 1)))
        blocks.push(blockOf({ kind: "paragraph" }, group, write));
    } else if (name !== "title") blocks.push(plainBlock("directive", found.index, end, { name }));
  }
  return blocks;
}
