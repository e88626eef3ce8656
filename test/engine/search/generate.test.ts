/** Generation's behavior around the search: chunks, streaming, cancelling, clean-up, requests that cannot be served. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import type { CallOptions, GenerateRequest } from "../../../server/engine/engine.ts";
import { rankedTokens } from "../../../server/engine/search/candidates.ts";
import { generate, score } from "../../../server/engine/search/generate.ts";
import { logSoftmax, type ScriptedRunner, scriptedRunner } from "../../support/models/scripted-runner.ts";

const config = { padTokenId: 0, eosTokenId: 1, decoderStartTokenId: 0 };
const V = 40;
const commonTokens = rankedTokens([0, 1], [], V);

/** Counts up from 2; eos after `length` tokens. */
function counting(length: number): (tokens: readonly number[], input: number) => number[] {
  return (tokens, input) => {
    const next = tokens.length > length + input ? 1 : 1 + tokens.length;
    return Array.from({ length: V }, (_, token) => (token === next ? 3 : token === 39 ? 2 : Math.sin(token)));
  };
}

/** The same logits after any tokens: 7 best, then 8, then 9. */
const constant = () => Array.from({ length: V }, (_, token) => ({ 7: 5, 8: 4, 9: 3 })[token] ?? -1);

function run(runner: ScriptedRunner, request: Partial<GenerateRequest>, options: CallOptions = {}) {
  const model = { runner, config, decode: (ids: readonly number[]) => ids.join(" "), commonTokens };
  return generate(model, { inputs: [[4, 1]], maxNewTokens: 30, ...request }, options);
}

const idsOf = (result: Awaited<ReturnType<typeof run>>) =>
  result.sequences.map((row) => row.map(({ ids }) => [...ids]));

describe("greedy generation", () => {
  it("begins with a short chunk, streams after each, and ends with eos", async () => {
    const runner = scriptedRunner(V, counting(13));
    const heard: string[] = [];
    const result = await run(runner, {}, { onTokens: (ids, text) => heard.push(`${ids.length}: ${text}`) });
    assert.deepEqual(runner.calls.slice(0, 3), ["encode 1", "start 1", "greedy 1"]);
    assert.equal(heard[0], "1: 2");
    const [sequence] = result.sequences[0] ?? [];
    assert.deepEqual(sequence?.ids, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 1]);
    assert.equal(heard.at(-1), `14: ${sequence?.text}`);
    assert.equal(sequence?.finished, true);
    const { score = Number.NaN, logProbs = [] } = sequence ?? {};
    assert.ok(Math.abs(score - logProbs.reduce((sum, logProb) => sum + logProb, 0) / 14) < 1e-9);
    assert.equal(runner.alive(), 0);
  });

  it("ends each row of a batch where it ends", async () => {
    const result = await run(scriptedRunner(V, counting(2)), { inputs: [[4], [5], [6]], maxNewTokens: 4 });
    assert.deepEqual(idsOf(result), [[[2, 3, 1]], [[2, 3, 4, 1]], [[2, 3, 4, 5]]]);
    assert.deepEqual(
      result.sequences.map((row) => row[0]?.finished),
      [true, true, false],
    );
  });

  it("never makes more tokens than asked for", async () => {
    for (const maxNewTokens of [1, 3, 4, 5, 17]) {
      const runner = scriptedRunner(V, counting(35));
      const result = await run(runner, { maxNewTokens });
      assert.equal(idsOf(result)[0]?.[0]?.length, maxNewTokens);
      const asked = runner.calls.filter((call) => call.startsWith("greedy")).map((call) => Number(call.slice(7)));
      assert.equal(
        asked.reduce((a, b) => a + b),
        maxNewTokens,
      );
    }
  });

  it("stops at a stop token and never gives a banned one", async () => {
    const result = await run(scriptedRunner(V, counting(13)), { stopTokens: [6], bannedTokens: [4] });
    assert.deepEqual(idsOf(result), [[[2, 3, 39, 5, 6]]]);
    assert.equal(result.sequences[0]?.[0]?.finished, true);
  });

  it("feeds a forced prefix, leaves it out of the result and counts its n-grams", async () => {
    const runner = scriptedRunner(V, constant);
    const result = await run(runner, { decoderPrefix: [7, 7, 8], noRepeatNgramSize: 2, maxNewTokens: 4 });
    assert.deepEqual(runner.calls.slice(0, 6), ["encode 1", "start 1", "greedy 1", "greedy 1", "greedy 1", "greedy 1"]);
    // 8 7 is new; after 7 come 7 and 8 already, so 9; 9 7 is new; after 7 all three are used up: the first of the rest.
    assert.deepEqual(idsOf(result), [[[7, 9, 7, 0]]]);
  });

  it("prevents n-grams of sizes that the graph cannot", async () => {
    const one = await run(scriptedRunner(V, constant), { noRepeatNgramSize: 1, maxNewTokens: 3 });
    assert.deepEqual(idsOf(one), [[[7, 8, 9]]]);
    const runner = scriptedRunner(V, constant);
    const six = await run(runner, { noRepeatNgramSize: 8, maxNewTokens: 10 });
    assert.deepEqual(idsOf(six), [[[7, 7, 7, 7, 7, 7, 7, 7, 8, 7]]]);
    assert.ok(!runner.calls.some((call) => call.startsWith("greedy")));
  });
});

describe("sampling", () => {
  const sample = { seed: 4, topK: 0 };

  it("repeats for a seed, differs for another, and draws a row the same whatever lies beside it", async () => {
    const request = { sample, maxNewTokens: 12, inputs: [[4], [5]], numReturnSequences: 3 };
    const first = await run(scriptedRunner(V, counting(30)), request);
    assert.deepEqual(idsOf(await run(scriptedRunner(V, counting(30)), request)), idsOf(first));
    assert.notDeepEqual(
      idsOf(await run(scriptedRunner(V, counting(30)), { ...request, sample: { seed: 5, topK: 0 } })),
      idsOf(first),
    );
    const alone = await run(scriptedRunner(V, counting(30)), { ...request, inputs: [[4]] });
    assert.deepEqual(idsOf(alone)[0], idsOf(first)[0]);
    assert.equal(new Set(idsOf(first).flat().map(String)).size, 6);
  });

  it("returns the sequences best first, with the model's own log probabilities", async () => {
    const logitsOf = counting(30);
    const request = { sample: { ...sample, temperature: 0.5 }, maxNewTokens: 6, numReturnSequences: 4 };
    const [row = []] = (await run(scriptedRunner(V, logitsOf), request)).sequences;
    const scores = row.map((sequence) => sequence.score);
    assert.deepEqual(
      scores,
      scores.toSorted((a, b) => b - a),
    );
    for (const { ids, logProbs } of row) {
      for (const [t, id] of ids.entries()) {
        const exact = logSoftmax(logitsOf([0, ...ids.slice(0, t)], 0))[id] ?? Number.NaN;
        assert.ok(Math.abs((logProbs[t] ?? Number.NaN) - exact) < 1e-5);
      }
    }
  });

  it("applies the penalties", async () => {
    const request = { sample, noRepeatNgramSize: 1, bannedTokens: [8], maxNewTokens: 20 };
    const [ids = []] = idsOf(await run(scriptedRunner(V, constant), request))[0] ?? [];
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(!ids.includes(8));
  });
});

describe("cancelling", () => {
  it("does nothing when the signal has aborted before", async () => {
    const runner = scriptedRunner(V, counting(30));
    const result = await run(runner, {}, { signal: AbortSignal.abort() });
    assert.equal(result.cancelled, true);
    assert.deepEqual(result.sequences, [[]]);
    assert.deepEqual(runner.calls, []);
  });

  for (const [name, request] of Object.entries({ greedy: {}, sampling: { sample: {} } })) {
    it(`stops ${name} after the chunk and keeps its tokens`, async () => {
      const controller = new AbortController();
      const runner = scriptedRunner(V, counting(30));
      const result = await run(runner, request, { signal: controller.signal, onTokens: () => controller.abort() });
      assert.equal(result.cancelled, true);
      assert.equal(idsOf(result)[0]?.[0]?.length, 1);
      assert.equal(result.sequences[0]?.[0]?.finished, false);
      assert.equal(runner.alive(), 0);
    });
  }

  for (const [name, request] of Object.entries({ greedy: {}, beams: { numBeams: 2 }, sampling: { sample: {} } })) {
    it(`hears of a cancellation that only the event loop can bring: ${name}`, async () => {
      const controller = new AbortController();
      const slow = (tokens: readonly number[]) => {
        if (tokens.length === 1) setImmediate(() => controller.abort());
        for (const end = performance.now() + 4; performance.now() < end; );
        return counting(38)(tokens, 0);
      };
      const result = await run(
        scriptedRunner(V, slow),
        { ...request, maxNewTokens: 38 },
        { signal: controller.signal },
      );
      assert.equal(result.cancelled, true);
      assert.ok(result.timing.steps < 20, `${result.timing.steps} steps`);
    });
  }
});

describe("clean-up", () => {
  for (const [name, request] of Object.entries({ greedy: {}, beams: { numBeams: 2 }, sampling: { sample: {} } })) {
    it(`frees the cache and the encoder's result when the runtime fails: ${name}`, async () => {
      const runner = scriptedRunner(V, (tokens) => {
        if (tokens.length > 3) throw new ModelError("runtime", "broken");
        return counting(9)(tokens, 0);
      });
      await assert.rejects(run(runner, request), { code: "runtime", message: "broken" });
      assert.equal(runner.alive(), 0);
    });
  }

  it("says so when no token may come next", async () => {
    const bannedTokens = Array.from({ length: V }, (_, token) => token);
    for (const request of [{ numBeams: 2 }, { sample: {} }]) {
      await assert.rejects(run(scriptedRunner(V, constant), { ...request, bannedTokens }), { code: "runtime" });
    }
  });
});

describe("a request that cannot be served is refused", () => {
  const rows: [Partial<GenerateRequest>, RegExp][] = [
    [{ inputs: [] }, /no input/],
    [{ inputs: [[3], []] }, /inputs\[1\] is empty/],
    [{ inputs: [[3, V]] }, /inputs\[0\] has 40 at index 1/],
    [{ inputs: [[-1]] }, /inputs\[0\] has -1/],
    [{ maxNewTokens: 0 }, /maxNewTokens is 0/],
    [{ maxNewTokens: 1.5 }, /maxNewTokens is 1.5/],
    [{ maxNewTokens: Number.NaN }, /maxNewTokens is NaN/],
    [{ numBeams: 0 }, /numBeams is 0/],
    [{ numReturnSequences: 2 }, /numReturnSequences \(2\) is more than numBeams \(1\)/],
    [{ numBeams: 3, numReturnSequences: 4 }, /numReturnSequences \(4\) is more than numBeams \(3\)/],
    [{ numBeams: 2, sample: {} }, /exclude each other/],
    [{ noRepeatNgramSize: -1 }, /noRepeatNgramSize is -1/],
    [{ repetitionPenalty: 0 }, /repetitionPenalty is 0/],
    [{ lengthPenalty: Number.POSITIVE_INFINITY }, /lengthPenalty is Infinity/],
    [{ sample: { temperature: 0 } }, /temperature is 0/],
    [{ sample: { temperature: -1 } }, /temperature is -1/],
    [{ sample: { topK: -1 } }, /topK is -1/],
    [{ sample: { topP: 0 } }, /topP is 0/],
    [{ sample: { topP: 1.1 } }, /topP is 1.1/],
    [{ sample: { seed: -4 } }, /seed is -4/],
    [{ bannedTokens: [V] }, /bannedTokens has 40/],
    [{ stopTokens: [2, 0.5] }, /stopTokens has 0.5 at index 1/],
    [{ decoderPrefix: [V + 1] }, /decoderPrefix has 41/],
    [{ shortlist: 0 }, /shortlist is 0/],
    [{ copyBias: { afterOne: -1 } }, /copyBias.afterOne is -1/],
  ];
  for (const [request, message] of rows) {
    it(JSON.stringify(request), async () => {
      const runner = scriptedRunner(V, counting(9));
      await assert.rejects(run(runner, request), { name: "ModelError", code: "input", message });
      assert.deepEqual(runner.calls, []);
    });
  }
});

describe("score", () => {
  const model = (runner: ScriptedRunner) => ({ runner, config, decode: () => "", commonTokens });

  it("is the sum of the target's log probabilities, from one pass over all positions", async () => {
    const logitsOf = counting(30);
    const runner = scriptedRunner(V, logitsOf);
    const target = [2, 9, 39, 1];
    const result = await score(model(runner), [5, 1], target);
    assert.deepEqual(runner.calls, ["encode 1", "start 1", "step 1x4"]);
    const exact = target.map((id, t) => logSoftmax(logitsOf([0, ...target.slice(0, t)], 0))[id] ?? Number.NaN);
    for (const [t, logProb] of result.logProbs.entries()) assert.ok(Math.abs(logProb - (exact[t] ?? 0)) < 1e-6);
    assert.ok(Math.abs(result.total - exact.reduce((a, b) => a + b)) < 1e-6);
    assert.deepEqual(result.ids, target);
    assert.equal(runner.alive(), 0);
  });

  it("refuses empty rows and unknown tokens", async () => {
    const rows: [number[], number[], RegExp][] = [
      [[], [1], /input is empty/],
      [[1], [], /target is empty/],
      [[V], [1], /input has 40/],
      [[1], [1, -2], /target has -2/],
    ];
    for (const [input, target, message] of rows) {
      await assert.rejects(score(model(scriptedRunner(V, constant)), input, target), { code: "input", message });
    }
  });
});
