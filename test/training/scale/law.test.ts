/** Losses of a known law are explained by it again, within the intervals that are given. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "../../../models/random.ts";
import {
  exponentOf,
  fitLaw,
  lossAt,
  predict,
  type ScalePlace,
  type ScalePoint,
  type ScalingLaw,
} from "../../../server/training/scale/law.ts";

/** Size and training as Kaplan et al. fitted them (arXiv 2001.08361, table 3; 2^19 tokens a step), text assumed. */
const LAW: ScalingLaw = {
  parameters: { coefficient: 6.5e13 ** 0.077, exponent: 0.077 },
  tokens: { coefficient: (2.1e3 * 100) ** 0.76, exponent: 0.76 },
  text: { coefficient: 2e4 ** 0.5, exponent: 0.5 },
};

/** The points of a measurement: the smallest size on parts of the text, too; noise is a share of the loss. */
function measured(noise: number, seed: number): ScalePoint[] {
  const random = seededRandom(seed);
  const runs: [parameters: number, share: number][] = [
    [2e6, 1],
    [2e6, 0.5],
    [2e6, 0.25],
    [4e6, 1],
    [8e6, 1],
  ];
  return runs.flatMap(([parameters, share]) =>
    [1, 1.5, 2.2, 3.4, 5, 7.6].map((times) => {
      const place: ScalePlace = { parameters, tokens: (5e5 * times * 4e6) / (2e6 + parameters), text: share * 7e5 };
      const off = noise * (random() + random() + random() - 1.5) * 2;
      return { ...place, loss: lossAt(LAW, place) * (1 + off), run: `${parameters} ${share}` };
    }),
  );
}

/** Larger, on more text, trained for longer: all beyond what was measured. */
const BEYOND: readonly ScalePlace[] = [
  { parameters: 3.2e7, tokens: 2e6, text: 7e5 },
  { parameters: 8e6, tokens: 2e6, text: 2.8e6 },
  { parameters: 4e6, tokens: 2e7, text: 7e5 },
];

describe("a scaling law", () => {
  it("is found again in losses without noise", () => {
    const fitted = fitLaw(measured(0, 1), 0, 1);
    for (const name of ["parameters", "tokens", "text"] as const) {
      const off = Math.log(fitted.law[name].exponent / LAW[name].exponent);
      assert.ok(Math.abs(off) < 0.15, `${name}: ${fitted.law[name].exponent}`);
    }
    for (const place of BEYOND) {
      const off = lossAt(fitted.law, place) / lossAt(LAW, place) - 1;
      assert.ok(Math.abs(off) < 0.005, `${JSON.stringify(place)}: ${off}`);
    }
  });

  for (const seed of [1, 2, 3]) {
    it(`predicts beyond noisy losses within its intervals, which are narrow (${seed})`, () => {
      const fitted = fitLaw(measured(0.005, seed), 40, seed);
      for (const place of BEYOND) {
        const [truth, { value, low, high }] = [lossAt(LAW, place), predict(fitted, place)];
        assert.ok(low <= truth && truth <= high && low <= value && value <= high, `${low} ${truth} ${high}`);
        assert.ok(high / low < 1.15, `${low} to ${high}`);
      }
      const { low, high } = exponentOf(fitted, "tokens");
      assert.ok(low <= 0.76 && 0.76 <= high, `${low} to ${high}`);
    });
  }

  it("has no term that lowers the loss where there is more, whatever the points", () => {
    const random = seededRandom(5);
    const points = measured(0, 1).map((point) => ({ ...point, loss: 1 + 5 * random() }));
    const { law } = fitLaw(points, 0, 1);
    for (const { coefficient } of Object.values(law)) assert.ok(coefficient >= 0);
    const [few] = measured(0, 1);
    assert.ok(Number.isFinite(lossAt(fitLaw([few ?? assert.fail()], 0, 1).law, BEYOND[0] ?? assert.fail())));
  });
});
