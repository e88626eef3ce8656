/** The relative position biases of a training step: laid out of their table before the graph runs, and their gradient summed into it after. */
import type { T5Config } from "../../../models/t5/config.ts";
import { relativePositionBucket } from "../../../models/t5/position.ts";
import type { Stack } from "../../../models/t5/weights.ts";
import type { Floats } from "../../engine/runtime/session.ts";

/** Lays one of a stack's tables, [buckets, H], out as [1, H, length, length]; a large negative number where a token may not attend. */
export function layBiases<T extends Floats>(config: T5Config, stack: Stack, table: T, length: number, biases: T): void {
  const numHeads = table.length / config.relativeAttentionNumBuckets;
  const buckets = offsetBuckets(config, stack, length);
  for (let head = 0, at = 0; head < numHeads; head += 1) {
    for (let query = 0; query < length; query += 1) {
      for (let key = 0; key < length; key += 1, at += 1) {
        const bucket = buckets[key - query + length - 1] ?? -1;
        biases[at] = bucket < 0 ? -1e9 : (table[bucket * numHeads + head] ?? 0);
      }
    }
  }
}

/** Adds the gradient of the biases, [1, H, length, length], to that of their table. */
export function sumBiases(
  config: T5Config,
  stack: Stack,
  biases: ArrayLike<number>,
  length: number,
  table: Floats,
): void {
  const numHeads = table.length / config.relativeAttentionNumBuckets;
  const buckets = offsetBuckets(config, stack, length);
  for (let head = 0, at = 0; head < numHeads; head += 1) {
    // In float64 and by offset first: thousands of small values meet in one bucket.
    const sums = new Float64Array(2 * length - 1);
    for (let query = 0; query < length; query += 1) {
      const start = length - 1 - query;
      for (let key = 0; key < length; key += 1, at += 1) {
        sums[start + key] = (sums[start + key] ?? 0) + (biases[at] ?? 0);
      }
    }
    for (const [i, sum] of sums.entries()) {
      const place = (buckets[i] ?? -1) * numHeads + head;
      if (place >= 0) table[place] = (table[place] ?? 0) + sum;
    }
  }
}

/** The bucket of each key - query from 1 - length to length - 1; -1 where it is masked. */
function offsetBuckets(config: T5Config, stack: Stack, length: number): Int32Array {
  const { relativeAttentionNumBuckets: buckets, relativeAttentionMaxDistance: distance } = config;
  return Int32Array.from({ length: 2 * length - 1 }, (_, i) => {
    const offset = i - (length - 1);
    return stack === "decoder" && offset > 0
      ? -1
      : relativePositionBucket(offset, stack === "encoder", buckets, distance);
  });
}
