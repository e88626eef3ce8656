/** The comparison of a run's base and model: when it is offered, what it shows, and when it is forgotten. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TemplateResult } from "lit";
import { newDetails } from "../../../../../../client/panel/view/tuning/runs/run-state.ts";
import { costOf, layerRows, mostMoved } from "../../../../../../client/panel/view/tuning/runs/similarity.ts";
import { similarityView } from "../../../../../../client/panel/view/tuning/runs/similarity-view.ts";
import {
  FIRST_TUNING,
  reduceTuning,
  type TuningMessage,
  type TuningState,
} from "../../../../../../client/panel/view/tuning/tuning-state.ts";
import type { Comparison } from "../../../../../../protocol/comparison.ts";
import type { RunSummary } from "../../../../../../protocol/runs.ts";
import type { TrainEvent } from "../../../../../../protocol/training.ts";
import { runSummary } from "../../../runs.ts";

const layer = (stack: "encoder" | "decoder", at: number, cka: number | null) => ({ stack, layer: at, other: at, cka });
const COMPARISON: Comparison = {
  ...{ first: "own", second: "tuned-a", examples: 7, tokens: 812, notes: ["2 rows are left out"] },
  layers: [layer("encoder", 0, 1), layer("encoder", 1, 0.91), layer("encoder", 2, null), layer("decoder", 0, 0.2)],
  losses: [
    { kind: null, first: 3.25, second: 1.5 },
    { kind: "typos", first: 3.75, second: 1.25 },
  ],
};
const DONE = runSummary("a", { state: "done", usable: true, step: 100 });

/** What a template says, with its values, in one line. */
function words(template: unknown): string {
  if (Array.isArray(template)) return template.map(words).join(" ");
  if (typeof template !== "object" || template === null) return typeof template === "function" ? "" : String(template);
  const { strings, values } = template as TemplateResult;
  return strings
    .map((text, i) => `${text}${words(values[i] ?? "")}`)
    .join("")
    .replace(/\s+/g, " ");
}

function shown(summary: RunSummary, tuning: TuningState, plan?: Extract<TrainEvent, { type: "plan" }>) {
  const details = { ...newDetails(summary), ...(plan && { plan }) };
  return words(similarityView(details, tuning.comparisons[summary.id], async () => undefined));
}

function after(...messages: readonly TuningMessage[]): TuningState {
  return messages.reduce(reduceTuning, FIRST_TUNING);
}

const answered = (answer: Comparison): TuningMessage => ({
  type: "comparison",
  id: "a",
  query: { key: "a", working: false, answer },
});

test("a run that has ended with a model of other weights offers to compare it with its base, and no other run", () => {
  const offer = /id="compare-with-base"/;
  const planned = (method: "full" | "lora" | "bottleneck" | "prompt") =>
    shown(DONE, FIRST_TUNING, { type: "plan", method } as Extract<TrainEvent, { type: "plan" }>);
  for (const offering of [shown(DONE, FIRST_TUNING), planned("full"), planned("lora")]) assert.match(offering, offer);
  for (const none of [planned("bottleneck"), planned("prompt")]) assert.equal(none, "");
  assert.equal(shown({ ...DONE, usable: false }, FIRST_TUNING), "");
  for (const state of ["starting", "running", "paused"] as const)
    assert.equal(shown({ ...DONE, state }, FIRST_TUNING), "");
});

test("while it compares there is nothing to press, and a failure is told and can be tried again", () => {
  const query = { key: "a", working: true };
  const working = shown(DONE, after({ type: "comparison", id: "a", query }));
  assert.match(working, /role="status">Comparing…</);
  assert.doesNotMatch(working, /compare-with-base/);
  const failed = { key: "a", working: false, failure: "own is a LongT5" };
  const telling = shown(DONE, after({ type: "comparison", id: "a", query: failed }));
  assert.match(telling, /role="alert">✕ own is a LongT5</);
  assert.match(telling, /compare-with-base/);
});

test("a comparison is two tables: similarity by layer, and what slips add to both losses", () => {
  const text = shown(DONE, after(answered(COMPARISON)));
  assert.doesNotMatch(text, /compare-with-base/);
  assert.match(text, /On 7 examples that were kept out, 812 tokens\./);
  assert.match(text, /<th scope="row">Embedding<\/th> ?<td class="figure">1\.000 .*?<td class="figure">0\.200 /);
  assert.match(text, /<th scope="row">1<\/th> ?<td class="figure">0\.910 .*?width: 91px.*?<td class="figure">–<\/td>/);
  assert.match(text, /Training moved layer 1 of the encoder most\./);
  assert.match(text, /The text as it is<\/th> ?<td class="figure">3\.250<\/td> ?<td class="figure">1\.500</);
  assert.match(text, /Typos<\/th> ?<td class="figure">\+0\.500<\/td> ?<td class="figure">−0\.250</);
  assert.match(text, /⚠ 2 rows are left out/);
});

test("layers of both stacks stand beside each other, and the least similar is named unless all are the same", () => {
  assert.deepEqual(layerRows(COMPARISON.layers), [
    { layer: 0, encoder: 1, decoder: 0.2 },
    { layer: 1, encoder: 0.91, decoder: undefined },
    { layer: 2, encoder: null, decoder: undefined },
  ]);
  assert.equal(mostMoved(COMPARISON.layers)?.cka, 0.91);
  assert.equal(mostMoved([layer("decoder", 0, 0.5), layer("decoder", 1, 0.99951)]), undefined);
  const [, typos = { kind: "", first: 0, second: 0 }] = COMPARISON.losses;
  assert.equal(costOf([], typos, "first"), "3.750");
});

test("a comparison is forgotten when its run goes on, or is deleted", () => {
  const known = after({ type: "runs", runs: [DONE] }, answered(COMPARISON));
  const told = (summary: RunSummary) => reduceTuning(known, { type: "news", news: { summary, events: [] } });
  assert.deepEqual(told({ ...DONE, title: "renamed" }).comparisons, known.comparisons);
  assert.deepEqual(told({ ...DONE, state: "running" }).comparisons, {});
  assert.deepEqual(reduceTuning(known, { type: "removed", id: "a" }).comparisons, {});
});
