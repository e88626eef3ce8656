/**
 * The architectures of T5's family beside transformers and a NumPy model (test/fixtures/parity/make_architectures.py),
 * and those that Mesh TensorFlow alone has beside a second one by another hand (mesh_second_hand.py).
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { testInt8 } from "../support/models/family-tests.ts";
import { assertGeneration, assertScores, numericErrors } from "../support/models/parity-check.ts";
import { parityModels, secondReference, writeParityModel } from "../support/models/parity-model.ts";
import { engineSubject } from "../support/models/subjects.ts";

/** Largest error allowed in float32, in standard deviations of the reference. */
const TOLERANCE = 1e-4;

const folder = mkdtempSync(join(tmpdir(), "spanfill-architectures-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const second = secondReference();
/** What transformers cannot run, and the settings of it that reduce to plain T5. */
const ofMesh = /^(talking|n4w10|skv|sh)/;

for (const model of parityModels("architectures")) {
  describe(model.name, () => {
    const directory = join(folder, model.name);
    writeParityModel(model, directory);

    it("in float32 computes what its reference does, and chooses the same tokens", async () => {
      const subject = await engineSubject(directory, "float32");
      for (const expected of model.cases) {
        const errors = await numericErrors(subject, expected);
        assert.ok(errors.encoder < TOLERANCE && errors.logits < TOLERANCE, `errors ${JSON.stringify(errors)}`);
        await assertScores(subject, expected);
        for (const generation of expected.generations) await assertGeneration(subject, expected.inputs, generation);
      }
      await subject.runner.dispose();
    });

    if (ofMesh.test(model.name)) {
      it("computes what the second reference does", async () => {
        const subject = await engineSubject(directory, "float32");
        assert.equal(second[model.name]?.length, model.cases.length);
        for (const [i, expected] of model.cases.entries()) {
          const errors = await numericErrors(subject, { ...expected, ...second[model.name]?.[i] });
          assert.ok(errors.encoder < TOLERANCE && errors.logits < TOLERANCE, `errors ${JSON.stringify(errors)}`);
        }
        await subject.runner.dispose();
      });
    }

    it("computes the same with its encoder layer by layer", async () => {
      const subject = await engineSubject(directory, "float32", 1);
      for (const expected of model.cases) assert.ok((await numericErrors(subject, expected)).encoder < TOLERANCE);
      await subject.runner.dispose();
    });

    testInt8(directory, model.cases);

    it("notices a change of 1% in any of its tensors", async () => {
      const [expected] = model.cases;
      assert.ok(expected !== undefined);
      const overlooked: string[] = [];
      // Changes of the same tensors in plain T5 are the business of parity.test.ts.
      const own = /\.(kv|logits|weights|relative_attention_bias)\.weight$/;
      for (const [name] of model.tensors.filter(([tensor]) => own.test(tensor))) {
        const changed = join(folder, "changed");
        writeParityModel(model, changed, name);
        const subject = await engineSubject(changed, "float32");
        const errors = await numericErrors(subject, expected);
        if (errors.encoder < TOLERANCE && errors.logits < TOLERANCE) overlooked.push(name);
        await subject.runner.dispose();
        rmSync(changed, { recursive: true, force: true });
      }
      assert.deepEqual(overlooked, []);
    });
  });
}
