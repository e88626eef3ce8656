/** Losses and gradients of whole models beside PyTorch's, in both precisions. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Weights } from "../../../server/training/step/step.ts";
import { examples, gradientFixture, modelInMemory, openStepper } from "../../support/models/gradient-fixture.ts";
import { largestError } from "../../support/models/parity-model.ts";

const fixture = gradientFixture();
const options = { dropoutRate: 0, threads: 1 };
const inFloat64 = (weights: Weights): Weights =>
  new Map([...weights].map(([name, values]) => [name, Float64Array.from(values)]));

describe("gradients beside PyTorch", () => {
  for (const { name, cases } of fixture.gradients) {
    for (const [precision, tolerance] of [["float64", 1e-6] as const, ["float32", 1e-4] as const]) {
      if (precision === "float32" && !/^(relu-tied|gated-gelu-untied|gated-silu-untied|odd-widths)$/.test(name))
        continue;
      it(`${name}, ${precision}`, async (test) => {
        const { config, weights } = modelInMemory(name);
        let worst = 0;
        for (const expected of cases) {
          const { labelSmoothing, zLoss } = expected;
          const own = precision === "float64" ? inFloat64(weights) : weights;
          const stepper = await openStepper(config, own, { ...options, labelSmoothing, zLoss });
          const { loss, nll } = await stepper.train([examples(expected)], 0);
          const error = Math.max(Math.abs(loss / expected.loss - 1), Math.abs(nll / expected.nll - 1));
          assert.ok(error < tolerance, `loss ${loss} instead of ${expected.loss}, nll ${nll} of ${expected.nll}`);
          assert.deepEqual([...stepper.gradients.keys()].sort(), expected.gradients.map(([key]) => key).sort());
          for (const [key, digest] of expected.gradients) {
            const off = largestError(stepper.gradients.get(key) ?? new Float32Array(0), digest);
            worst = Math.max(worst, off);
            assert.ok(off < tolerance, `${key} is off by ${off} standard deviations`);
          }
          await stepper.dispose();
        }
        test.diagnostic(`largest error ${worst.toExponential(1)} standard deviations of a tensor's gradient`);
      });
    }
  }
});

describe("dropout", () => {
  for (const name of ["relu-tied", "gated-gelu-untied"]) {
    it(`has the gradient of the loss with the same values dropped: ${name}`, async () => {
      const { config, weights } = modelInMemory(name);
      const own = inFloat64(weights);
      const [expected] = fixture.gradients.find((model) => model.name === name)?.cases ?? [];
      assert.ok(expected !== undefined);
      const rows = examples(expected);
      const stepper = await openStepper(config, own, {
        dropoutRate: 0.2,
        labelSmoothing: 0.1,
        zLoss: 1e-3,
        threads: 1,
      });
      const loss = async (seed: number) => (await stepper.train([rows.slice(0, 2), rows.slice(2)], seed)).loss;
      const plain = (await stepper.evaluate([rows])).loss;
      const [first, again, other] = [await loss(5), await loss(5), await loss(6)];
      assert.equal(first, again);
      assert.ok(new Set([first, other, plain]).size === 3, "another seed drops others; none is dropped in evaluation");
      await loss(5);
      const gradients = new Map([...stepper.gradients].map(([key, values]) => [key, Float64Array.from(values)]));
      for (const [key, values] of own) {
        const gradient = gradients.get(key) ?? new Float64Array(0);
        // The largest gradient of each tensor.
        const at = gradient.reduce((most, value, i) => (Math.abs(value) > Math.abs(gradient[most] ?? 0) ? i : most), 0);
        const value = values[at] ?? 0;
        const step = 1e-5;
        values[at] = value + step;
        const above = await loss(5);
        values[at] = value - step;
        const below = await loss(5);
        values[at] = value;
        const numeric = (above - below) / (2 * step);
        const error = Math.abs((gradient[at] ?? 0) - numeric);
        assert.ok(error < 1e-6 * Math.max(0.1, Math.abs(numeric)), `${key}[${at}]: ${gradient[at]}, not ${numeric}`);
      }
      await stepper.dispose();
    });
  }
});
