/** What is made of a run's lines of output: its story, how it ended, and the scores that a summary reports. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_STORY } from "../../protocol/run-story.ts";
import { addLine, type RunOutput, scoresOf } from "../../server/runs/story.ts";

const evaluation = (number: number, validation: number) => ({
  ...{ type: "evaluation", step: number, loss: null, validation, best: true, samples: [] },
  metrics: { accuracy: { mean: 1 - validation, low: 0, high: 1 }, f1: null },
});
const plan = {
  ...{ type: "plan", task: "classify", base: "b", out: "o", method: "full", reason: "r", learnedParameters: 1 },
  ...{ parameters: 1, examples: 2, validationExamples: 1, steps: 10, notes: [] },
};

function outputOf(...lines: object[]): RunOutput {
  const output: RunOutput = { story: EMPTY_STORY };
  for (const line of lines) addLine(output, line);
  return output;
}

test("the last error is a run's end until it goes on", () => {
  const error = (code: string) => ({ error: { code, message: "why" } });
  assert.deepEqual(outputOf(plan, error("interrupted")).end, { state: "stopped" });
  assert.deepEqual(outputOf(plan, error("memory")).end, { state: "failed", message: "why" });
  assert.equal(outputOf(plan, error("memory"), plan).end, undefined);
  const last = { ...evaluation(2, 0.5), type: undefined };
  const done = { type: "done", out: "o", steps: 2, evaluations: [last], best: last, tokensPerSecond: 1 };
  assert.deepEqual(outputOf(plan, done).end, { state: "done" });
});

test("base and best are reported without their intervals", () => {
  const { story } = outputOf(plan, evaluation(0, 0.9), evaluation(2, 0.25), evaluation(4, 0.5));
  assert.deepEqual(scoresOf(story), {
    base: { step: 0, validation: 0.9, metrics: { accuracy: 0.09999999999999998, f1: null } },
    best: { step: 2, validation: 0.25, metrics: { accuracy: 0.75, f1: null } },
  });
});

test("lines of another shape are passed over", () => {
  assert.deepEqual(outputOf({ type: "tea" }, { type: "step", step: "one" }), { story: EMPTY_STORY });
});
