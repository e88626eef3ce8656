/** The rounds of `bench infer`: the engine remembers what it encoded, and no timed round is answered from memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Contender, ContenderRun } from "../../../bench/support/contender.ts";
import { idSource } from "../../../bench/support/fresh-ids.ts";
import { leastSameTokens, takeTurns } from "../../../bench/support/rounds.ts";
import { cachingEncoder } from "../../../server/engine/runtime/encoder-cache.ts";
import { generate } from "../../../server/engine/search/generate.ts";
import type { Runner } from "../../../server/engine/search/runner.ts";
import { fakeModel } from "../../support/models/fake-model.ts";
import { scriptedRunner } from "../../support/models/scripted-runner.ts";

const ROUNDS = 3;

function runOf(ids: readonly number[]): ContenderRun {
  return { totalMs: 1, firstTokenMs: 1, msPerToken: 1, ids: [ids], peakBytes: 1 };
}

/** A contender whose engine remembers what it encoded; `encoded` are the inputs that its runner got. */
function rememberingContender(name: string) {
  const config = { ...fakeModel(() => "").info.config, vocabSize: 32_128 };
  const encoded: (readonly number[])[] = [];
  const fives = new Float32Array(config.vocabSize).fill(1, 5, 6);
  const scripted = scriptedRunner(config.vocabSize, () => fives);
  const counted: Runner = {
    ...scripted,
    encode(inputs, signal) {
      encoded.push(...inputs);
      return scripted.encode(inputs, signal);
    },
  };
  const runner = cachingEncoder(counted, config);
  const commonTokens = () => assert.fail("nothing is shortlisted");
  const contender: Contender = {
    name,
    loadMs: 1,
    async generate(inputs, newTokens) {
      const request = { inputs, maxNewTokens: newTokens };
      const { sequences } = await generate({ runner, config, decode: () => "", commonTokens }, request);
      return runOf(sequences[0]?.[0]?.ids ?? []);
    },
    dispose: () => undefined,
  };
  return { contender, encoded };
}

test("the encoder runs in every call, and all contenders get the same inputs in the same order", async () => {
  const [one, two] = [rememberingContender("one"), rememberingContender("two")];
  const runs = await takeTurns([one.contender, two.contender], ROUNDS, idSource(11));
  const [infills = 0, summaries = 0] = [runs[0]?.infills.length, runs[0]?.summaries.length];
  assert.deepEqual([infills, summaries], [ROUNDS, ROUNDS]);
  const calls = 2 * (ROUNDS + 2);
  assert.equal(one.encoded.length, calls, "the timed rounds and two that warm up, of two kinds");
  assert.equal(new Set(one.encoded.map((ids) => ids.join())).size, calls);
  assert.deepEqual(two.encoded, one.encoded);
});

test("inputs are those of the seed", () => {
  const [a, b, other] = [idSource(11), idSource(11), idSource(12)];
  assert.deepEqual([a(), a()], [b(), b()]);
  assert.notDeepEqual(a(), other());
  assert.equal(a().length, 512);
});

test("a contender that ends early is an error", async () => {
  const { contender } = rememberingContender("short");
  const short: Contender = { ...contender, generate: async () => runOf([5]) };
  await assert.rejects(takeTurns([short], 1, idSource(1)), /short gave 1 of 16 tokens/);
});

test("tokens are compared round by round, and the worst round counts", () => {
  assert.equal(leastSameTokens([runOf([1, 2, 3]), runOf([4, 5, 6])], [runOf([1, 2, 3]), runOf([4, 9, 6])]), 1);
  assert.equal(leastSameTokens([runOf([1, 2])], [runOf([1, 2])]), 2);
});
