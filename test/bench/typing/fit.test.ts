import assert from "node:assert/strict";
import { test } from "node:test";
import { logisticWeights } from "../../../bench/typing/fit.ts";
import { seededRandom } from "../../../models/random.ts";

test("the weights that made the examples are found again", () => {
  const random = seededRandom(3);
  const weights = [2, -1, 0.5];
  const examples = Array.from({ length: 5000 }, () => {
    const signs = [random() - 0.5, 4 * random(), 1];
    const sum = signs.reduce((before, sign, i) => before + sign * (weights[i] ?? 0), 0);
    return { signs, right: random() < 1 / (1 + Math.exp(-sum)) };
  });
  for (const [i, weight] of logisticWeights(examples).entries())
    assert.ok(Math.abs(weight - (weights[i] ?? 0)) < 0.3, `${i}: ${weight}`);
});
