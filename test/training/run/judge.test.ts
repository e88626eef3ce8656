/** What outputs are worth by each metric; correlations beside numpy's. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LoadedModel } from "../../../server/engine/engine.ts";
import { judge, type Metric, metricsOf } from "../../../server/training/run/judge.ts";

describe("metrics", () => {
  const cases: [metric: Metric, accepted: string[][], outputs: string[], expected: Record<string, number>][] = [
    ["squad", [["in France", "France"], ["old"]], ["the France.", "new"], { exact: 0.5, f1: 0.5 }],
    ["rouge", [["a fine day"], ["x"]], ["a fine day", "y"], { rouge1: 0.5, rougeL: 0.5, exact: 0.5 }],
    ["labels", [["a"], ["b"], ["b"], ["a"]], ["A", "b", "a", "none"], { accuracy: 0.5, macroF1: (0.5 + 2 / 3) / 2 }],
    // numpy.corrcoef of [0, 1, 1, 0, 1] and [0, 1, 0, 0, 1]
    ["labels", [["a"], ["b"], ["b"], ["a"], ["b"]], ["a", "b", "a", "a", "b"], { matthews: 0.66667 }],
    ["fills", [["one\ntwo"], ["three"]], ["one\nto", "three"], { exact: 2 / 3 }],
    // numpy.corrcoef of the values and of their ranks, for [1, 2, 3, 4, 5] and [1.2, 1.9, 3.4, 3.4, 1]
    [
      "similarity",
      [["1.0"], ["2.0"], ["3.0"], ["4.0"], ["5.0"]],
      ["1.2", "1.9", "3.4", "3.4", "1"],
      { pearson: 0.14958, spearman: -0.0513 },
    ],
  ];
  for (const [metric, accepted, outputs, expected] of cases) {
    it(metric, () => {
      const { metrics } = metricsOf(metric, accepted, outputs, 1);
      for (const [name, value] of Object.entries(expected)) {
        assert.ok(
          Math.abs((metrics[name]?.mean ?? Number.NaN) - value) < 1e-4,
          `${name}: ${metrics[name]?.mean}, not ${value}`,
        );
        assert.ok((metrics[name]?.low ?? 2) <= value && value <= (metrics[name]?.high ?? -2));
      }
    });
  }

  it("tells what was taken for what, of few labels", () => {
    const { confusion } = metricsOf("labels", [["a"], ["b"], ["b"]], ["a", "a", "c"], 1);
    assert.deepEqual(confusion, {
      labels: ["a", "b", "(no label)"],
      counts: [
        [1, 0, 0],
        [1, 0, 1],
      ],
    });
    const many = Array.from({ length: 30 }, (_, i) => `label ${i}`);
    assert.equal(
      metricsOf(
        "labels",
        many.map((one) => [one]),
        many,
        1,
      ).confusion,
      undefined,
    );
  });

  it("compares fills gap by gap, of both sides' tokens", async () => {
    // 90, 91, ... are sentinels; a token's text is its number.
    const model = {
      info: { sentinelIds: [90, 91, 92] },
      decode: async (ids: readonly number[]) => ids.filter((id) => id > 1).join(" "),
      generate: async () => ({ sequences: [[{ ids: [90, 5, 6, 91, 8, 92, 1], text: "" }]] }),
    } as unknown as LoadedModel;
    const example = { input: [3, 90, 4, 91, 1], target: [90, 5, 6, 91, 7, 92, 1] };
    const { metrics, outputs, accepted } = await judge(model, "fills", [{ example, text: "", accepted: [] }], 8, 1);
    assert.deepEqual([outputs, accepted], [["5 6\n8"], [["5 6\n7"]]]);
    assert.equal(metrics["exact"]?.mean, 0.5);
  });
});
