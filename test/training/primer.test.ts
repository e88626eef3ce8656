/** Losses, gradients and steps of Primer's layers beside PyTorch's (test/fixtures/parity/make_primer.py). */
import assert from "node:assert/strict";
import { it } from "node:test";
import { tensorShapes } from "../../models/t5/weights.ts";
import { createOptimizer, globalNorm } from "../../server/training/step/optimizer.ts";
import { testGradients } from "../support/models/family-tests.ts";
import { examples, modelInMemory, openStepper } from "../support/models/gradient-fixture.ts";
import { largestError, parityModels } from "../support/models/parity-model.ts";

testGradients("primer");

it("a Primer learns as PyTorch's does, over sixty steps of AdamW", async (test) => {
  const { training } = parityModels("primer").find(({ name }) => name === "primer") ?? {};
  assert.ok(training !== undefined);
  const { config, weights } = modelInMemory("primer", "primer");
  const stepper = await openStepper(config, weights, { dropoutRate: 0, labelSmoothing: 0, zLoss: 0, threads: 1 });
  const { memory } = stepper;
  const optimizer = createOptimizer(memory, tensorShapes(config), { kind: "adamw", weightDecay: 0.01 });
  const errors: number[] = [];
  for (const [i, expected] of training.losses.entries()) {
    const rows = training.batches[i % training.batches.length] ?? assert.fail();
    const { loss } = await stepper.train([examples(rows)], i);
    errors.push(Math.abs(loss / expected - 1));
    optimizer.update(i + 1, 1e-3, Math.min(1, 1 / globalNorm(memory)));
  }
  await stepper.dispose();
  const deviations = training.weights.map(([key, digest]) =>
    largestError(weights.get(key) ?? new Float32Array(), digest),
  );
  test.diagnostic(`losses within ${Math.max(...errors)}, weights within ${Math.max(...deviations)} deviations`);
  assert.equal(deviations.length, weights.size);
  assert.ok(Math.max(...errors) < 1e-4, `${errors}`);
  assert.ok(Math.max(...deviations) < 1e-3, `${deviations}`);
});
