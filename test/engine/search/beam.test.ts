/** Beam search against exhaustive search; its agreement with transformers is in test/parity. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { GenerateRequest } from "../../../server/engine/engine.ts";
import { rankedTokens } from "../../../server/engine/search/candidates.ts";
import { generate } from "../../../server/engine/search/generate.ts";
import { logSoftmax, type ScriptedRunner, scriptedRunner } from "../../support/models/scripted-runner.ts";

const config = { padTokenId: 0, eosTokenId: 1, decoderStartTokenId: 0 };
const V = 4;
const commonTokens = rankedTokens([0, 1], [], V);

/** Logits that depend on all tokens so far, without pattern. */
function hashed(seed: number): (tokens: readonly number[], input: number) => number[] {
  return (tokens, input) => {
    const state = tokens.reduce((hash, token) => Math.imul(hash ^ (token + 1), 0x01000193), seed + 97 * input);
    return Array.from({ length: V }, (_, token) => 2 * Math.sin(Math.imul(state + token * 7919, 0x9e3779b9) / 1e5));
  };
}

/** Every sequence of at most `length` tokens that ends with eos or by length, with its log-likelihood. */
function everySequence(logitsOf: (tokens: readonly number[], input: number) => number[], length: number) {
  const all: { ids: number[]; sum: number }[] = [];
  const extend = (ids: number[], sum: number) => {
    const logProbs = logSoftmax(logitsOf([0, ...ids], 0));
    for (const [token, logProb] of logProbs.entries()) {
      const next = { ids: [...ids, token], sum: sum + logProb };
      if (token === 1 || next.ids.length === length) all.push(next);
      else extend(next.ids, next.sum);
    }
  };
  extend([], 0);
  return all;
}

function search(runner: ScriptedRunner, request: Partial<GenerateRequest>) {
  const model = { runner, config, decode: (ids: readonly number[]) => ids.join(" "), commonTokens };
  return generate(model, { inputs: [[5 % V]], maxNewTokens: 4, ...request });
}

describe("beam search", () => {
  it("finds the best of all sequences, in order, when there are enough beams", async () => {
    const seeds = fc.integer({ min: 0, max: 1e6 });
    const penalties = fc.constantFrom(0, 0.6, 1, 2);
    await fc.assert(
      fc.asyncProperty(seeds, penalties, async (seed, lengthPenalty) => {
        const logitsOf = hashed(seed);
        const numBeams = V ** 3; // no hypothesis of 4 tokens is ever dropped
        const request = { numBeams, numReturnSequences: 5, lengthPenalty, earlyStopping: "never" as const };
        const runner = scriptedRunner(V, logitsOf);
        const { sequences } = await search(runner, request);
        const ranked = everySequence(logitsOf, 4)
          .map(({ ids, sum }) => ({ ids, score: sum / ids.length ** lengthPenalty }))
          .sort((a, b) => b.score - a.score);
        for (const [i, { ids, score, finished }] of (sequences[0] ?? []).entries()) {
          const wanted = ranked[i];
          assert.ok(wanted !== undefined && Math.abs(score - wanted.score) < 1e-4, `rank ${i}: ${score}`);
          if (Math.abs(wanted.score - (ranked[i + 1]?.score ?? 0)) > 1e-4) assert.deepEqual(ids, wanted.ids);
          assert.equal(finished, ids.at(-1) === 1);
        }
        assert.equal(sequences[0]?.length, 5);
        assert.equal(runner.alive(), 0);
      }),
      { numRuns: 25 },
    );
  });

  it("gives each token's log probability before penalties", async () => {
    const logitsOf = hashed(3);
    const request = { numBeams: 3, repetitionPenalty: 1.4, noRepeatNgramSize: 2, maxNewTokens: 6 };
    const { sequences } = await search(scriptedRunner(V, logitsOf), request);
    const { ids = [], logProbs = [] } = sequences[0]?.[0] ?? {};
    assert.equal(ids.length, logProbs.length);
    for (const [t, id] of ids.entries()) {
      const exact = logSoftmax(logitsOf([0, ...ids.slice(0, t)], 0))[id] ?? Number.NaN;
      assert.ok(Math.abs((logProbs[t] ?? Number.NaN) - exact) < 1e-5);
    }
  });

  it("searches each input of a batch as it would alone", async () => {
    const logitsOf = hashed(12);
    const request = { numBeams: 3, numReturnSequences: 3, maxNewTokens: 8 };
    const together = await search(scriptedRunner(V, logitsOf), { ...request, inputs: [[2], [3], [2]] });
    for (const input of [0, 1, 2]) {
      const alone = await search(
        scriptedRunner(V, (tokens) => logitsOf(tokens, input)),
        request,
      );
      assert.deepEqual(together.sequences[input], alone.sequences[0]);
    }
  });

  it("feeds no more rows of searches that have closed when they are half of the batch", async () => {
    // Input i ends after i + 1 tokens, or cannot; what else is likely depends on all tokens.
    const other = hashed(5);
    const logitsOf = (tokens: readonly number[], input: number) =>
      other(tokens, input).map((logit, token) => (token !== 1 ? logit : tokens.length > input ? 9 : -99));
    const request = { numBeams: 2, maxNewTokens: 6, earlyStopping: true, inputs: [[2], [3], [2], [3]] };
    const runner = scriptedRunner(V, logitsOf);
    const together = await search(runner, request);
    assert.deepEqual(runner.calls, ["encode 4", "start 4", "step 4x1", "step 8x1", "step 4x1", "step 2x1"]);
    assert.equal(runner.alive(), 0);
    for (const input of [0, 1, 2, 3]) {
      const alone = await search(
        scriptedRunner(V, (tokens) => logitsOf(tokens, input)),
        { ...request, inputs: [[2]] },
      );
      assert.deepEqual(together.sequences[input], alone.sequences[0]);
    }
  });

  it("stops early as soon as there are enough ends, and goes on as long as one could win when told never", async () => {
    // Both beams can end in the second step; going on is nearly sure from then on, so a longer one wins per token.
    const logitsOf = (tokens: readonly number[]) =>
      [
        [-9, 2, 1.9, 1.8],
        [-9, 5, -9, 4.5],
      ][tokens.length - 1] ?? [-9, -9, -9, 5];
    const stopped = await search(scriptedRunner(V, logitsOf), { numBeams: 2, earlyStopping: true, maxNewTokens: 30 });
    const never = await search(scriptedRunner(V, logitsOf), { numBeams: 2, earlyStopping: "never", maxNewTokens: 30 });
    assert.equal(stopped.timing.steps, 2);
    assert.equal(never.timing.steps, 30);
    assert.ok((never.sequences[0]?.[0]?.score ?? 0) > (stopped.sequences[0]?.[0]?.score ?? 0));
  });

  it("gives up what is far below the best finished sequence, and finds the same best one", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), async (seed) => {
        const request = { numBeams: 8, numReturnSequences: 8, lengthPenalty: 0, maxNewTokens: 12 };
        const whole = await search(scriptedRunner(V, hashed(seed)), request);
        const pruned = await search(scriptedRunner(V, hashed(seed)), { ...request, pruneBelow: 1 });
        assert.deepEqual(pruned.sequences[0]?.[0], whole.sequences[0]?.[0]);
        const [best] = whole.sequences[0] ?? [];
        const near = whole.sequences[0]?.filter(({ score }) => best !== undefined && score > best.score - 1);
        assert.deepEqual(pruned.sequences[0]?.slice(0, near?.length), near);
        assert.ok(pruned.timing.steps <= whole.timing.steps);
      }),
      { numRuns: 25, seed: 1 },
    );
    const ends = (tokens: readonly number[]) => (tokens.length === 1 ? [-9, 3, 0, 0] : [-9, -9, 0, 0]);
    const steps = async (pruneBelow: number) =>
      (await search(scriptedRunner(V, ends), { numBeams: 2, maxNewTokens: 12, lengthPenalty: 0, pruneBelow })).timing
        .steps;
    assert.deepEqual([await steps(2), await steps(20)], [1, 12]);
  });

  it("judges by the present length, not the longest, where a negative length penalty favors short sequences", async () => {
    const steps = [
      [0, 0.35, 0.6, 0.05],
      [0, 0.3, 0.01, 0.69],
      [0, 1, 0, 0],
    ];
    const logitsOf = (tokens: readonly number[]) => (steps[tokens.length - 1] ?? []).map((p) => Math.log(p + 1e-9));
    const request = { numBeams: 2, numReturnSequences: 2, lengthPenalty: -1, maxNewTokens: 10 };
    const { sequences } = await search(scriptedRunner(V, logitsOf), { ...request, earlyStopping: "never" });
    assert.deepEqual(
      sequences[0]?.map(({ ids }) => ids),
      [[1], [2, 3, 1]],
    );
  });

  it("gives the beams it has when it is cancelled, finished ones first", async () => {
    const controller = new AbortController();
    const logitsOf = (tokens: readonly number[]) => {
      if (tokens.length === 3) controller.abort();
      return tokens.length === 1 ? [-9, 2, 1.9, 1.8] : [-9, -5, 0, 0.5];
    };
    const runner = scriptedRunner(V, logitsOf);
    const model = { runner, config, decode: () => "", commonTokens };
    const request = { inputs: [[2]], maxNewTokens: 30, numBeams: 2, numReturnSequences: 2 };
    const { sequences, cancelled } = await generate(model, request, { signal: controller.signal });
    assert.equal(cancelled, true);
    assert.deepEqual(
      sequences[0]?.map(({ ids, finished }) => [ids.length, finished]),
      [
        [1, true],
        [3, false],
      ],
    );
    assert.equal(runner.alive(), 0);
  });
});
