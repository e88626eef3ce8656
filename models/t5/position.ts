/** Relative position buckets: the row of the learned bias table for the distance of two tokens. */
import type { T5Config } from "./config.ts";
import { fairseqBucket } from "./fairseq/shapes.ts";
import type { Stack } from "./weights.ts";

/**
 * The bucket of a relative position: one bucket per step at short distances, logarithmically wider ones up to
 * `maxDistance`, and one for everything beyond. Agrees with transformers' float32 arithmetic at every offset of T5's
 * own shape (32 buckets, 128).
 * @param relativePosition key position minus query position, in tokens
 * @param bidirectional true in the encoder (keys after the query take the upper half of the buckets); false in the
 *   decoder (keys after the query share bucket 0)
 * @param numBuckets rows of the bias table
 * @param maxDistance from this distance on (in tokens) all positions share the last bucket
 * @returns an integer in [0, numBuckets)
 * @see T5Attention._relative_position_bucket, transformers modeling_t5.py
 */
export function relativePositionBucket(
  relativePosition: number,
  bidirectional: boolean,
  numBuckets: number,
  maxDistance: number,
): number {
  const buckets = bidirectional ? Math.floor(numBuckets / 2) : numBuckets;
  const offset = bidirectional && relativePosition > 0 ? buckets : 0;
  const distance = bidirectional ? Math.abs(relativePosition) : Math.max(0, -relativePosition);
  const exact = Math.floor(buckets / 2);
  if (distance < exact) return offset + distance;
  const wide = (Math.log(distance / exact) / Math.log(maxDistance / exact)) * (buckets - exact);
  return offset + Math.min(buckets - 1, exact + Math.trunc(wide));
}

/** The bucket of a key's place less the query's in a model's stack. */
export function positionBucket(config: T5Config, stack: Stack, offset: number): number {
  const { relativeAttentionNumBuckets: buckets, relativeAttentionMaxDistance: distance, fairseq } = config;
  if (fairseq === null) return relativePositionBucket(offset, stack === "encoder", buckets, distance);
  return stack === "encoder" ? fairseqBucket(offset, config) : 0; // the decoder has no biases
}

/** A bias so low that its key gets no attention. */
export const MASKED = -1e9;

/**
 * Lays out the encoder's relative position biases for every query and key.
 * @param table the learned biases, float32 [buckets, H] row-major
 * @param length S
 * @param biases the result, written in place: float32 [H, S, S] row-major
 */
export function encoderBiases(
  table: Float32Array,
  numHeads: number,
  config: T5Config,
  length: number,
  biases: Float32Array,
): void {
  const buckets = Int32Array.from({ length: 2 * length - 1 }, (_, i) =>
    positionBucket(config, "encoder", i - (length - 1)),
  );
  layOutBiases(table, numHeads, buckets, length, biases);
}

/**
 * Lays out biases that depend only on the column less the row, so that each row is a window of one longer row.
 * @param table the learned biases, [buckets, H] row-major
 * @param buckets the bucket of each column - row, from that of the last row and the first column on, [rows + columns -
 *   1]; -1 where no attention is paid
 * @param biases the result, written in place: [H, rows, columns] row-major
 */
export function layOutBiases(
  table: ArrayLike<number>,
  numHeads: number,
  buckets: Int32Array,
  rows: number,
  biases: Float32Array | Float64Array,
): void {
  const columns = buckets.length + 1 - rows;
  for (let head = 0; head < numHeads; head += 1) {
    const long = biasRow(table, numHeads, head, buckets, biases);
    for (let row = 0; row < rows; row += 1) {
      const start = rows - 1 - row;
      biases.set(long.subarray(start, start + columns), (head * rows + row) * columns);
    }
  }
}

/** One head's biases of a row of buckets, of the type of `like`; MASKED at -1. */
export function biasRow(
  table: ArrayLike<number>,
  numHeads: number,
  head: number,
  buckets: Int32Array,
  like: Float32Array | Float64Array,
): Float32Array | Float64Array {
  const value = (bucket: number) => (bucket < 0 ? MASKED : (table[bucket * numHeads + head] ?? 0));
  // Rows are copied many times, which is fast within one type.
  return like instanceof Float64Array ? Float64Array.from(buckets, value) : Float32Array.from(buckets, value);
}
