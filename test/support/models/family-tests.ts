/**
 * Tests of a family of models beside what transformers and PyTorch computed (a fixture of test/fixtures/parity):
 * encoder, logits and tokens in float32 and int8; losses and gradients in float64.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { examples, type GradientCase, modelInMemory, openStepper } from "./gradient-fixture.ts";
import { assertGeneration, assertScores, numericErrors } from "./parity-check.ts";
import { largestError, type ParityCase, parityModels, writeParityModel } from "./parity-model.ts";
import { engineSubject } from "./subjects.ts";

type Family = NonNullable<Parameters<typeof parityModels>[0]>;

/** Largest error allowed in float32, in standard deviations of the reference. */
const TOLERANCE = 1e-4;
/** Of a loss, relative to it, or a tensor's gradient, in its standard deviations, in float64. */
const GRADIENT_TOLERANCE = 1e-6;
/** A gradient that is not larger anywhere is rounding, in float64. */
const NOTHING = 1e-12;

/** Defines the tests of a family's answers, whole and layer by layer. */
export function testAnswers(family: Family): void {
  const folder = mkdtempSync(join(tmpdir(), `spanfill-${family}-`));
  after(() => rmSync(folder, { recursive: true, force: true }));
  for (const model of parityModels(family)) {
    describe(model.name, () => {
      const directory = join(folder, model.name);
      writeParityModel(model, directory);

      for (const stages of ["whole", "layer by layer"]) {
        it(`computes what transformers does, and chooses the same tokens: ${stages}`, async () => {
          const subject = await engineSubject(directory, "float32", stages === "whole" ? undefined : 1);
          for (const expected of model.cases) {
            const errors = await numericErrors(subject, expected);
            const lengths = expected.inputs.map((ids) => ids.length).join(", ");
            assert.ok(
              errors.encoder < TOLERANCE && errors.logits < TOLERANCE,
              `${lengths} tokens: errors ${JSON.stringify(errors)}`,
            );
            if (stages !== "whole") continue;
            await assertScores(subject, expected);
            for (const generation of expected.generations) await assertGeneration(subject, expected.inputs, generation);
          }
          await subject.runner.dispose();
        });
      }

      testInt8(directory, model.cases);
    });
  }
}

/** Defines the test of a model in int8. */
export function testInt8(directory: string, cases: readonly ParityCase[]): void {
  it("in int8 stays near it", async (test) => {
    const subject = await engineSubject(directory, "int8");
    for (const expected of cases) {
      const { relative } = await numericErrors(subject, expected);
      test.diagnostic(`logits: relative error ${(relative * 100).toFixed(2)}%`);
      assert.ok(relative < 0.1, `the logits' relative error is ${relative}`);
    }
    await subject.runner.dispose();
  });
}

/** Defines the tests of a family's losses and gradients, with and without layers computed again. */
export function testGradients(family: Family): void {
  for (const { name, gradients } of parityModels(family)) {
    if (gradients === undefined) continue;
    describe(name, () => {
      const { config, weights } = modelInMemory(name, family);
      const parameters = new Map([...weights].map(([key, values]) => [key, Float64Array.from(values)]));

      for (const checkpointing of [false, true]) {
        it(`has PyTorch's gradients${checkpointing ? ", layers computed again" : ""}`, async () => {
          for (const expected of gradients) {
            const { labelSmoothing, zLoss } = expected;
            const options = { dropoutRate: 0, threads: 1, labelSmoothing, zLoss, checkpointing };
            const stepper = await openStepper(config, parameters, options);
            const { loss, nll } = await stepper.train([examples(expected)], 0);
            const error = Math.max(Math.abs(loss / expected.loss - 1), Math.abs(nll / expected.nll - 1));
            assert.ok(error < GRADIENT_TOLERANCE, `loss ${loss} of ${expected.loss}, nll ${nll} of ${expected.nll}`);
            assertGradients(stepper.gradients, expected);
            await stepper.dispose();
          }
        });
      }
    });
  }
}

function assertGradients(gradients: ReadonlyMap<string, ArrayLike<number>>, expected: GradientCase): void {
  assert.deepEqual([...gradients.keys()].sort(), expected.gradients.map(([key]) => key).sort());
  for (const [key, digest] of expected.gradients) {
    const gradient = Float64Array.from(gradients.get(key) ?? []);
    // An expert that took no token has none, and a key's bias none but rounding: the softmax does not see it.
    const isNothing =
      digest.std < NOTHING && key.endsWith(".k.bias")
        ? gradient.every((x) => Math.abs(x) < NOTHING)
        : gradient.every((x) => x === 0);
    const isOff = digest.std < NOTHING ? !isNothing : !(largestError(gradient, digest) < GRADIENT_TOLERANCE);
    assert.ok(!isOff, `${key} is off`);
  }
}
