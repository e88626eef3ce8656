/**
 * A hundred steps of whole models beside PyTorch's AdamW and transformers' Adafactor, and the learning rate's shapes.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tensorShapes } from "../../../models/t5/weights.ts";
import { createOptimizer, globalNorm } from "../../../server/training/step/optimizer.ts";
import { rateAt, type Schedule } from "../../../server/training/step/schedule.ts";
import { examples, gradientFixture, modelInMemory, openStepper } from "../../support/models/gradient-fixture.ts";
import { largestError } from "../../support/models/parity-model.ts";

describe("a hundred steps beside PyTorch", () => {
  for (const { name, optimizer: kind, batches, losses, weights: expected } of gradientFixture().training) {
    it(`${kind} on ${name}`, async (test) => {
      const { config, weights } = modelInMemory(name);
      const adamw = kind === "adamw";
      const stepper = await openStepper(config, weights, { dropoutRate: 0, labelSmoothing: 0, zLoss: 0, threads: 1 });
      const { memory } = stepper;
      const optimizer = createOptimizer(memory, tensorShapes(config), { kind, weightDecay: adamw ? 0.01 : 0 });
      let worst = 0;
      for (const [i, wanted] of losses.entries()) {
        const rows = batches[i % batches.length];
        assert.ok(rows !== undefined);
        const { loss } = await stepper.train([examples(rows)], i);
        worst = Math.max(worst, Math.abs(loss / wanted - 1));
        assert.ok(Math.abs(loss / wanted - 1) < 1e-4, `step ${i + 1}: loss ${loss} instead of ${wanted}`);
        const norm = globalNorm(memory);
        optimizer.update(i + 1, adamw ? 1e-3 : 2e-3, Math.min(1, 1 / norm));
      }
      let farthest = 0;
      for (const [key, digest] of expected) {
        const off = largestError(weights.get(key) ?? new Float32Array(0), digest);
        farthest = Math.max(farthest, off);
        assert.ok(off < 1e-3, `${key} is off by ${off} standard deviations`);
      }
      test.diagnostic(
        `losses within ${worst.toExponential(1)}, weights within ${farthest.toExponential(1)} deviations`,
      );
      await stepper.dispose();
    });
  }
});

describe("learning rate", () => {
  const shapes: [Schedule, number[]][] = [
    ["constant", [0.5, 1, 1, 1, 1, 1]],
    ["linear", [0.5, 1, 1, 0.75, 0.5, 0.25]],
    ["cosine", [0.5, 1, 1, 0.85, 0.5, 0.15]],
    ["inverse-sqrt", [0.5, 1, 0.82, 0.71, 0.63, 0.58]],
  ];
  for (const [schedule, expected] of shapes) {
    it(`${schedule}, after two steps of warm-up`, () => {
      const made = expected.map((_, i) => Math.round(rateAt(schedule, i + 1, 2, 6) * 100) / 100);
      assert.deepEqual(made, expected);
    });
  }
});
