import assert from "node:assert/strict";
import { test } from "node:test";
import type { LengthHint } from "../../models/tokenizer/spans.ts";
import { confidenceOf, fillKind, isCalibrated } from "../../server/features/confidence.ts";
import { fakeModel } from "../support/models/fake-model.ts";

test("a calibrated model's confidence is its curve's value; another kind's is the mean likelihood", () => {
  const { info } = fakeModel(() => "", { calibration: { fill: { bias: 1, weights: { total: 0.5, length: -2 } } } });
  // 1 / (1 + exp(-(1 + 0.5 * -3 - 2 * ln 2)))
  assert.ok(Math.abs(confidenceOf(info, "fill", [-1, -2]) - 0.131668) < 1e-6);
  assert.ok(Math.abs(confidenceOf(info, "summary", [-1, -2]) - Math.exp(-1.5)) < 1e-12);
  assert.deepEqual([isCalibrated(info, "fill"), isCalibrated(info, "fill", "summary")], [true, false]);
});

test("confidence stays between 0 and 1 for texts without tokens, and impossible ones", () => {
  const weights = { total: 1, mean: 1, least: 1, first: 1, length: -1 };
  const { info } = fakeModel(() => "", { calibration: { fill: { bias: 0, weights } } });
  for (const logProbs of [[], [Number.NEGATIVE_INFINITY], [-1e9, 0], [0]]) {
    const confidence = confidenceOf(info, "fill", logProbs);
    assert.ok(confidence >= 0 && confidence <= 1, `${logProbs}: ${confidence}`);
  }
});

const kinds: [LengthHint | undefined, string, string][] = [
  ["word", "one", "fill"],
  ["phrase", "one of two", "fill"],
  [5, "one", "fill"],
  [6, "one", "passage"],
  ["sentence", "one", "passage"],
  ["paragraph", "one", "passage"],
  [undefined, " one two three four five ", "fill"],
  [undefined, "one two three four five six", "passage"],
];
for (const [hint, text, kind] of kinds) {
  test(`"${text}" in a gap of length ${hint} is a ${kind}`, () => assert.equal(fillKind(hint, text), kind));
}
