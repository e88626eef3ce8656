/** What the graphs are fed besides tokens and caches: position buckets, masks, and the limits of a chunk of greedy steps. */
import { ModelError } from "../../models/errors.ts";
import type { T5Config } from "../../models/t5/config.ts";
import { maskedBucket } from "../../models/t5/decoder.ts";
import { longestNgram } from "../../models/t5/generation.ts";
import { relativePositionBucket } from "../../models/t5/position.ts";
import type { GreedyChunk } from "./runner.ts";
import { bool, float32, int32, int64Scalar, type RuntimeTensor } from "./session.ts";

/** Longest output, in tokens: as far as the decoder's relative positions are laid out. */
export const maxPositions = 4096;

/** The decoder's bucket of each distance, the farthest first: place M - 1 - d holds distance d. */
export function distanceBuckets(config: T5Config): Int32Array {
  return Int32Array.from({ length: maxPositions }, (_, place) =>
    relativePositionBucket(
      place - (maxPositions - 1),
      false,
      config.relativeAttentionNumBuckets,
      config.relativeAttentionMaxDistance,
    ),
  );
}

/** Buckets of `count` new positions after `length` cached ones, [count, length + count]. */
export function stepBuckets(config: T5Config, distances: Int32Array, length: number, count: number): Int32Array {
  const total = length + count;
  if (total > maxPositions) {
    throw new ModelError("input", `An output cannot be longer than ${maxPositions} tokens; ask for fewer new tokens.`);
  }
  const buckets = new Int32Array(count * total).fill(maskedBucket(config));
  for (let i = 0; i < count; i += 1) {
    const position = length + i;
    buckets.set(distances.subarray(maxPositions - 1 - position), i * total);
  }
  return buckets;
}

/** 0 for tokens, a large negative number for padding, [B, 1, 1, S]. */
export function paddingMask(inputs: readonly (readonly number[])[], length: number): RuntimeTensor {
  const mask = new Float32Array(inputs.length * length);
  for (const [i, row] of inputs.entries()) mask.fill(-1e9, i * length + row.length, (i + 1) * length);
  return float32(mask, [inputs.length, 1, 1, length]);
}

/** What the greedy graph takes for blocked tokens, n-grams and the repetition penalty. */
export function processingFeeds(
  config: T5Config,
  history: readonly (readonly number[])[],
  chunk: GreedyChunk,
  noneBlocked: Float32Array,
): Record<string, RuntimeTensor> {
  const { noRepeatNgramSize: ngram, repetitionPenalty: penalty, bannedTokens } = chunk;
  if (ngram > longestNgram) {
    throw new ModelError(
      "input",
      `noRepeatNgramSize is ${ngram}; greedy search prevents n-grams of at most ${longestNgram}.`,
    );
  }
  let blocked = noneBlocked;
  if (bannedTokens.length > 0) {
    blocked = new Float32Array(config.vocabSize);
    for (const token of bannedTokens) blocked[token] = -1e9;
  }
  // transformers counts the start token as produced; the distinct negative ones before it match nothing.
  const lead = [...Array.from({ length: longestNgram }, (_, i) => -1 - i), config.decoderStartTokenId];
  const rows = history.map((row) => [...lead, ...row]);
  const process = ngram > 0 || penalty !== 1 || bannedTokens.length > 0;
  return {
    process: bool(Uint8Array.of(process ? 1 : 0), []),
    blocked: float32(blocked, [1, config.vocabSize]),
    history: int32(rows.flat(), [rows.length, rows[0]?.length ?? 0]),
    ngram: int64Scalar(ngram),
    penalty: float32(Float32Array.of(penalty), []),
  };
}
