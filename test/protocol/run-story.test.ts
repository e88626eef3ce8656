/** A run's story is the same for a panel that was open all along and for one that was opened later. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { newDetails, withNews } from "../../client/panel/view/tuning/runs/run-state.ts";
import { CURVE_POINTS, EMPTY_STORY, fold, type RunStory } from "../../protocol/run-story.ts";
import type { RunDetails } from "../../protocol/runs.ts";
import type { TrainEvent } from "../../protocol/training.ts";
import { addLine } from "../../server/runs/story.ts";
import { evaluation, runSummary, step } from "../client/panel/runs.ts";
import { growth } from "../support/growth.ts";

/** What happens to a run, in the order in which it can happen. */
type Act =
  | { readonly kind: "steps"; readonly count: number }
  | { readonly kind: "evaluate" }
  | { readonly kind: "save" }
  | { readonly kind: "roll back" }
  | { readonly kind: "pause"; readonly brief: boolean; readonly goesOn: boolean }
  /**
   * The process is killed before it writes its last events, and another goes on: from the start where the state is
   * damaged.
   */
  | { readonly kind: "kill"; readonly lost: number; readonly damaged: boolean };

const acts = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("steps" as const), count: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("steps" as const), count: fc.nat({ max: 9000 }) }) },
    { weight: 5, arbitrary: fc.constantFrom({ kind: "evaluate" }, { kind: "save" }, { kind: "roll back" }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("pause" as const), brief: fc.boolean(), goesOn: fc.boolean() }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("kill" as const), lost: fc.nat({ max: 4 }), damaged: fc.boolean() }),
    },
  ),
  { minLength: 1, maxLength: 30 },
) satisfies fc.Arbitrary<Act[]>;

/**
 * The events that a trainer sends (server/training/run/train.ts): each figure occurs once, so that a step done again
 * differs.
 */
function eventsOf(actions: readonly Act[], ends: boolean): TrainEvent[] {
  const events: TrainEvent[] = [];
  let saved: number | undefined;
  let step = 0;
  const unique = () => events.length + 0.5;

  const save = () => {
    saved = step;
    events.push({ type: "saved", step });
  };
  const evaluate = () => {
    save();
    const figures = { loss: unique(), validation: unique(), metrics: {}, samples: [], best: false };
    events.push({ type: "evaluation", step, ...figures });
  };
  const start = () => {
    const paths = { task: "classify", base: "b", out: "o", method: "full", reason: "r" } as const;
    const counts = { learnedParameters: 1, parameters: 1, examples: events.length, validationExamples: 1, steps: 1e6 };
    events.push({ type: "plan", ...paths, ...counts, notes: [] });
    if (saved === undefined) {
      step = 0;
      evaluate();
    } else {
      step = saved;
      events.push({ type: "resumed", step });
    }
    const memory = { memoryBytes: 1, freeMemoryBytes: 1, diskBytes: 1 };
    events.push({ type: "estimate", stepSeconds: 1, secondsPerEpoch: 1, seconds: unique(), ...memory });
  };
  const kill = (lost: number, damaged: boolean) => {
    events.splice(events.length - lost, lost);
    if (damaged) saved = undefined;
    start();
  };

  start();
  for (const act of actions) {
    if (act.kind === "steps") {
      for (let i = 0; i < act.count; i += 1) {
        step += 1;
        const figures = { learningRate: 0.1, gradientNorm: 1, tokensPerSecond: 100, memoryBytes: 1e6 };
        const progress = { steps: 1e6, epoch: 1, secondsLeft: unique() };
        events.push({ type: "step", step, loss: unique(), ...figures, ...progress });
      }
    } else if (act.kind === "evaluate") evaluate();
    else if (act.kind === "save") save();
    else if (act.kind === "roll back") {
      const [from, toStep] = [step + 1, saved ?? 0];
      events.push({ type: "rollback", step: from, toStep, learningRate: unique(), reason: "The loss is no number." });
      step = toStep;
      save();
    } else if (act.kind === "pause") {
      if (!act.brief) save();
      events.push({ type: "paused", step, ...(act.brief && { brief: true as const }) });
      if (act.goesOn) events.push({ type: "continued", step });
      else kill(0, false);
    } else kill(act.lost, act.damaged);
  }
  const last = { step, loss: 1, validation: unique(), metrics: {}, samples: [] };
  if (ends) events.push({ type: "done", out: "o", steps: step, evaluations: [last], best: last, tokensPerSecond: 1 });
  return events;
}

const summary = runSummary("a");

/** A panel that hears each event as it happens. */
function live(details: RunDetails, events: readonly TrainEvent[]): RunDetails {
  return events.reduce((before, event) => withNews(before, { summary, events: [event] }), details);
}

/** A panel that is opened after some events: the server hands out what it made of their lines. */
function reopened(events: readonly TrainEvent[]): RunDetails {
  const output = { story: EMPTY_STORY };
  for (const event of events) addLine(output, JSON.parse(JSON.stringify(event)));
  return JSON.parse(JSON.stringify({ summary, ...output.story }));
}

test("a panel opened at any moment of a run comes to the same story as one that was open all along", () => {
  fc.assert(
    fc.property(acts, fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true }), (actions, ends, share) => {
      const events = eventsOf(actions, ends);
      const cut = Math.round(share * events.length);
      const open = live(newDetails(summary), events);
      assert.deepEqual(live(reopened(events.slice(0, cut)), events.slice(cut)), open);
      assert.deepEqual(withNews(newDetails(summary), { summary, events }), open);
    }),
    { numRuns: 40 },
  );
});

const told = (...events: readonly TrainEvent[]): RunStory => events.reduce(fold, EMPTY_STORY);
const losses = ({ curve }: RunStory) => curve.map((point) => `${point.step}:${point.loss}`).join(" ");
const evaluated = ({ evaluations }: RunStory) => evaluations.map((one) => `${one.step}:${one.validation}`).join(" ");

test("a run that goes on from what was saved replaces the steps after that", () => {
  const first = [evaluation(0, 9), step(1, 1), step(2, 2), evaluation(2, 5), step(3, 3), step(4, 4), evaluation(4, 6)];
  const resumed = told(...first, { type: "resumed", step: 2 });
  assert.deepEqual([losses(resumed), evaluated(resumed), resumed.step], ["1:1 2:2", "0:9 2:5", 2]);
  assert.equal(resumed.latest?.step, 2);
  assert.deepEqual(resumed.incidents, [{ kind: "resumed", step: 2 }]);
  assert.equal(losses(fold(resumed, step(3, 7))), "1:1 2:2 3:7");
  // Killed before anything was saved, or with a damaged state, it begins anew without a word.
  const anew = told(...first, evaluation(0, 8));
  assert.deepEqual([losses(anew), evaluated(anew), anew.latest], ["", "0:8", undefined]);
  assert.equal(losses(fold(anew, step(1, 9))), "1:9");
});

test("a rollback takes back what it undoes", () => {
  const rollback = { type: "rollback", step: 4, toStep: 2, learningRate: 0.03, reason: "why" } as const;
  const story = told(step(1, 1), step(2, 2), evaluation(2), step(3, 3), evaluation(3), rollback, step(3, 8));
  assert.deepEqual([losses(story), evaluated(story)], ["1:1 2:2 3:8", "2:3"]);
  assert.deepEqual(story.incidents, [{ kind: "rollback", step: 4, toStep: 2, learningRate: 0.03 }]);
});

test("a pause that a person asked for is an incident; a brief one is only a state", () => {
  const [paused, continued] = [{ type: "paused", step: 2 } as const, { type: "continued", step: 2 } as const];
  const brief = told({ ...paused, brief: true });
  assert.deepEqual([brief.pause, fold(brief, continued)], ["briefly", EMPTY_STORY]);
  assert.equal(told(paused).pause, "asked");
  assert.deepEqual(told(paused, continued), {
    ...EMPTY_STORY,
    incidents: [
      { kind: "paused", step: 2 },
      { kind: "continued", step: 2 },
    ],
  });
});

test("a long curve keeps a bounded number of evenly spaced steps, and the newest step beside them", () => {
  let story = EMPTY_STORY;
  for (let number = 1; number <= 4 * CURVE_POINTS + 1; number += 1) {
    story = fold(story, step(number));
    if (number % 100 !== 1) continue;
    const gaps = new Set(story.curve.map((point, i) => point.step - (story.curve[i - 1]?.step ?? 0)));
    assert.equal(gaps.size, 1, `after step ${number}`);
    assert.ok(story.curve.length <= CURVE_POINTS, `${story.curve.length} points after step ${number}`);
    assert.ok(story.curve.length >= Math.min(number, CURVE_POINTS) / 2 - 1, `${story.curve.length} after ${number}`);
  }
  assert.equal(story.latest?.step, 4 * CURVE_POINTS + 1);
});

test("the time to fold a run grows with its steps, not with their square", () => {
  const times = growth((steps) => {
    let story = EMPTY_STORY;
    for (let number = 1; number <= steps; number += 1) story = fold(story, step(number));
    assert.ok(story.curve.length <= CURVE_POINTS);
  }, 5000);
  assert.ok(times < 10, `four times the steps took ${times.toFixed(1)} times as long`);
});
