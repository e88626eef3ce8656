/**
 * Measuring a model: every round has the encoder run, whatever the engine remembers, and the same rounds for every
 * device.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoadedModel } from "../../server/engine/engine.ts";
import { cachingEncoder } from "../../server/engine/runtime/encoder-cache.ts";
import { generate } from "../../server/engine/search/generate.ts";
import type { Runner } from "../../server/engine/search/runner.ts";
import { type MeasuredEngine, measureModel } from "../../server/panel/measure.ts";
import { fakeModel } from "../support/models/fake-model.ts";
import { scriptedRunner } from "../support/models/scripted-runner.ts";

/** An engine that remembers encoded inputs as the real one does, and tells what its runner was asked. */
function rememberingEngine() {
  const fake = fakeModel(() => "");
  const { config } = fake.info;
  const scripted = scriptedRunner(config.vocabSize, () => new Float32Array(config.vocabSize));
  const encoded: (readonly number[])[] = [];
  const runner: Runner = {
    ...scripted,
    encode(inputs, signal) {
      encoded.push(...inputs);
      return scripted.encode(inputs, signal);
    },
  };
  const remembering = cachingEncoder(runner, config);
  const commonTokens = () => assert.fail("nothing is shortlisted");
  let asked = 0;
  const model: LoadedModel = {
    ...fake,
    generate(request, options) {
      asked += 1;
      return generate({ runner: remembering, config, decode: () => "", commonTokens }, request, options);
    },
  };
  const engine: MeasuredEngine = { pid: undefined, load: async () => model, dispose: async () => undefined };
  return { engine, config, encoded, calls: scripted.calls, asked: () => asked };
}

const measure = (engine: MeasuredEngine) =>
  measureModel(engine, "m", { directory: "m", precision: "float32" }, new AbortController().signal);

test("the encoder runs in every round", async () => {
  const { engine, config, encoded, asked } = rememberingEngine();
  await measure(engine);
  assert.ok(asked() > 1);
  assert.equal(encoded.length, asked());
  assert.deepEqual(
    encoded.map((ids) => [ids.length, ids.at(-1)]),
    encoded.map(() => [512, config.eosTokenId]),
  );
});

test("another device is measured with the same inputs", async () => {
  const [first, second] = [rememberingEngine(), rememberingEngine()];
  await measure(first.engine);
  await measure(second.engine);
  assert.deepEqual(first.encoded, second.encoded);
});

test("the first token is waited for by itself, not with those that follow it in a chunk", async () => {
  const { engine, calls, asked } = rememberingEngine();
  await measure(engine);
  const begun = calls.flatMap((call, i) => (call.startsWith("encode") ? [calls[i + 2]] : []));
  assert.deepEqual(begun, Array(asked()).fill("greedy 1"));
});
