/** Finds the part of a long text that the model writes from: the stretch around its best sentences. */
import type { WrittenProse } from "../../../text/written-prose.ts";
import type { DocumentSentence } from "./sentences.ts";

/** A part of the written prose, code units `start`..`end`. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/**
 * The stretch with the most worth in its sentences; of equal ones the first. It begins with a block (its heading too),
 * or inside a long one with a sentence.
 * @param most code units
 */
export function bestStretch(
  { text, blocks }: WrittenProse,
  sentences: readonly DocumentSentence[],
  scores: readonly number[],
  most: number,
): Stretch {
  if (text.length <= most) return { start: 0, end: text.length };
  const highest = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const worth = scores.map((score) => Math.exp((score - highest) / SOFTNESS));
  let [best, bestWorth] = [0, 0];
  let [total, last] = [0, 0];
  for (const [i, { start }] of sentences.entries()) {
    for (; last < sentences.length && (sentences[last]?.end ?? 0) <= start + most; last++) total += worth[last] ?? 0;
    if (total > bestWorth * LEAST_GAIN) [best, bestWorth] = [start, total];
    if (last > i) total -= worth[i] ?? 0;
    else last = i + 1;
  }
  const start = blockStart(blocks, best, most);
  return { start, end: Math.min(text.length, start + most) };
}

/** Difference of scores at which one sentence is worth e times the other. */
const SOFTNESS = 0.03;
/** A later stretch must be better by so much: documents say at the beginning what they are about. */
const LEAST_GAIN = 1.05;

/** Where the block of an offset begins, or the heading above it; the offset itself inside a long block. */
function blockStart(blocks: WrittenProse["blocks"], offset: number, most: number): number {
  const at = blocks.findLastIndex(({ start }) => start <= offset);
  const block = blocks[at];
  if (block === undefined || offset - block.start > most / 4) return offset;
  const above = blocks[at - 1];
  const first = above?.kind === "heading" ? above : block;
  return at <= 1 && first === blocks[0] ? 0 : first.start - markLength(first);
}

function markLength({ kind, level, within }: WrittenProse["blocks"][number]): number {
  if (kind === "heading") return level + 1;
  return within === "item" ? 2 : 0;
}
