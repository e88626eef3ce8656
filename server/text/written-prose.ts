/** A document's prose as models read it, in use and in training. */
import type { ProseBlock } from "./document.ts";

/** A heading, paragraph or item of the prose, and where it stands in it. */
export interface WrittenBlock {
  readonly kind: "heading" | "paragraph";
  /** Of a heading, from 1; else 0. */
  readonly level: number;
  readonly text: string;
  readonly within?: "item" | "quotation";
  /** Where `text` begins in the written prose. */
  readonly start: number;
}

/** The prose of a document as the model reads it. */
export interface WrittenProse {
  /** Blocks with blank lines between, with marks of headings and items. */
  readonly text: string;
  readonly blocks: readonly WrittenBlock[];
  /** The heading that stands before anything else; empty where there is none. */
  readonly title: string;
}

/** Writes prose as the model reads it: blocks with blank lines between, with marks of headings and items. */
export function writeProse(blocks: readonly ProseBlock[]): WrittenProse {
  const parts: string[] = [];
  const writtenBlocks: WrittenBlock[] = [];
  let length = 0;
  for (const { block, prose, within } of blocks) {
    const isHeading = block.kind === "heading";
    const level = isHeading ? Math.min(block.level ?? 1, 6) : 0;
    const mark = isHeading ? `${"#".repeat(level)} ` : within === "item" ? "- " : "";
    const start = length + mark.length;
    const kind = isHeading ? "heading" : "paragraph";
    writtenBlocks.push({ kind, level, text: prose.text, start, ...(within !== undefined && { within }) });
    parts.push(mark + prose.text);
    length = start + prose.text.length + SEPARATOR.length;
  }
  const [first] = writtenBlocks;
  return {
    text: parts.join(SEPARATOR),
    blocks: writtenBlocks,
    title: first?.kind === "heading" ? first.text : "",
  };
}

const SEPARATOR = "\n\n";
