/** Which tokens a shortlist holds, where they stand, and what copying is worth. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { inColumns, rankedTokens, shortlisted, wholeVocabulary } from "../../../server/engine/search/candidates.ts";
import { copyBonuses } from "../../../server/engine/search/copying.ts";

describe("shortlists", () => {
  it("begin with what is always there, then the most frequent, then the least ids; one object a size", () => {
    const common = rankedTokens([9, 0], [5, 9, 7, 3], 12);
    assert.deepEqual(common(3).ids, [9, 0, 5, 7]);
    assert.deepEqual(common(6).ids, [9, 0, 5, 7, 3, 1]);
    assert.deepEqual(
      common(100).ids.toSorted((a, b) => a - b),
      [...Array(12).keys()],
    );
    assert.equal(common(6), common(6));
  });

  it("give every wanted token one column, and back", () => {
    const id = fc.nat(40);
    fc.assert(
      fc.property(fc.array(id), fc.array(id), fc.integer({ min: 1, max: 20 }), (wanted, frequent, size) => {
        const candidates = shortlisted(rankedTokens([0, 1], frequent, 41)(size), wanted);
        const columns = [...Array(candidates.count).keys()];
        assert.ok(wanted.every((token) => candidates.columnOf(token) !== undefined));
        assert.deepEqual(
          columns.map((column) => candidates.columnOf(candidates.idOf(column))),
          columns,
        );
        const known = new Map(Array.from({ length: 41 }, (_, token) => [token, token]));
        assert.equal(inColumns(candidates, known).size, candidates.count);
        assert.equal(inColumns(wholeVocabulary(41), known), known);
      }),
    );
  });
});

describe("copyBonuses", () => {
  const bias = { anywhere: 1, afterOne: 10, afterTwo: 100 };
  const source = [4, 5, 6, 4, 5, 7, 5, 8];
  const cases: [string, number[], [number, number][]][] = [
    [
      "nothing of the source was produced",
      [0],
      [
        [4, 1],
        [5, 1],
        [6, 1],
        [7, 1],
        [8, 1],
      ],
    ],
    [
      "the last token stands in the source",
      [0, 5],
      [
        [4, 1],
        [5, 1],
        [6, 11],
        [7, 11],
        [8, 11],
      ],
    ],
    [
      "the last two stand there too",
      [0, 4, 5],
      [
        [4, 1],
        [5, 1],
        [6, 101],
        [7, 101],
        [8, 11],
      ],
    ],
    [
      "the last one ends the source",
      [0, 8],
      [
        [4, 1],
        [5, 1],
        [6, 1],
        [7, 1],
        [8, 1],
      ],
    ],
  ];
  for (const [name, produced, expected] of cases) {
    it(`when ${name}`, () => {
      const bonuses = [...copyBonuses(source, produced, bias)].sort(([a], [b]) => a - b);
      assert.deepEqual(bonuses, expected);
    });
  }
});
