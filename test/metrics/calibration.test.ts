import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { seededRandom } from "../../models/random.ts";
import {
  CALIBRATED_KINDS,
  type CalibratedKind,
  type Curve,
  MEASURES,
  measuresOf,
  probabilityOf,
} from "../../server/catalog/folder/int8/calibration.ts";
import { crossReliability, fitCurve, reliability, type Trial } from "../../server/metrics/calibration.ts";

/** Curves that gradient descent in numpy finds (test/fixtures/metrics/make_calibration.py). */
const { trials: SMALL, curves }: { trials: Trial[]; curves: Record<CalibratedKind, Curve> } = JSON.parse(
  readFileSync("test/fixtures/metrics/calibration.json", "utf8"),
);

test("the curve of each kind is the one that gradient descent in numpy finds for the same penalized likelihood", () => {
  for (const kind of CALIBRATED_KINDS) {
    const { bias, weights } = fitCurve(kind, SMALL) ?? assert.fail(kind);
    const near = (actual = Number.NaN, expected = Number.NaN) =>
      assert.ok(Math.abs(actual - expected) < 5.1e-4, `${kind}: ${actual}, numpy has ${expected}`);
    near(bias, curves[kind].bias);
    assert.deepEqual(Object.keys(weights), Object.keys(curves[kind].weights), kind);
    for (const name of MEASURES) if (name in weights) near(weights[name], curves[kind].weights[name]);
  }
});

/** Texts whose chance to be right is a known function of their likelihood. */
function simulated(count: number, seed: number, chance: (total: number) => number): Trial[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const logProbs = Array.from({ length: 1 + Math.floor(4 * random()) }, () => 2 * Math.log(random()));
    const total = logProbs.reduce((sum, one) => sum + one, 0);
    return { logProbs, right: random() < chance(total) };
  });
}
const logistic = (total: number) => 1 / (1 + Math.exp(-(1 + 0.7 * total)));

test("a known curve is found again, and its confidences are right on other texts", () => {
  const curve = fitCurve("fill", simulated(5000, 1, logistic));
  assert.ok(curve !== undefined);
  assert.ok(Math.abs(curve.bias - 1) < 0.2 && Math.abs((curve.weights.total ?? 0) - 0.7) < 0.07, JSON.stringify(curve));
  const other = reliability(curve, simulated(5000, 2, logistic));
  assert.ok(other.expectedCalibrationError < 0.02, String(other.expectedCalibrationError));
  assert.ok(other.brier < other.brierOfShare - 0.03);
});

test("overconfidence shows in the table", () => {
  const curve = fitCurve("fill", simulated(3000, 1, logistic));
  assert.ok(curve !== undefined);
  const { expectedCalibrationError, bins } = reliability(
    curve,
    simulated(3000, 2, (total) => logistic(total) / 3),
  );
  assert.ok(expectedCalibrationError > 0.1);
  for (const { count, predicted, observed } of bins) assert.ok(count < 50 || observed < predicted);
});

test("bins hold all texts once, by their confidence", () => {
  const trials = simulated(1000, 5, logistic).map((trial, i) => ({ ...trial, insteadRight: i % 4 === 0 }));
  const table = crossReliability("fill", trials);
  assert.equal(table.count, 1000);
  assert.equal(
    table.bins.reduce((sum, bin) => sum + bin.count, 0),
    1000,
  );
  for (const { from, to, predicted, instead } of table.bins) {
    assert.ok(predicted >= from && predicted <= to);
    assert.ok(instead !== undefined && instead >= 0 && instead <= 1);
  }
  const right = trials.filter((trial) => trial.right).length / 1000;
  assert.ok(Math.abs(table.right - right) < 1e-12);
  assert.ok(Math.abs(table.brierOfShare - right * (1 - right)) < 1e-12);
});

test("what is always right, or never, has no curve", () => {
  for (const right of [true, false]) {
    assert.equal(
      fitCurve(
        "title",
        SMALL.map((trial) => ({ ...trial, right })),
      ),
      undefined,
    );
  }
});

test("likelier texts are likelier to be right, whatever the kind", () => {
  for (const kind of ["word", "fill", "passage", "summary", "title"] as const) {
    const curve = fitCurve(kind, simulated(2000, 3, logistic));
    assert.ok(curve !== undefined);
    const at = (logProb: number) => probabilityOf(curve, measuresOf([logProb, logProb]));
    assert.ok(at(-0.1) > at(-1) && at(-1) > at(-3), kind);
  }
});
