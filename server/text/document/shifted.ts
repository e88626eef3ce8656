/** Blocks that were read from a part of a text, at their places in the whole. */
import { onFirstCall } from "../../../base/once.ts";
import type { Block, Prose } from "./block.ts";

/** A block read from a part of a text, at its place in the whole. */
export function shifted(block: Block, at: (offset: number) => number): Block {
  const { content, prose, inner } = block;
  return {
    ...block,
    start: at(block.start),
    end: at(block.end),
    ...(content !== undefined && { content: { start: at(content.start), end: at(content.end) } }),
    children: block.children.map((child) => shifted(child, at)),
    ...(inner !== undefined && { inner: onFirstCall(() => inner().map((one) => shifted(one, at))) }),
    ...(prose !== undefined && { prose: onFirstCall(() => shiftedProse(prose(), at)) }),
  };
}

function shiftedProse({ text, runs, starts, ends }: Prose, at: (offset: number) => number): Prose {
  return {
    text,
    runs: runs.map((run) => ({ ...run, start: at(run.start), end: at(run.end) })),
    starts: starts.map(at),
    ends: ends.map(at),
  };
}
