/** The gradient of laid out position biases, summed into that of their table. */
import type { Floats } from "../../engine/runtime/session.ts";

/**
 * Adds the gradient of biases as layOutBiases lays them out, [numHeads, rows, columns], to that of their table.
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
