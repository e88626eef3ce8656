/** Parity with transformers 5.23 on random T5 models of every configuration (test/fixtures/parity/make.py). */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { assertGeneration, assertScores, numericErrors, type Subject } from "../support/models/parity-check.ts";
import { type ParityModel, parityModels, writeParityModel } from "../support/models/parity-model.ts";
import { engineSubject, referenceSubject } from "../support/models/subjects.ts";

/** Largest error allowed in float32, in standard deviations of the reference. */
const TOLERANCE = 1e-4;

const models = parityModels();
const folder = mkdtempSync(join(tmpdir(), "spanfill-parity-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function written(model: ParityModel, changed?: string): string {
  const directory = join(folder, changed === undefined ? model.name : `${model.name}-${changed}`);
  writeParityModel(model, directory, changed);
  return directory;
}

/** @param generates whether what it generates is compared, too */
async function check(model: ParityModel, subject: Subject, generates = true): Promise<void> {
  for (const expected of model.cases) {
    const errors = await numericErrors(subject, expected);
    assert.ok(errors.encoder < TOLERANCE && errors.logits < TOLERANCE, `errors ${JSON.stringify(errors)}`);
    await assertScores(subject, expected);
    for (const generation of generates ? expected.generations : [])
      await assertGeneration(subject, expected.inputs, generation);
  }
  await subject.runner.dispose();
}

/** Names of tensors whose change by 1% the comparison overlooks. */
async function overlooked(model: ParityModel, open: (directory: string) => Promise<Subject>): Promise<string[]> {
  const [expected] = model.cases;
  assert.ok(expected !== undefined);
  const names: string[] = [];
  for (const [name] of model.tensors) {
    const directory = written(model, name);
    const subject = await open(directory);
    const errors = await numericErrors(subject, expected);
    if (errors.encoder < TOLERANCE && errors.logits < TOLERANCE) names.push(name);
    await subject.runner.dispose();
    rmSync(directory, { recursive: true, force: true });
  }
  return names;
}

const ofEachKind = models.filter(({ name }) => ["relu-tied", "gated-gelu-untied", "gated-silu-untied"].includes(name));

describe("reference runner", () => {
  for (const model of models) {
    it(`computes what transformers computes: ${model.name}`, async () => {
      await check(model, await referenceSubject(written(model)), ofEachKind.includes(model));
    });
  }
  for (const model of ofEachKind) {
    it(`notices a change of 1% in any tensor: ${model.name}`, async () => {
      assert.deepEqual(await overlooked(model, referenceSubject), []);
    });
  }
});

describe("engine, float32", () => {
  for (const model of models) {
    it(`computes what transformers computes: ${model.name}`, async () => {
      await check(model, await engineSubject(written(model), "float32"));
    });
  }
  for (const model of ofEachKind) {
    it(`notices a change of 1% in any tensor: ${model.name}`, async () => {
      assert.deepEqual(await overlooked(model, (directory) => engineSubject(directory, "float32")), []);
    });
  }
});

describe("engine, int8", () => {
  for (const model of models) {
    it(`stays near transformers: ${model.name}`, async (test) => {
      const subject = await engineSubject(written(model), "int8");
      for (const expected of model.cases) {
        const { logits, relative } = await numericErrors(subject, expected);
        const percent = (error: number) => `${(error * 100).toFixed(2)}%`;
        test.diagnostic(`logits: relative error ${percent(relative)}, largest ${percent(logits)} of one deviation`);
        assert.ok(relative < 0.1, `the logits' relative error is ${percent(relative)}`);
      }
      await subject.runner.dispose();
    });
  }
});
