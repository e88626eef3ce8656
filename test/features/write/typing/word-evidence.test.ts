import assert from "node:assert/strict";
import { test } from "node:test";
import { chanceOf, type Evidence } from "../../../../server/features/write/typing/word-evidence.ts";

const EVIDENCE: Evidence = {
  ...{ typed: 1, rest: 5, share: 0.4, other: 0.2, whole: 0, total: 0.1, model: 0.4, endLogProb: -0.2, english: 0.3 },
  ...{ frequency: 0.001, pair: 0.1, triple: 0, distance: 100 },
};

const changes: [what: string, change: Partial<Evidence>, likelier: boolean][] = [
  ["all experts together give it more", { share: 0.6 }, true],
  ["it followed the last two words before", { triple: 0.5 }, true],
  ["the model finds that it would not end there", { endLogProb: -3 }, false],
  ["the model was not asked about it", { model: 0, endLogProb: 0 }, false],
];

for (const typed of [0, 1, 5]) {
  for (const [what, change, likelier] of changes) {
    test(`after ${typed} letters a word is ${likelier ? "likelier" : "less likely"} where ${what}`, () => {
      const [before, after] = [chanceOf({ ...EVIDENCE, typed }), chanceOf({ ...EVIDENCE, typed, ...change })];
      assert.equal(after > before, likelier, `${before} and ${after}`);
      assert.ok(before > 0 && before < 1);
    });
  }
}
