import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../models/random.ts";
import { estimateSystems, ratio } from "../../server/metrics/estimate.ts";
import { bootstrap } from "../../server/metrics/metrics.ts";

const random = seededRandom(5);
const noise = Array.from({ length: 500 }, () => random());
const places = noise.map((_, i) => i);

test("a mean and its interval are those of the plain bootstrap", () => {
  const [one] = estimateSystems(places, [{ name: "a", metrics: { x: ratio(noise) } }], 1);
  assert.deepEqual(one?.scores["x"], bootstrap(noise, 1));
});

test("differences are paired: a constant lead over a noisy system has no width", () => {
  const systems = [
    { name: "a", metrics: { x: ratio(noise.map((value) => value + 0.25)), own: ratio(noise) } },
    { name: "b", metrics: { x: ratio(noise), theirs: ratio(noise) } },
  ];
  const [first, second] = estimateSystems(places, systems, 1);
  assert.equal(first?.difference, undefined);
  const { mean = 0, low = 0, high = 0 } = second?.difference?.["x"] ?? {};
  for (const value of [mean, low, high]) assert.ok(Math.abs(value - 0.25) < 1e-12, String(value));
  const scores = second?.scores["x"];
  assert.ok(scores && scores.high - scores.low > 0.03);
  assert.deepEqual(Object.keys(second?.difference ?? {}), ["x"]);
});

test("a ratio weighs its items, takes a shape, and is null where there is nothing", () => {
  const [one] = estimateSystems(
    [0, 2],
    [
      {
        name: "a",
        metrics: {
          share: ratio([1, 100, 3], [2, 1, 4]),
          perplexity: ratio([Math.log(2), 0, Math.log(8)], [1, 1, 1], Math.exp),
          none: ratio([0, 1, 0], [0, 1, 0]),
        },
      },
    ],
    1,
  );
  assert.ok(Math.abs((one?.scores["share"]?.mean ?? 0) - 4 / 6) < 1e-12);
  assert.ok(Math.abs((one?.scores["perplexity"]?.mean ?? 0) - 4) < 1e-12); // sqrt(2 * 8)
  assert.equal(one?.scores["none"], null);
});
