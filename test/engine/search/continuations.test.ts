/** Continuations of several inputs are scored as one by one, and given up where they are hopeless. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rankedTokens } from "../../../server/engine/search/candidates.ts";
import { scoreContinuations } from "../../../server/engine/search/continuations.ts";
import { logSoftmax, scriptedRunner } from "../../support/models/scripted-runner.ts";

const V = 6;
const config = { padTokenId: 0, eosTokenId: 1, decoderStartTokenId: 0 };

/** Logits that depend on all tokens so far; the next of a row of numbers is likely. */
function logitsOf(tokens: readonly number[], input: number): number[] {
  const likely = ((tokens.at(-1) || input) + 1) % V;
  const state = tokens.reduce((hash, token) => 7 * hash + token, input);
  return Array.from({ length: V }, (_, token) => (token === likely ? 6 : Math.sin(token + state)));
}

function modelOf(runner: ReturnType<typeof scriptedRunner>) {
  return { runner, config, decode: () => "", commonTokens: () => rankedTokens([0, 1], [], V)(V) };
}

test("a batch of continuations has the log probabilities that each has alone", async () => {
  const runner = scriptedRunner(V, logitsOf);
  const ids = [
    [[2]],
    [[2, 3, 4, 5], [5, 4], [2]],
    [[3, 1, 2, 4]],
    [
      [3, 2, 1],
      [4, 4, 4],
    ],
  ];
  const floor = Number.NEGATIVE_INFINITY;
  const scored = await scoreContinuations(
    modelOf(runner),
    ids.map(() => [2]),
    {},
    ids.map((each) => ({ ids: each, floor })),
  );
  for (const [input, ofInput] of ids.entries()) {
    for (const [i, continuation] of ofInput.entries()) {
      const expected = continuation.map(
        (id, at) => logSoftmax(logitsOf([0, ...continuation.slice(0, at)], input))[id] ?? Number.NaN,
      );
      for (const [at, logProb] of expected.entries()) {
        assert.ok(Math.abs((scored[input]?.[i]?.[at] ?? Number.NaN) - logProb) < 1e-5, `${input} ${i} ${at}`);
      }
    }
  }
  // Three of the four inputs go on after the first token and the second, two after the third.
  assert.deepEqual(runner.calls.slice(2), ["step 4x1", "step 8x1", "step 8x1", "step 2x1"]);
  assert.equal(runner.alive(), 0);
});

test("a continuation below its floor is given up, and the others are not", async () => {
  const runner = scriptedRunner(V, logitsOf);
  const [[likely, unlikely] = []] = await scoreContinuations(modelOf(runner), [[2]], {}, [
    {
      ids: [
        [1, 2, 3],
        [4, 5, 1],
      ],
      floor: -3,
    },
  ]);
  assert.equal(likely?.length, 3);
  assert.equal(unlikely, undefined);
  assert.deepEqual(runner.calls.slice(2), ["step 1x1", "step 1x1", "step 1x1"]);
});
