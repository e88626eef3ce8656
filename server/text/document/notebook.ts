/** Reads the Markdown cells of Jupyter notebooks, each at its place in the JSON. */
import { type Node, parseTree } from "jsonc-parser";
import { table } from "../../../base/table.ts";
import { type Block, plainBlock } from "./block.ts";
import type { Reader } from "./markdown/markdown.ts";
import { shifted } from "./shifted.ts";

/** The blocks of a notebook; one that is not JSON, or not a notebook, is data. */
export function notebookBlocks(text: string, markdown: Reader): Block[] {
  const root = parsed(text);
  const cells = root === undefined ? undefined : fieldOf(root, "cells");
  if (cells?.type !== "array") return [plainBlock("data", 0, text.length)];
  return (cells.children ?? []).flatMap((cell) => {
    const range = [cell.offset, cell.offset + cell.length] as const;
    const kind: unknown = fieldOf(cell, "cell_type")?.value;
    const source = fieldOf(cell, "source");
    if (kind !== "markdown" || source === undefined) return [plainBlock(kind === "code" ? "code" : "data", ...range)];
    const { text: words, starts } = decoded(text, source.type === "array" ? (source.children ?? []) : [source]);
    const at = (offset: number) => starts[Math.min(offset, starts.length - 1)] ?? 0;
    return markdown(words).map((block) => shifted(block, at));
  });
}

/** undefined for what is nested deeper than the parser's stack. */
function parsed(text: string): Node | undefined {
  try {
    return parseTree(text, [], { allowTrailingComma: true });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function fieldOf(object: Node, key: string): Node | undefined {
  return object.children?.find(({ children }) => children?.[0]?.value === key)?.children?.[1];
}

/** Strings of JSON, one after the other, with each character's place, and the place after the last. */
function decoded(
  text: string,
  strings: readonly Node[],
): { readonly text: string; readonly starts: readonly number[] } {
  const parts: string[] = [];
  const starts: number[] = [];
  let end = strings[0]?.offset ?? 0;
  for (const { type, offset, length } of strings) {
    if (type !== "string") continue;
    end = offset + length - 1;
    for (let at = offset + 1; at < end; ) {
      const width = text[at] !== "\\" ? 1 : text[at + 1] === "u" ? 6 : 2;
      const unit = width === 1 ? (text[at] ?? "") : unescaped(text.slice(at, at + width));
      parts.push(unit);
      starts.push(at);
      at += width;
    }
  }
  starts.push(end);
  return { text: parts.join(""), starts };
}

const ESCAPES: Readonly<Record<string, string>> = table({ n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" });

function unescaped(sequence: string): string {
  if (sequence[1] === "u") return String.fromCharCode(Number.parseInt(sequence.slice(2), 16) || 0xfffd);
  return ESCAPES[sequence[1] ?? ""] ?? sequence[1] ?? "";
}
