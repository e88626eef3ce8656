/**
 * LoRA beside peft (test/fixtures/parity/make_lora.py): gradients, steps of AdamW, and the loss of the merged weights.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { prepareLearner } from "../../../server/training/step/learner.ts";
import { createOptimizer } from "../../../server/training/step/optimizer.ts";
import type { StepOptions } from "../../../server/training/step/step.ts";
import { examples, modelInMemory, openStepper, type Rows } from "../../support/models/gradient-fixture.ts";
import { type Digest, largestError, numbers } from "../../support/models/parity-model.ts";

interface LoraCase extends Rows {
  readonly name: string;
  readonly gradients: readonly (readonly [tensor: string, gradient: Digest])[];
  /** Before each step. */
  readonly losses: readonly number[];
  readonly weights: readonly (readonly [tensor: string, values: Digest])[];
  /** The loss after the last step, of the weights with the adapter added. */
  readonly merged: number;
}

const cases: LoraCase[] = JSON.parse(gunzipSync(readFileSync("test/fixtures/parity/lora.json.gz")).toString());
const method = { kind: "lora", targets: ["q", "v", "wi", "wi_0", "wo"], rank: 3, alpha: 6, dropoutRate: 0 } as const;
const options: StepOptions = { dropoutRate: 0, threads: 1, labelSmoothing: 0, zLoss: 0 };

/** A learner whose matrices are drawn as make_lora.py draws them. */
function learnerOf({ name, gradients }: LoraCase) {
  const { config, weights } = modelInMemory(name);
  const learner = prepareLearner(config, weights, method, 1);
  assert.deepEqual(
    gradients.map(([tensor]) => tensor),
    [...learner.memory.tensors.keys()].sort(),
    "peft learns the same matrices",
  );
  for (const [i, [tensor]] of gradients.entries()) {
    const values = learner.memory.tensors.get(tensor) ?? assert.fail(tensor);
    for (const [at, bits] of numbers(9000 + i, values.length).entries()) values[at] = 0.3 * (bits / 2 ** 32 - 0.5);
  }
  return learner;
}

describe("LoRA beside peft", () => {
  for (const expected of cases) {
    it(`has peft's gradients: ${expected.name}`, async () => {
      const learner = learnerOf(expected);
      const stepper = await openStepper(learner.config, learner.weights, options, learner);
      const { loss } = await stepper.train([examples(expected)], 0);
      assert.ok(Math.abs(loss / (expected.losses[0] ?? 0) - 1) < 1e-5, `${loss} instead of ${expected.losses[0]}`);
      for (const [tensor, digest] of expected.gradients) {
        const off = largestError(stepper.gradients.get(tensor) ?? new Float32Array(0), digest);
        assert.ok(off < 1e-4, `${tensor} is off by ${off} standard deviations`);
      }
      await stepper.dispose();
    });

    it(`comes by steps of AdamW to peft's matrices, and merged to its loss: ${expected.name}`, async () => {
      const learner = learnerOf(expected);
      const stepper = await openStepper(learner.config, learner.weights, options, learner);
      const shapes = new Map([...learner.memory.tensors].map(([tensor, { length }]) => [tensor, [length]]));
      const optimizer = createOptimizer(learner.memory, shapes, { kind: "adamw", weightDecay: 0 });
      for (const [i, wanted] of expected.losses.entries()) {
        const { loss } = await stepper.train([examples(expected)], i);
        assert.ok(Math.abs(loss / wanted - 1) < 1e-4, `step ${i + 1}: ${loss} instead of ${wanted}`);
        optimizer.update(i + 1, 1e-2, 1);
      }
      await stepper.dispose();
      for (const [tensor, digest] of expected.weights) {
        const off = largestError(learner.memory.tensors.get(tensor) ?? new Float32Array(0), digest);
        assert.ok(off < 1e-3, `${tensor} is off by ${off} standard deviations`);
      }
      const merged = await openStepper(learner.config, learner.merged(), options);
      const { loss } = await merged.evaluate([examples(expected)]);
      await merged.dispose();
      assert.ok(Math.abs(loss / expected.merged - 1) < 1e-4, `${loss} instead of ${expected.merged}`);
    });
  }
});
