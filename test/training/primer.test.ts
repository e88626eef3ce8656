/** Losses and gradients of Primer's layers beside PyTorch's (test/fixtures/parity/make_primer.py). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { examples, modelInMemory, openStepper } from "../support/gradient-fixture.ts";
import { largestError, parityModels } from "../support/parity-model.ts";

/** Of a tensor's gradient in standard deviations, in float64. */
const TOLERANCE = 1e-6;

for (const { name, gradients } of parityModels("primer")) {
  if (gradients === undefined) continue;
  describe(name, () => {
    const { config, weights } = modelInMemory(name, "primer");
    const own = new Map([...weights].map(([key, values]) => [key, Float64Array.from(values)]));

    for (const checkpointing of [false, true]) {
      it(`has PyTorch's gradients${checkpointing ? ", layers computed again" : ""}`, async () => {
        for (const expected of gradients) {
          const { labelSmoothing, zLoss } = expected;
          const options = { dropoutRate: 0, threads: 1, labelSmoothing, zLoss, checkpointing };
          const stepper = await openStepper(config, own, options);
          const { loss, nll } = await stepper.train([examples(expected)], 0);
          const error = Math.max(Math.abs(loss / expected.loss - 1), Math.abs(nll / expected.nll - 1));
          assert.ok(error < TOLERANCE, `loss ${loss} instead of ${expected.loss}, nll ${nll} of ${expected.nll}`);
          assert.deepEqual([...stepper.gradients.keys()].sort(), expected.gradients.map(([key]) => key).sort());
          for (const [key, digest] of expected.gradients) {
            const off = largestError(stepper.gradients.get(key) ?? new Float64Array(0), digest);
            assert.ok(off < TOLERANCE, `${key} is off by ${off} standard deviations`);
          }
          await stepper.dispose();
        }
      });
    }
  });
}
