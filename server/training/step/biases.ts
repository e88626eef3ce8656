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

/**
 * Adds the gradient of laid out biases, [numHeads, rows, columns], to that of their table.
 * @param buckets the bucket of each column - row, [rows + columns - 1], -1 where masked
 */
export function sumBiases(
  biases: ArrayLike<number>,
  buckets: Int32Array,
  numHeads: number,
  rows: number,
  table: Floats,
): void {
  const columns = buckets.length + 1 - rows;
  for (let head = 0, at = 0; head < numHeads; head += 1) {
    // In float64 and by offset first: thousands of small values meet in one bucket.
    const sums = new Float64Array(buckets.length);
    for (let row = 0; row < rows; row += 1) {
      const start = rows - 1 - row;
      for (let column = 0; column < columns; column += 1, at += 1) {
        sums[start + column] = (sums[start + column] ?? 0) + (biases[at] ?? 0);
      }
    }
    for (const [i, sum] of sums.entries()) {
      const place = (buckets[i] ?? -1) * numHeads + head;
      if (place >= 0) table[place] = (table[place] ?? 0) + sum;
    }
  }
}
