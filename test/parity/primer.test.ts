/**
 * Primer's layers beside transformers' T5 with PyTorch's convolutions (test/fixtures/parity/make_primer.py): inputs
 * shorter than a kernel, batches with padding, tokens written one by one and by beams.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { assertGeneration, assertScores, numericErrors } from "../support/parity-check.ts";
import { parityModels, writeParityModel } from "../support/parity-model.ts";
import { engineSubject } from "../support/subjects.ts";

/** Largest error allowed in float32, in standard deviations of the reference. */
const TOLERANCE = 1e-4;

const folder = mkdtempSync(join(tmpdir(), "spanfill-primer-"));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const model of parityModels("primer")) {
  describe(model.name, () => {
    const directory = join(folder, model.name);
    writeParityModel(model, directory);

    for (const stages of ["whole", "layer by layer"]) {
      it(`computes what transformers does, and chooses the same tokens: ${stages}`, async () => {
        const subject = await engineSubject(directory, "float32", stages === "whole" ? undefined : 1);
        for (const expected of model.cases) {
          const errors = await numericErrors(subject, expected);
          const of = expected.inputs.map((ids) => ids.length).join(", ");
          assert.ok(
            errors.encoder < TOLERANCE && errors.logits < TOLERANCE,
            `${of} tokens: errors ${JSON.stringify(errors)}`,
          );
          if (stages !== "whole") continue;
          await assertScores(subject, expected);
          for (const generation of expected.generations) await assertGeneration(subject, expected.inputs, generation);
        }
        await subject.runner.dispose();
      });
    }

    it("in int8 stays near it", async (test) => {
      const subject = await engineSubject(directory, "int8");
      for (const expected of model.cases) {
        const { relative } = await numericErrors(subject, expected);
        test.diagnostic(`logits: relative error ${(relative * 100).toFixed(2)}%`);
        assert.ok(relative < 0.1, `the logits' relative error is ${relative}`);
      }
      await subject.runner.dispose();
    });
  });
}
