/** Rounding to 16 bits, as PyTorch 2.13 rounds (`tensor.half()`, `tensor.bfloat16()`). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { toFloat32, toHalf } from "../../models/checkpoint/float.ts";

const ulp = 2 ** -11;
const values = Float32Array.from([
  ...[1 / 3, -0.1, 65504, 65519, 65520, -65536, 2 ** -24, 2 ** -25, 2 ** -25 * 1.0001, 1 + ulp, 1 + 3 * ulp],
  ...[6.1e-5, 1.8e-7, Number.POSITIVE_INFINITY, -0, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.3895e38, 1e-40],
]);
const expected = {
  F16: [
    ...[13653, 44646, 31743, 31743, 31744, 64512, 1, 0, 1, 15360, 15362],
    ...[1023, 3, 31744, 32768, 15364, 15372, 31744, 0],
  ],
  BF16: [
    ...[16043, 48589, 18304, 18304, 18304, 51072, 13184, 13056, 13056, 16256, 16256],
    ...[14464, 13377, 32640, 32768, 16256, 16258, 32639, 1],
  ],
};

for (const dtype of ["F16", "BF16"] as const) {
  test(`rounds to ${dtype} as PyTorch does, and not what is no number`, () => {
    assert.deepEqual([...toHalf(values, dtype)], expected[dtype]);
    const [nan = 0] = toFloat32(new Uint8Array(toHalf(Float32Array.of(Number.NaN), dtype).buffer), dtype);
    assert.ok(Number.isNaN(nan));
  });

  test(`every ${dtype} stays what it is`, () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const floats = toFloat32(new Uint8Array(all.buffer), dtype);
    const again = toHalf(floats, dtype);
    for (const [i, value] of floats.entries()) if (!Number.isNaN(value)) assert.equal(again[i], i);
  });
}
