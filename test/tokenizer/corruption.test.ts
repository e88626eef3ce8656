import assert from "node:assert/strict";
import { test } from "node:test";
import {
  noiseSpanToUniqueSentinel,
  nonNoiseSpanToUniqueSentinel,
  randomSpansHelper,
  randomSpansNoiseMask,
} from "../../models/tokenizer/corruption.ts";

/** Numbers of t5/data/preprocessors_test.py, but for the seeded masks, which need TensorFlow's generator. */

test("lengths are those T5 published", () => {
  assert.deepEqual(randomSpansHelper(64, 0.2, 2), { tokensLength: 70, targetsLength: 22 });
  assert.deepEqual(randomSpansHelper(64, 0.2, 1), { tokensLength: 63, targetsLength: 27 });
  assert.deepEqual(randomSpansHelper(512, 0.15, 3), { tokensLength: 568, targetsLength: 114 });
});

test("spans become sentinels of their own, in the input and in the target", () => {
  const tokens = [10, 11, 12, 13, 14, 15];
  const noise = [true, true, false, false, true, false];
  assert.deepEqual(noiseSpanToUniqueSentinel(tokens, noise, [999, 998]), [999, 12, 13, 998, 15]);
  assert.deepEqual(nonNoiseSpanToUniqueSentinel(tokens, noise, [999, 998]), [10, 11, 999, 14, 998]);
  assert.throws(() => noiseSpanToUniqueSentinel(tokens, noise, [999]), RangeError);
});

test("denoises seqio's example as published", () => {
  const tokens = [3, 2, 20, 4, 3, 2, 8, 13, 2, 3, 2, 23, 7, 19, 22, 3, 2, 7, 2];
  const noise = tokens.map((_, i) => i === 8 || i >= 14);
  const sentinels = [25, 24];
  const input = noiseSpanToUniqueSentinel(tokens, noise, sentinels);
  assert.deepEqual(input, [3, 2, 20, 4, 3, 2, 8, 13, 25, 3, 2, 23, 7, 19, 24]);
  assert.deepEqual(nonNoiseSpanToUniqueSentinel(tokens, noise, sentinels), [25, 2, 24, 22, 3, 2, 7, 2]);
  const none = tokens.map(() => false);
  assert.deepEqual(noiseSpanToUniqueSentinel(tokens, none, sentinels), tokens);
  assert.deepEqual(nonNoiseSpanToUniqueSentinel(tokens, none, sentinels), [25]);
});

test("a noise mask has the asked share, in the asked number of spans, and begins with text", () => {
  const random = seeded(1);
  for (let round = 0; round < 50; round++) {
    const mask = randomSpansNoiseMask(32, 0.25, 2, random);
    const starts = mask.filter((noise, i) => noise && mask[i - 1] !== true);
    assert.deepEqual([mask.length, mask.filter(Boolean).length, starts.length, mask[0]], [32, 8, 4, false]);
  }
  assert.deepEqual(new Set(randomSpansNoiseMask(32, 0, 2, random)), new Set([false]));
  assert.deepEqual(randomSpansNoiseMask(800, 0.25, 2, random).filter(Boolean).length, 200);
});

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}
