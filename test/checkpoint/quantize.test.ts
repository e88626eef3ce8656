import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { toFloat32 } from "../../models/checkpoint/float.ts";
import {
  dequantizeBlocks,
  dequantizeColumns,
  quantizeBlocks,
  quantizeColumns,
} from "../../models/checkpoint/quantize.ts";
import { seededRandom } from "../../models/random.ts";

/** Weights of any finite size, whole rows of zeros and lengths around one block among them. */
const weights = fc.record({
  N: fc.integer({ min: 1, max: 4 }),
  K: fc.integer({ min: 1, max: 300 }),
  seed: fc.integer(),
});

function sample({ N, K, seed }: { N: number; K: number; seed: number }): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: N * K }, () =>
    random() < 0.1 ? 0 : (2 * random() - 1) * 10 ** (Math.floor(5 * random()) - 3),
  );
}

test("block form is off by at most half a scale, and its padding is zero", () => {
  fc.assert(
    fc.property(weights, (shape) => {
      const { N, K } = shape;
      const weight = sample(shape);
      const quantized = quantizeBlocks(weight, N, K);
      const back = dequantizeBlocks(quantized, N, K);
      const blocks = Math.ceil(K / 128);
      for (let i = 0; i < N * K; i += 1) {
        const scale = quantized.scales[Math.floor(i / K) * blocks + Math.floor((i % K) / 128)] ?? Number.NaN;
        assert.ok(Math.abs((weight[i] ?? 0) - (back[i] ?? 0)) <= (scale / 2) * (1 + 1e-5), `value ${i}`);
      }
      for (let row = 0; row < N; row += 1) {
        const padding = quantized.values.subarray(row * blocks * 128 + K, (row + 1) * blocks * 128);
        assert.ok(padding.every((value) => value === 128));
      }
    }),
    { seed: 7 },
  );
});

test("column form is off by at most half a scale", () => {
  fc.assert(
    fc.property(weights, (shape) => {
      const { N, K } = shape;
      const weight = sample(shape);
      const quantized = quantizeColumns(weight, N, K);
      const back = dequantizeColumns(quantized, N, K);
      for (let i = 0; i < N * K; i += 1) {
        const scale = quantized.scales[Math.floor(i / K)] ?? Number.NaN;
        assert.ok(Math.abs((weight[i] ?? 0) - (back[i] ?? 0)) <= (scale / 2) * (1 + 1e-5), `value ${i}`);
      }
    }),
    { seed: 7 },
  );
});

test("lays both forms out as documented", () => {
  const weight = Float32Array.of(127, -127, 1, 0, 0, 0); // [2, 3]
  const block = quantizeBlocks(weight, 2, 3);
  assert.deepEqual([...block.values.subarray(0, 4)], [255, 1, 129, 128]);
  assert.deepEqual([...block.values.subarray(128, 132)], [128, 128, 128, 128]);
  assert.deepEqual([...block.scales], [1, 0]);
  const column = quantizeColumns(weight, 2, 3);
  assert.deepEqual([...column.values], [127, 0, -127, 0, 1, 0]);
  assert.deepEqual([...column.scales], [1, 0]);
});

test("the smallest float32 magnitudes stay within range", () => {
  const { values } = quantizeBlocks(Float32Array.of(2e-43, -2e-43, 1e-45), 1, 3);
  assert.deepEqual([...values.subarray(0, 3)], [255, 1, 129]);
});

test("a value that is no number makes the scale none, in both forms", () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const weight = Float32Array.of(1, bad, 2);
    assert.ok(!Number.isFinite(quantizeBlocks(weight, 1, 3).scales[0]));
    assert.ok(!Number.isFinite(quantizeColumns(weight, 1, 3).scales[0]));
  }
});

const digests = JSON.parse(readFileSync("test/fixtures/checkpoint/expected.json", "utf8")).halves;
for (const dtype of ["F16", "BF16"] as const) {
  test(`widens every finite ${dtype} as PyTorch does`, () => {
    const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const wide = toFloat32(new Uint8Array(patterns.buffer), dtype).filter(Number.isFinite);
    assert.equal(createHash("sha256").update(new Uint8Array(wide.buffer)).digest("hex"), digests[dtype]);
  });
}

test("widens infinities, NaN, and values that are not aligned in memory", () => {
  const bytes = new Uint8Array(new Uint16Array([0, 0x7c00, 0xfc00, 0x7e00, 0x3c00]).buffer);
  assert.deepEqual(
    [...toFloat32(bytes, "F16")],
    [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1],
  );
  const shifted = new Uint8Array(9);
  shifted.set(new Uint8Array(Float32Array.of(1.5, -2).buffer), 1);
  assert.deepEqual([...toFloat32(shifted.subarray(1), "F32")], [1.5, -2]);
});
