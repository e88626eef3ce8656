/** Relative position buckets against published numbers. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { relativePositionBucket } from "../../models/t5/position.ts";

/** The bias matrix [H][queries][keys] of a table [buckets][H]. */
function bias(table: readonly (readonly number[])[], size: number, bidirectional: boolean): number[][] {
  const heads = table[0]?.length ?? 0;
  return Array.from({ length: heads }, (_, head) =>
    Array.from({ length: size * size }, (_, i) => {
      const relative = (i % size) - Math.floor(i / size);
      return table[relativePositionBucket(relative, bidirectional, table.length, 128)]?.[head] ?? Number.NaN;
    }),
  );
}

/** Buckets of distances 0, 1, 2, ... as runs: [bucket, first distance]. */
function runs(bucket: (distance: number) => number, upTo: number): [number, number][] {
  const result: [number, number][] = [];
  for (let distance = 0; distance <= upTo; distance += 1) {
    const value = bucket(distance);
    if (result.at(-1)?.[0] !== value) result.push([value, distance]);
  }
  return result;
}

describe("relativePositionBucket", () => {
  // relative_attention_bias_test.cc of microsoft/onnxruntime (MIT).
  it("gives ONNX Runtime's biases", () => {
    const two = [
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ];
    const three = [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
      [10, 11, 12],
    ];
    assert.deepEqual(bias(two, 2, true), [
      [1, 7, 3, 1],
      [2, 8, 4, 2],
    ]);
    assert.deepEqual(bias(three, 2, true), [
      [1, 10, 4, 1],
      [2, 11, 5, 2],
      [3, 12, 6, 3],
    ]);
    assert.deepEqual(bias(three, 2, false), [
      [1, 1, 4, 1],
      [2, 2, 5, 2],
      [3, 3, 6, 3],
    ]);
  });

  it("gives mead-layers' buckets of 7 queries and 6 keys", () => {
    const rows = Array.from({ length: 7 }, (_, query) =>
      Array.from({ length: 6 }, (_, key) => relativePositionBucket(key - query, true, 32, 128)),
    );
    assert.deepEqual(rows, [
      [0, 17, 18, 19, 20, 21],
      [1, 0, 17, 18, 19, 20],
      [2, 1, 0, 17, 18, 19],
      [3, 2, 1, 0, 17, 18],
      [4, 3, 2, 1, 0, 17],
      [5, 4, 3, 2, 1, 0],
      [6, 5, 4, 3, 2, 1],
    ]);
  });

  it("widens the encoder's buckets at the distances of T5's 32 buckets", () => {
    const edges = [8, 12, 16, 23, 32, 46, 64, 91];
    const expected = [...Array(8).keys()].map((d) => [d, d]).concat(edges.map((edge, i) => [8 + i, edge]));
    const before = runs((distance) => relativePositionBucket(-distance, true, 32, 128), 5000);
    assert.deepEqual(before, expected);
    const behind = runs((distance) => relativePositionBucket(distance + 1, true, 32, 128) - 16, 5000);
    assert.deepEqual(
      behind,
      expected.slice(1).map(([bucket = 0, edge = 0]) => [bucket, edge - 1]),
    );
  });

  it("widens the decoder's buckets, and puts every later key into bucket 0", () => {
    const edges = [16, 19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113];
    const expected = [...Array(16).keys()].map((d) => [d, d]).concat(edges.map((edge, i) => [16 + i, edge]));
    assert.deepEqual(
      runs((distance) => relativePositionBucket(-distance, false, 32, 128), 5000),
      expected,
    );
    for (const later of [1, 2, 31, 4096]) assert.equal(relativePositionBucket(later, false, 32, 128), 0);
  });
});
