/**
 * The relative position biases of a training step: laid out from their table before the graph runs, and their gradient
 * summed afterwards.
 */
import type { Floats } from "../../engine/runtime/session.ts";

/**
 * Lays a table out for every query and key; a large negative number where a token may not attend.
 * @param table [buckets, numHeads]
 * @param buckets the bucket of each key - query, [2 * length - 1], -1 where masked
 * @param biases the result, overwritten: [1, numHeads, length, length]
 */
export function layBiases(table: Floats, buckets: Int32Array, numHeads: number, biases: Floats): void {
  const length = (buckets.length + 1) / 2;
  for (let head = 0, at = 0; head < numHeads; head += 1) {
    for (let query = 0; query < length; query += 1) {
      for (let key = 0; key < length; key += 1, at += 1) {
        const bucket = buckets[key - query + length - 1] ?? -1;
        biases[at] = bucket < 0 ? -1e9 : (table[bucket * numHeads + head] ?? 0);
      }
    }
  }
}

/** Adds the gradient of the biases to that of their table; shapes as in {@link layBiases}. */
export function sumBiases(biases: ArrayLike<number>, buckets: Int32Array, numHeads: number, table: Floats): void {
  const length = (buckets.length + 1) / 2;
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
