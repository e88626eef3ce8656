/** A document's prose as models read it, in use and in training. */
import type { Prose, ProseBlock } from "./document.ts";

/** A heading, paragraph or item of the prose, and where it stands in it. */
export interface WrittenBlock {
  readonly kind: "heading" | "paragraph";
  /** The level of a heading, from 1; else 0. */
  readonly level: number;
  readonly text: string;
  readonly within?: "item" | "quotation";
  /** Where `text` begins in the written prose. */
  readonly start: number;
  /** Places in `text` where a formula, variable or reference is that has no words. */
  readonly holes: readonly number[];
}

/** The prose of a document as the model reads it. */
export interface WrittenProse {
  /** Blocks with blank lines between, with marks of headings and items. */
  readonly text: string;
  readonly blocks: readonly WrittenBlock[];
  /** The heading that stands before anything else; empty where there is none. */
  readonly title: string;
}

/**
 * Writes prose as the model reads it: blocks with blank lines between, with marks of headings and items.
 * @param ownTitle one that stands outside the prose, such as in front matter
 */
export function writeProse(blocks: readonly ProseBlock[], ownTitle = ""): WrittenProse {
  const parts: string[] = [];
  const writtenBlocks: WrittenBlock[] = [];
  let length = 0;
  if (ownTitle !== "") {
    writtenBlocks.push({ kind: "heading", level: 1, text: ownTitle, start: 2, holes: [] });
    parts.push(`# ${ownTitle}`);
    length = 2 + ownTitle.length + SEPARATOR.length;
  }
  for (const { block, prose, within } of blocks) {
    const isHeading = block.kind === "heading";
    const level = isHeading ? Math.min(block.level ?? 1, 6) : 0;
    const mark = isHeading ? `${"#".repeat(level)} ` : within === "item" ? "- " : "";
    const start = length + mark.length;
    const kind = isHeading ? "heading" : "paragraph";
    const holes = holesOf(prose);
    writtenBlocks.push({ kind, level, text: prose.text, start, holes, ...(within !== undefined && { within }) });
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

/** Where runs are that a reader would see, but that have no words. */
function holesOf({ runs, starts }: Prose): number[] {
  return runs.flatMap(({ kind, start, end }) => {
    if (kind !== "math" && kind !== "value") return [];
    const at = starts.findIndex((place) => place >= start);
    if (at < 0) return [starts.length];
    return kind === "value" || (starts[at] ?? 0) >= end ? [at] : [];
  });
}

const SEPARATOR = "\n\n";
