/** The arithmetic on logits against plain definitions. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  bestContinuations,
  largest,
  logSumOfExponentials,
  penalizedTokens,
} from "../../../server/engine/search/logits.ts";
import { logSoftmax } from "../../support/models/scripted-runner.ts";

const off = { noRepeatNgramSize: 0, repetitionPenalty: 1, bannedTokens: [] };
const row = fc.float32Array({ minLength: 1, maxLength: 300, noNaN: true, noDefaultInfinity: true, min: -90, max: 60 });

describe("logSumOfExponentials", () => {
  it("is the log of the sum of the exponentials to eight digits", () => {
    fc.assert(
      fc.property(row, (values) => {
        const max = Math.max(...values);
        const exact = max + Math.log(values.reduce((sum, value) => sum + Math.exp(value - max), 0));
        return Math.abs(logSumOfExponentials(values) - exact) < 1.5e-8;
      }),
    );
  });

  it("counts forbidden tokens as nothing", () => {
    assert.ok(Math.abs(logSumOfExponentials(Float32Array.of(-Infinity, 1, -Infinity)) - 1) < 1e-12);
  });
});

describe("largest", () => {
  it("gives what sorting gives, the first of equals first", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        (list, k) => {
          const sorted = [...list.entries()].sort(([i, a], [j, b]) => b - a || i - j).slice(0, k);
          const { ids, best } = largest(Float32Array.from(list), k);
          assert.deepEqual(
            ids,
            sorted.map(([i]) => i),
          );
          assert.deepEqual(
            best,
            sorted.map(([, value]) => value),
          );
        },
      ),
    );
  });

  it("takes neither NaN nor -Infinity", () => {
    assert.deepEqual(largest(Float32Array.of(Number.NaN, -Infinity, 2, Number.NaN, 1), 4), {
      ids: [2, 4],
      best: [2, 1],
    });
  });
});

describe("penalizedTokens", () => {
  const cases: { name: string; history: number[]; size: number; banned: number[] }[] = [
    { name: "nothing before an n-gram is complete", history: [0, 5], size: 3, banned: [] },
    { name: "the token that would complete a bigram again", history: [0, 5, 6, 5], size: 2, banned: [6] },
    { name: "every completion that occurred", history: [5, 6, 5, 7, 5], size: 2, banned: [6, 7] },
    { name: "the start token's bigram too", history: [0, 9, 4, 0], size: 2, banned: [9] },
    { name: "every token for n = 1", history: [0, 5, 6], size: 1, banned: [0, 5, 6] },
    { name: "overlapping trigrams", history: [3, 3, 3, 3], size: 3, banned: [3] },
    { name: "no other trigram", history: [1, 2, 3, 9, 2], size: 3, banned: [] },
  ];
  for (const { name, history, size, banned } of cases) {
    it(`forbids ${name}`, () => {
      const tokens = penalizedTokens(history, { ...off, noRepeatNgramSize: size });
      assert.deepEqual(
        [...tokens]
          .filter(([, forbidden]) => forbidden)
          .map(([token]) => token)
          .sort(),
        banned,
      );
    });
  }

  it("discourages what occurred, and forbids banned tokens whatever else they are", () => {
    const tokens = penalizedTokens([0, 4, 4, 7], { ...off, repetitionPenalty: 1.2, bannedTokens: [7, 9] });
    assert.deepEqual([...tokens].sort(), [
      [0, false],
      [4, false],
      [7, true],
      [9, true],
    ]);
  });
});

describe("bestContinuations", () => {
  it("ranks like a full sort of penalized log probabilities, and leaves the logits as they were", () => {
    const changes = fc.array(fc.tuple(fc.nat(299), fc.boolean()), { maxLength: 20 });
    const penalty = fc.constantFrom(1, 0.8, 1.7);
    fc.assert(
      fc.property(row, changes, penalty, fc.integer({ min: 1, max: 12 }), (values, list, repetitionPenalty, count) => {
        const changed = new Map(list.filter(([token]) => token < values.length));
        const logits = Float32Array.from([...values, ...values]);
        const found = bestContinuations(logits, 1, values.length, count, changed, repetitionPenalty);
        assert.deepEqual(logits, Float32Array.from([...values, ...values]));
        const logProbs = logSoftmax(values);
        const scores = logProbs.map((value, token) => {
          if (changed.get(token) === undefined) return value;
          return changed.get(token) ? -Infinity : value * repetitionPenalty;
        });
        const wanted = scores
          .filter((value) => value > -Infinity)
          .sort((a, b) => b - a)
          .slice(0, count);
        assert.equal(found.length, wanted.length);
        for (const [i, { id, logProb, penalized }] of found.entries()) {
          assert.ok(Math.abs(penalized - (wanted[i] ?? 0)) < 1e-4, `rank ${i}: ${penalized} instead of ${wanted[i]}`);
          assert.ok(Math.abs(penalized - (scores[id] ?? 0)) < 1e-4 && Math.abs(logProb - (logProbs[id] ?? 0)) < 1e-4);
        }
        assert.equal(new Set(found.map(({ id }) => id)).size, found.length);
      }),
    );
  });
});
