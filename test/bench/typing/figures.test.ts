import assert from "node:assert/strict";
import { test } from "node:test";
import { type Run, rowsOf } from "../../../bench/typing/figures.ts";
import type { Typed } from "../../../bench/typing/typist.ts";

function typed(keysAlone: number, keys: number, more: Partial<Typed> = {}): Typed {
  const none = { shown: 0, accepted: 0, whole: 0, vain: 0, late: 0, answers: [], trials: [] };
  return { keysAlone, keys, ...none, ...more };
}

function runs(system: string, ...all: Typed[]): Run[] {
  return all.map((one) => ({ system, kind: "markdown", place: "within", source: "test", typed: one }));
}

test("shares are of all paragraphs together, and the net gain is charged for what is shown in vain", () => {
  const [row] = rowsOf(
    runs(
      "product",
      typed(100, 80, { shown: 8, accepted: 6, whole: 3, vain: 2 }),
      typed(300, 280, { shown: 2, accepted: 0, vain: 2 }),
    ),
    0,
  );
  assert.equal(row?.saved?.mean, 10);
  assert.equal(row?.accepted?.mean, 60);
  assert.equal(row?.whole?.mean, 30);
  assert.equal(row?.vain?.mean, 1);
  assert.equal(row?.net?.mean, 8.5);
  const { low = 0, high = 0 } = row?.saved ?? {};
  assert.ok(low < 10 && high > 10);
});

test("systems are compared on the same paragraphs", () => {
  const rows = rowsOf([...runs("a", typed(10, 9), typed(10, 5)), ...runs("b", typed(10, 8), typed(10, 4))], 0);
  assert.deepEqual(rows[1]?.against, { mean: 10, low: 10, high: 10 });
});

test("nothing shown gives no share, and no time where no answer came", () => {
  const [row] = rowsOf(runs("silent", typed(10, 10)), 0);
  assert.deepEqual([row?.saved?.mean, row?.accepted, row?.net?.mean], [0, null, 0]);
  assert.ok(Number.isNaN(row?.newWordMs.p95));
});
