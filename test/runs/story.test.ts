/** What is made of a run's lines: steps that were done again are told once, and long curves stay short. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CURVE_POINTS } from "../../protocol/runs.ts";
import { addLine, detailsOf, emptyStory, type Story, scoresOf } from "../../server/runs/story.ts";

const step = (number: number, loss = number) => ({
  ...{ type: "step", step: number, steps: 10, epoch: 1, loss, learningRate: 0.1, gradientNorm: 1 },
  ...{ tokensPerSecond: 100, secondsLeft: 5, memoryBytes: 1e6 },
});
const evaluation = (number: number, validation: number) => ({
  ...{ type: "evaluation", step: number, loss: null, validation, best: true, samples: [] },
  metrics: { accuracy: { mean: 1 - validation, low: 0, high: 1 }, f1: null },
});
const plan = {
  ...{ type: "plan", task: "classify", base: "b", out: "o", method: "full", reason: "r", learnedParameters: 1 },
  ...{ parameters: 1, examples: 2, validationExamples: 1, steps: 10, notes: [] },
};

function told(...lines: object[]): Story {
  const story = emptyStory();
  for (const line of lines) addLine(story, line);
  return story;
}

const steps = ({ curve }: Story) => curve.map((point) => `${point.step}:${point.loss}`).join(" ");

test("a run that goes on from what was saved tells the steps after that anew", () => {
  const first = [plan, evaluation(0, 0.9), step(1), step(2), evaluation(2, 0.5), step(3), step(4)];
  const resumed = told(...first, plan, { type: "resumed", step: 2 }, step(3, 7));
  assert.equal(steps(resumed), "1:1 2:2 3:7");
  assert.equal(resumed.evaluations.length, 2);
  assert.deepEqual(resumed.incidents, [{ step: 2, text: "Went on after step 2." }]);
  // Killed before anything was saved, it begins anew.
  const anew = told(...first, plan, evaluation(0, 0.8), step(1, 9));
  assert.equal(steps(anew), "1:9");
  assert.deepEqual(
    anew.evaluations.map(({ validation }) => validation),
    [0.8],
  );
});

test("a rollback takes back what it undoes, and says why", () => {
  const reason = "The loss of step 4 is no number";
  const rollback = { type: "rollback", step: 4, toStep: 1, learningRate: 0.03, reason };
  const story = told(plan, step(1), step(2), step(3), rollback, step(2, 8));
  assert.equal(steps(story), "1:1 2:8");
  assert.deepEqual(detailsOf(story).incidents, [{ step: 1, text: reason }]);
});

test("its end is the last word, until it goes on", () => {
  const error = (code: string) => ({ error: { code, message: "why" } });
  assert.deepEqual(told(plan, error("interrupted")).end, { state: "stopped" });
  assert.deepEqual(told(plan, error("memory")).end, { state: "failed", message: "why" });
  assert.equal(told(plan, error("memory"), plan).end, undefined);
});

test("base and best are told without their intervals", () => {
  const story = told(plan, evaluation(0, 0.9), evaluation(2, 0.25), evaluation(4, 0.5));
  assert.deepEqual(scoresOf(story), {
    base: { step: 0, validation: 0.9, metrics: { accuracy: 0.09999999999999998, f1: null } },
    best: { step: 2, validation: 0.25, metrics: { accuracy: 0.75, f1: null } },
  });
});

test("a long curve keeps some points, evenly", () => {
  const story = told(plan, ...Array.from({ length: 3 * CURVE_POINTS }, (_, i) => step(i + 1)));
  assert.ok(story.curve.length <= CURVE_POINTS && story.curve.length > CURVE_POINTS / 3, `${story.curve.length}`);
  const gaps = new Set(story.curve.map(({ step: number }, i) => number - (story.curve[i - 1]?.step ?? 0)));
  assert.equal(gaps.size, 1);
});

test("lines of another shape are passed over", () => {
  const story = told({ type: "tea" }, { type: "step", step: "one" });
  assert.deepEqual(story, emptyStory());
});
