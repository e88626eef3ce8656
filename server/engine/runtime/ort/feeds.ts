/**
 * Inputs of the graphs besides tokens and caches: position buckets, masks, and the limits of a chunk of greedy steps.
 */
import { ModelError } from "../../../../models/errors.ts";
import type { T5Config } from "../../../../models/t5/config.ts";
import { maskedBucket } from "../../../../models/t5/decoder.ts";
import { positionLimit } from "../../../../models/t5/fairseq/config.ts";
import { bonusLevels, longestNgram } from "../../../../models/t5/generation.ts";
import { positionBucket } from "../../../../models/t5/position.ts";
import type { Candidates } from "../../search/candidates.ts";
import type { GreedyChunk } from "../../search/runner.ts";
import { bool, float32, int32, type RuntimeTensor } from "../session.ts";

/** Maximum output length in tokens: the decoder's relative positions are laid out up to it. */
export const maxPositions = 4096;

/** The decoder's bucket for each distance, farthest first: index M - 1 - d holds distance d. */
export function distanceBuckets(config: T5Config): Int32Array {
  return Int32Array.from({ length: maxPositions }, (_, index) =>
    positionBucket(config, "decoder", index - (maxPositions - 1)),
  );
}

/** @throws ModelError "input" for an output longer than the positions that are laid out, or that a METRO-T0 has */
export function requireRoom(config: T5Config, tokens: number): void {
  const most = Math.min(maxPositions, positionLimit(config));
  if (tokens <= most) return;
  throw new ModelError("input", `An output cannot be longer than ${most} tokens; ask for fewer new tokens.`);
}

/** The positions of new tokens after `length` cached ones, where the model's graph takes them. */
export function positionFeeds(
  { fairseq }: T5Config,
  length: number,
  places: Iterable<number>,
): Record<string, RuntimeTensor> {
  if (fairseq === null) return {};
  const positions = Int32Array.from(places, (place) => length + place);
  return { positions: int32(positions, [positions.length]) };
}

/** Buckets of `count` new positions after `length` cached ones, [count, length + count]. */
export function stepBuckets(config: T5Config, distances: Int32Array, length: number, count: number): Int32Array {
  const total = length + count;
  requireRoom(config, total);
  const buckets = new Int32Array(count * total).fill(maskedBucket(config));
  for (let i = 0; i < count; i += 1) {
    const position = length + i;
    buckets.set(distances.subarray(maxPositions - 1 - position), i * total);
  }
  return buckets;
}

/**
 * Buckets of a tree of new tokens after `length` cached ones, [count, length + count]: a token sees its ancestors, at
 * their distance on its path, and no other token.
 * @param parents index of each token's parent, -1 for the cache's last token; parents precede their children
 */
export function treeBuckets(
  config: T5Config,
  distances: Int32Array,
  length: number,
  parents: readonly number[],
): Int32Array {
  const count = parents.length;
  const total = length + count;
  const buckets = new Int32Array(count * total).fill(maskedBucket(config));
  const depths = treeDepths(parents);
  for (const [i, depth] of depths.entries()) {
    const end = maxPositions - depth;
    buckets.set(distances.subarray(end - 1 - length, end - 1), i * total);
    for (let at = i; at >= 0; at = parents[at] ?? -1) {
      buckets[i * total + length + at] = distances[maxPositions - 1 - (depth - (depths[at] ?? 0))] ?? 0;
    }
  }
  return buckets;
}

/** How many ancestors each token of a tree has. @param parents as of {@link treeBuckets} */
export function treeDepths(parents: readonly number[]): Int32Array {
  const depths = new Int32Array(parents.length);
  for (const [i, parent] of parents.entries()) depths[i] = parent < 0 ? 0 : (depths[parent] ?? 0) + 1;
  return depths;
}

/** 0 for tokens, a large negative number for padding, [B, 1, 1, S]. */
export function paddingMask(inputs: readonly (readonly number[])[], length: number): RuntimeTensor {
  const mask = new Float32Array(inputs.length * length);
  for (const [i, row] of inputs.entries()) mask.fill(-1e9, i * length + row.length, (i + 1) * length);
  return float32(mask, [inputs.length, 1, 1, length]);
}

/**
 * Inputs of the greedy graph for banned tokens, n-grams and copying.
 * @param history tokens of each row so far, all of the same length, without the start token
 */
export function processingFeeds(
  candidates: Candidates,
  history: readonly (readonly number[])[],
  { noRepeatNgramSize: ngram, bannedTokens, copying, startTokenId }: GreedyChunk,
): Record<string, RuntimeTensor> {
  if (ngram > longestNgram) {
    throw new ModelError(
      "input",
      `noRepeatNgramSize is ${ngram}; greedy search prevents n-grams of at most ${longestNgram}.`,
    );
  }
  const columns = (ids: readonly number[]) => ids.map((id) => candidates.columnOf(id) ?? -1);
  const sources = copying?.sources.map(columns) ?? history.map(() => []);
  const longest = Math.max(...sources.map((row) => row.length));
  const padded = sources.map((row) => [...Array<number>(longest - row.length).fill(-1), ...row]);
  // transformers counts the start token as produced.
  const texts = padded.map((row, i) => [...row, -2, ...columns([startTokenId, ...(history[i] ?? [])])]);
  const rows = history.length;
  const added = new Float32Array(rows * candidates.count);
  for (let row = 0; row < rows; row += 1) {
    const rowAdded = added.subarray(row * candidates.count, (row + 1) * candidates.count);
    for (const column of sources[row] ?? []) rowAdded[column] = copying?.bias.anywhere ?? 0;
    for (const column of columns(bannedTokens)) if (column >= 0) rowAdded[column] = -1e9;
  }
  const length = texts[0]?.length ?? 0;
  const { afterOne, afterTwo } = copying?.bias ?? { afterOne: 0, afterTwo: 0 };
  const bonuses = Float32Array.of(0, afterOne, afterTwo);
  return {
    process: bool(Uint8Array.of(ngram > 0 || bannedTokens.length > 0 || copying !== null ? 1 : 0), []),
    added: float32(added, [rows, candidates.count]),
    source: int32(padded.flat(), [texts.length, longest]),
    text: int32(texts.flat(), [texts.length, length]),
    reach: int32(texts.flatMap(reachOf), [texts.length, length]),
    ngram: int32([ngram > 0 ? ngram : 2 ** 30], []),
    bonuses: float32(bonuses, [bonusLevels]),
  };
}

/**
 * For each position, one more than the number of preceding tokens that equal those before the last position (up to
 * the longest n-gram).
 */
function reachOf(text: readonly number[]): number[] {
  const last = text.length - 1;
  return text.map((_, position) => {
    let same = 0;
    while (same < longestNgram && same < position && text[position - 1 - same] === text[last - 1 - same]) same += 1;
    return same + 1;
  });
}
