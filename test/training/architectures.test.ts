/**
 * Training of the architectures that transformers does not train: losses beside the NumPy model's, gradients beside
 * differences.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Weights } from "../../server/training/step/step.ts";
import { examples, modelInMemory, openStepper } from "../support/models/gradient-fixture.ts";
import { parityModels } from "../support/models/parity-model.ts";

const names = ["umt5", "skv", "shkv", "talking-heads", "n4w10"];
const options = { labelSmoothing: 0, zLoss: 0, threads: 1 };

for (const name of names) {
  describe(name, () => {
    const [expected] = parityModels("architectures").find((model) => model.name === name)?.cases ?? [];
    assert.ok(expected !== undefined);
    const rows = examples(expected);
    const { config, weights } = modelInMemory(name, "architectures");
    const inFloat64 = new Map([...weights].map(([key, values]) => [key, Float64Array.from(values)]));

    it("has the reference's loss", async () => {
      const stepper = await openStepper(config, inFloat64, { ...options, dropoutRate: 0 });
      const { nll } = await stepper.evaluate([rows]);
      await stepper.dispose();
      const tokens = rows.reduce((sum, { target }) => sum + target.length, 0);
      const wanted = -expected.scores.reduce((sum, score) => sum + score, 0) / tokens;
      assert.ok(Math.abs(nll / wanted - 1) < 1e-6, `${nll} instead of ${wanted}`);
    });

    for (const checkpointing of name === "talking-heads" ? [false, true] : [false]) {
      it(`has the gradients of its loss with dropout${checkpointing ? ", layers computed again" : ""}`, async () => {
        await checkGradients(inFloat64, async (own) =>
          openStepper(config, own, { ...options, dropoutRate: 0.2, checkpointing }),
        );
      });
    }

    /** Compares the largest gradient of each tensor with the difference that a small step of its weight makes. */
    async function checkGradients(
      own: Map<string, Float64Array<ArrayBuffer>>,
      open: (own: Weights) => ReturnType<typeof openStepper>,
    ): Promise<void> {
      const stepper = await open(own);
      const loss = async () => (await stepper.train([rows], 5)).loss;
      await loss();
      const gradients = new Map([...stepper.gradients].map(([key, values]) => [key, Float64Array.from(values)]));
      assert.deepEqual([...gradients.keys()].sort(), [...own.keys()].sort());
      const step = 1e-5;
      for (const [key, values] of own) {
        const gradient = gradients.get(key) ?? new Float64Array(0);
        const at = gradient.reduce((most, value, i) => (Math.abs(value) > Math.abs(gradient[most] ?? 0) ? i : most), 0);
        const value = values[at] ?? 0;
        values[at] = value + step;
        const above = await loss();
        values[at] = value - step;
        const below = await loss();
        values[at] = value;
        const numeric = (above - below) / (2 * step);
        const error = Math.abs((gradient[at] ?? 0) - numeric);
        assert.ok(
          numeric !== 0 && error < 1e-6 * Math.max(0.1, Math.abs(numeric)),
          `${key}: ${gradient[at]}, not ${numeric}`,
        );
      }
      await stepper.dispose();
    }
  });
}
