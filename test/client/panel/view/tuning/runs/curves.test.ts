import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  aligned,
  choices,
  decimated,
  describe,
  linesOf,
  marksOf,
  smoothed,
} from "../../../../../../client/panel/view/tuning/runs/curves.ts";
import { newDetails, withNews } from "../../../../../../client/panel/view/tuning/runs/run-state.ts";
import {
  agreement,
  changes,
  confusedPairs,
  headline,
  metricNames,
} from "../../../../../../client/panel/view/tuning/runs/tuning-results.ts";
import type { Evaluation } from "../../../../../../protocol/training.ts";
import { evaluation, runSummary, step } from "../../../runs.ts";

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });

test("smoothing is TensorBoard's: debiased, so that a level stays level and the first point stays where it is", () => {
  // 0.6 * 0 + 0.4 * 1 = 0.4, over 0.4; then 0.6 * 0.4 + 0.4 * 2 = 1.04, over 0.64.
  assert.deepEqual(
    smoothed([1, 2], 0.6).map((value) => Number(value.toFixed(6))),
    [1, 1.625],
  );
  fc.assert(
    fc.property(finite, fc.double({ min: 0, max: 0.99, noNaN: true }), (level, weight) => {
      for (const value of smoothed(new Array(20).fill(level), weight))
        assert.ok(Math.abs(value - level) <= 1e-6 * (1 + Math.abs(level)));
    }),
  );
  assert.deepEqual(smoothed([3, 1, 2], 0), [3, 1, 2]);
  assert.equal(smoothed([1, Number.NaN, 1], 0.9)[2], 1);
});

test("a thinned line keeps its least and largest values, its order, and no more points than asked for", () => {
  fc.assert(
    fc.property(fc.array(finite, { minLength: 1, maxLength: 500 }), fc.integer({ min: 1, max: 50 }), (y, parts) => {
      const x = y.map((_, i) => i);
      const thin = decimated(x, y, parts);
      assert.ok(thin.x.length <= Math.max(2 * parts, 1));
      assert.equal(Math.min(...thin.y), Math.min(...y));
      assert.equal(Math.max(...thin.y), Math.max(...y));
      thin.x.forEach((at, i) => {
        assert.ok(i === 0 || at > (thin.x[i - 1] ?? 0));
        assert.equal(thin.y[i], y[at]);
      });
    }),
  );
});

test("lines with other steps stand over one axis", () => {
  const lines = [
    { x: [1, 3], y: [10, 30] },
    { x: [2, 3], y: [5, Number.NaN] },
  ];
  assert.deepEqual(aligned(lines), [
    [1, 2, 3],
    [10, null, 30],
    [null, 5, null],
  ]);
});

const details = withNews(newDetails(runSummary("a")), {
  summary: runSummary("a"),
  events: [
    { ...evaluation(0, 5), metrics: { rouge1: { mean: 0.1, low: 0, high: 0.2 }, odd: null } },
    step(1, 4),
    step(2, 3),
    { type: "paused", step: 2 },
    { ...evaluation(2, 4), metrics: { rouge1: { mean: 0.3, low: 0.2, high: 0.4 } } },
  ],
});

test("the curves of a run: the loss raw and smoothed beside that of what was kept out, and its metrics", () => {
  const drawn = (what: string, smoothing: number) =>
    linesOf([details], { what, smoothing, log: false }).map(({ style, x, y }) => [style, ...x, ...y]);
  assert.deepEqual(drawn("loss", 0), [
    ["solid", 1, 2, 4, 3],
    ["points", 0, 2, 5, 4],
  ]);
  assert.deepEqual(
    drawn("loss", 0.5).map(([style]) => style),
    ["faint", "solid", "points"],
  );
  assert.deepEqual(drawn("rouge1", 0.5), [["points", 0, 2, 0.1, 0.3]]);
  assert.deepEqual(drawn("memoryBytes", 0.5), [["solid", 1, 2, 5e8, 5e8]]);
  assert.ok(choices([details]).some(({ value, text }) => value === "rouge1" && text === "ROUGE-1"));
  assert.match(
    describe(linesOf([details], { what: "loss", smoothing: 0, log: false })),
    /training from 4 to 3 at step 2; .* kept out from 5 to 4/,
  );
  assert.deepEqual(marksOf([details]), [{ run: 0, step: 2, text: "Paused." }]);
});

const samples = (...outputs: readonly string[]): Evaluation => ({
  ...{ step: 0, loss: null, validation: 1, metrics: {} },
  samples: outputs.map((output, i) => ({ input: `in ${i}`, target: "the old harbour", output })),
});

test("examples that got better and worse, by the words shared or by being right", () => {
  const base = samples("nothing", "The old harbour.", "old", "x");
  const best = samples("the old", "no", "old", "x");
  const { better, worse, same } = changes(base, best, false);
  assert.deepEqual([better.map(({ input }) => input), worse.map(({ input }) => input), same], [["in 0"], ["in 1"], 2]);
  assert.equal(changes(base, best, true).better.length, 0);
  // 2 of 3 and 2 of 2 words: 2 * 2 / 5. Words count as often as they stand.
  assert.equal(agreement("the old harbour", "The old", false), 0.8);
  assert.equal(agreement("a a b", "a c c", false), 2 / 6);
  assert.deepEqual([agreement("", "", false), agreement("a", "", false), agreement("Yes.", "yes", true)], [1, 0, 1]);
});

test("the labels most often mistaken, with their share", () => {
  const pairs = confusedPairs({
    labels: ["a", "b", "else"],
    counts: [
      [8, 2, 0],
      [3, 1, 1],
      [0, 0, 0],
    ],
  });
  assert.deepEqual(
    pairs.map(({ truth, predicted, count, share }) => [truth, predicted, count, share]),
    [
      ["b", "a", 3, 0.6],
      ["a", "b", 2, 0.2],
      ["b", "else", 1, 0.2],
    ],
  );
});

test("a run is told by its most telling metric, and by its loss where nothing was judged", () => {
  const score = (metrics: Record<string, number | null>, validation = 2) => ({ step: 0, validation, metrics });
  const run = runSummary("a", {
    base: score({ rouge1: 0.1, rougeL: 0.05 }),
    best: score({ rouge1: 0.3, rougeL: 0.2 }),
  });
  assert.deepEqual(headline(run), { name: "ROUGE-L", before: "5.0%", after: "20.0%" });
  assert.deepEqual(headline(runSummary("a", { base: score({ f1: null }, 3) })), {
    name: "Loss",
    before: "3.00",
    after: "",
  });
  assert.deepEqual(metricNames([{ metrics: { strange: 1, exact: 1, accuracy: 1 } }]), ["accuracy", "exact", "strange"]);
});
