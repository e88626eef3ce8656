/** Relative position buckets: the row of the learned bias table for the distance of two tokens. */

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

/**
 * Lays out the encoder's relative position biases for every query and key. A bias depends only on key - query, so each
 * query's row is a window of one row of 2S - 1 values.
 * @param table the learned biases, float32 [buckets, H] row-major
 * @param length S
 * @param biases the result, written in place: float32 [H, S, S] row-major
 */
export function encoderBiases(
  table: Float32Array,
  numHeads: number,
  numBuckets: number,
  maxDistance: number,
  length: number,
  biases: Float32Array,
): void {
  const offsets = Int32Array.from({ length: 2 * length - 1 }, (_, i) =>
    relativePositionBucket(i - (length - 1), true, numBuckets, maxDistance),
  );
  for (let head = 0; head < numHeads; head += 1) {
    const row = Float32Array.from(offsets, (bucket) => table[bucket * numHeads + head] ?? 0);
    for (let query = 0; query < length; query += 1) {
      const start = length - 1 - query;
      biases.set(row.subarray(start, start + length), (head * length + query) * length);
    }
  }
}
