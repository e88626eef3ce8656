/**
 * The benchmarks' random models: float32 is as good as float64 on them, and what they write says whether two engines
 * compute alike.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { configJson, shapes, writeRandomModel } from "../../bench/random-model.ts";
import { idSource } from "../../bench/support/fresh-ids.ts";
import { resolveModel } from "../../server/catalog/installed.ts";
import type { GeneratedSequence, Generation } from "../../server/engine/engine.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { generate } from "../../server/engine/search/generate.ts";
import { openReferenceRunner } from "../support/models/reference-runner.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-random-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const TOKENS = 32;
const models = {
  tiny: shapes.tiny,
  // As deep as the deepest measured one, where errors grow most, but narrower: the reference is slow.
  deep: { ...shapes.deep, dModel: 128, dFf: 512, numHeads: 2 },
};

for (const [name, shape] of Object.entries(models)) {
  test(`${name}: float32 agrees with float64 to 1e-4 nats, and its output follows from the input`, async () => {
    const directory = join(folder, name);
    writeRandomModel(directory, shape, 7, resolveModel());
    const engine = createLocalEngine();
    const reference = openReferenceRunner(directory);
    const commonTokens = () => assert.fail("nothing is shortlisted");
    const exact = { runner: reference, config: reference.config, decode: () => "", commonTokens };
    try {
      const model = await engine.load({ directory, precision: "float32", threads: 1 });
      const nextInput = idSource(11);
      const outputs: (readonly number[])[] = [];
      for (let i = 0; i < 2; i++) {
        const request = { inputs: [nextInput().slice(-64)], maxNewTokens: TOKENS, bannedTokens: [1] };
        const ours = onlySequence(await model.generate(request));
        const theirs = onlySequence(await generate(exact, request));
        assert.deepEqual(ours.ids, theirs.ids);
        const apart = ours.logProbs.map((logProb, step) => Math.abs(logProb - (theirs.logProbs[step] ?? Number.NaN)));
        assert.ok(Math.max(...apart) < 1e-4, `${Math.max(...apart)} nats`);
        const distinct = new Set(ours.ids).size;
        assert.ok(distinct >= TOKENS / 4, `${distinct} different tokens in ${ours.ids.join(" ")}`);
        outputs.push(ours.ids);
      }
      assert.notDeepEqual(outputs[0]?.slice(0, TOKENS / 4), outputs[1]?.slice(0, TOKENS / 4));
    } finally {
      await engine.dispose();
    }
  });
}

test("weights are written once, and anew with the peers' exports removed when they would be others", () => {
  const directory = join(folder, "again");
  const small = { ...shapes.tiny, vocabSize: 64, dModel: 8, dFf: 16 };
  const weights = () => readFileSync(join(directory, "model.safetensors"));
  const write = (shape: typeof small, seed: number) => writeRandomModel(directory, shape, seed, resolveModel());
  write(small, 7);
  const first = weights();
  mkdirSync(join(directory, "onnx"));
  const { ino } = statSync(join(directory, "model.safetensors"));
  write(small, 7);
  assert.equal(statSync(join(directory, "model.safetensors")).ino, ino);
  assert.ok(existsSync(join(directory, "onnx")));
  write(small, 8);
  assert.notDeepEqual(weights(), first);
  assert.ok(!existsSync(join(directory, "onnx")));
  write(small, 7);
  assert.deepEqual(weights(), first);
  // What an earlier version of the benchmark left there says nothing of how it was made.
  writeFileSync(join(directory, "model.safetensors"), withoutMetadata(first));
  write(small, 7);
  assert.deepEqual(weights(), first);
  assert.deepEqual(JSON.parse(readFileSync(join(directory, "config.json"), "utf8")), configJson(small));
});

function onlySequence({ sequences }: Generation): GeneratedSequence {
  const [sequence] = sequences[0] ?? [];
  assert.ok(sequence !== undefined && sequence.ids.length === TOKENS);
  return sequence;
}

/** The same file with nothing in its header but the tensors. */
function withoutMetadata(file: Buffer): Buffer {
  const length = Number(file.readBigUInt64LE());
  const { __metadata__: _, ...tensors } = JSON.parse(file.toString("utf8", 8, 8 + length));
  const header = Buffer.from(JSON.stringify(tensors).padEnd(length, " "));
  return Buffer.concat([file.subarray(0, 8), header, file.subarray(8 + length)]);
}
