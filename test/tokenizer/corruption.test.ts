import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../models/random.ts";
import { randomSpansNoiseMask } from "../../models/tokenizer/corruption.ts";

test("a noise mask has the asked share, in the asked number of spans, and begins with text", () => {
  const random = seededRandom(1);
  for (let round = 0; round < 50; round++) {
    const mask = randomSpansNoiseMask(32, 0.25, 2, random);
    const starts = mask.filter((noise, i) => noise && mask[i - 1] !== true);
    assert.deepEqual([mask.length, mask.filter(Boolean).length, starts.length, mask[0]], [32, 8, 4, false]);
  }
  assert.deepEqual(new Set(randomSpansNoiseMask(32, 0, 2, random)), new Set([false]));
  assert.deepEqual(randomSpansNoiseMask(800, 0.25, 2, random).filter(Boolean).length, 200);
});
