import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sizeInWords } from "../../../../base/figures.ts";
import { chartData, paretoFront } from "../../../../client/panel/view/models/chart-data.ts";
import { recommend } from "../../../../client/panel/view/models/recommend.ts";
import { arranged, cellText, duration, measured, stateText } from "../../../../client/panel/view/models/rows.ts";
import {
  asksForDevices,
  drawnRows,
  hostOfText,
  initialState,
  type Message,
  ROW_PX,
  reduce,
  type State,
  savedOf,
  selectedRow,
  shownRows,
} from "../../../../client/panel/view/state.ts";
import type { Job, ModelRow } from "../../../../protocol/panel/models.ts";
import { fromPageSchema } from "../../../../protocol/panel.ts";
import { modelRow, timed } from "../rows.ts";

const SCORE = { metric: "GLUE", source: "a paper" };
const installed = { directory: "/m", sizeBytes: 12e6, removable: false };
const MODELS: readonly ModelRow[] = [
  modelRow("own", {
    family: "built-in",
    parameters: 12e6,
    installed,
    flops: 3e9,
    measurements: [timed("own", 66)],
    layers: 2,
  }),
  modelRow("t5-small", { quality: [{ ...SCORE, value: 77.4 }] }),
  modelRow("t5-base", { parameters: 220e6, layers: 12, quality: [{ ...SCORE, value: 82.7 }] }),
  modelRow("wide", { family: "t5-efficient", parameters: 221e6, layers: 6, needsFineTuning: true }),
  modelRow("deep", { family: "t5-efficient", parameters: 220e6, layers: 24, needsFineTuning: true }),
  modelRow("odd", { family: "t5-efficient", parameters: null, downloadable: false, variant: "shared-heads" }),
];
const LISTED = after(initialState(), { type: "list", list: { models: MODELS, jobs: [], builtIn: "own" } });

function after(state: State, ...messages: readonly Message[]): State {
  return messages.reduce(reduce, state);
}
const ids = (rows: readonly ModelRow[]) => rows.map(({ id }) => id);

test("the list comes with a selection, a kind of quality and a model to try", () => {
  assert.equal(selectedRow(LISTED)?.id, "own");
  assert.equal(LISTED.quality, "GLUE (a paper)");
  assert.equal(LISTED.trial.id, "own");
  // What was selected before stays, unless it is gone.
  const list = { models: MODELS, jobs: [], builtIn: "own" };
  assert.equal(after(LISTED, { type: "select", id: "deep" }, { type: "list", list }).selected, "deep");
  const fewer = { ...list, models: MODELS.slice(0, 2) };
  assert.equal(after(LISTED, { type: "select", id: "deep" }, { type: "list", list: fewer }).selected, "own");
});

const filters: [what: string, filter: Partial<State["filter"]>, expected: string[]][] = [
  ["nothing", {}, ["own", "t5-small", "t5-base", "deep", "wide", "odd"]],
  ["a word", { text: "T5" }, ["t5-small", "t5-base", "deep", "wide", "odd"]],
  ["two words", { text: "efficient dee" }, ["deep"]],
  ["more than so many layers", { text: "layers>6" }, ["t5-base", "deep"]],
  ["less than so many parameters", { text: "parameters<61" }, ["own", "t5-small", "odd"]],
  ["installed ones", { only: "installed" }, ["own"]],
  ["usable ones", { only: "ready" }, ["own", "t5-small", "t5-base", "odd"]],
  ["a family", { family: "t5-1.0" }, ["t5-small", "t5-base"]],
  ["nothing like it", { text: "xyzzy" }, []],
];
for (const [what, change, expected] of filters) {
  test(`the table shows what a filter by ${what} lets through, by parameters`, () => {
    assert.deepEqual(ids(shownRows(after(LISTED, { type: "filter", change }))), expected);
  });
}

test("a column sorts up, then down; what is not known comes last both times", () => {
  const up = after(LISTED, { type: "sort", column: "layers" }, { type: "sort", column: "parameters" });
  assert.deepEqual(ids(shownRows(up)).at(-1), "odd");
  const down = after(up, { type: "sort", column: "parameters" });
  assert.deepEqual(ids(shownRows(down)), ["wide", "t5-base", "deep", "t5-small", "own", "odd"]);
  const names = ["a-nl12", "a-nl2", "a-nl36"].map((id) => modelRow(id));
  const sorting = { column: "id", descending: false } as const;
  assert.deepEqual(ids(arranged(names, { text: "", only: "all", family: "" }, sorting)), ["a-nl2", "a-nl12", "a-nl36"]);
});

test("the selection moves by rows and stops at the ends", () => {
  const move = (by: number): Message => ({ type: "move", by });
  assert.equal(after(LISTED, move(1)).selected, "t5-small");
  assert.equal(after(LISTED, move(1), move(-5)).selected, "own");
  assert.equal(after(LISTED, move(99)).selected, "odd");
  const none = after(LISTED, { type: "filter", change: { text: "xyzzy" } });
  assert.equal(after(none, move(1)).selected, "own");
});

test("only the rows in sight and a few around them are drawn, wherever the table is scrolled", () => {
  const many = Array.from({ length: 500 }, (_, i) => modelRow(`m${i}`));
  const state = after(LISTED, { type: "list", list: { models: many, jobs: [], builtIn: "m0" } });
  const property = fc.property(
    fc.integer({ min: 0, max: 20_000 }),
    fc.integer({ min: 0, max: 3000 }),
    (top, height) => {
      const scrolled = after(state, { type: "scroll", top, height });
      const rows = shownRows(scrolled);
      const { start, rows: drawn } = drawnRows(scrolled, rows);
      assert.deepEqual(drawn, rows.slice(start, start + drawn.length));
      assert.ok(drawn.length <= height / ROW_PX + 22, `${drawn.length}`);
      const first = Math.floor(top / ROW_PX);
      const last = Math.min(Math.ceil((top + height) / ROW_PX), rows.length);
      for (let i = first; i < last; i += 1)
        assert.ok(i >= start && i < start + drawn.length, `${i} of ${first} to ${last}`);
    },
  );
  fc.assert(property, { seed: 1, numRuns: 200 });
});

test("a download's end is told once, a failure with what to do", () => {
  const job = (state: Job["state"], more: Partial<Job> = {}): Message => ({
    type: "job",
    job: { id: "t5-small", kind: "get", state, ...more },
  });
  const running = after(LISTED, job("running", { doneBytes: 25, totalBytes: 100 }));
  const row = MODELS[1];
  assert.ok(row);
  assert.equal(stateText(row, running.jobs["t5-small"]), "downloading 25%");
  assert.deepEqual(running.notices, []);
  const done = after(running, job("done"), job("done"));
  assert.deepEqual(done.notices, [{ kind: "done", text: "t5-small is downloaded and can be used." }]);
  const failed = after(running, job("failed", { message: "The hub is gone. Try again." }));
  assert.deepEqual(failed.notices, [{ kind: "failed", text: "The hub is gone. Try again." }]);
  assert.equal(stateText(row, failed.jobs["t5-small"]), "failed");
  assert.deepEqual(after(running, job("stopped")).notices, []);
  assert.deepEqual(after(failed, { type: "dismiss", index: 0 }).notices, []);
  assert.equal(stateText(row, after(running, { type: "gone" }).jobs["t5-small"]), "");
});

test("what is kept over a reload comes back, and nothing else is taken for it", () => {
  const changes: Message[] = [
    { type: "page", page: "playground" },
    { type: "view", view: "chart" },
    { type: "filter", change: { text: "deep" } },
    { type: "trial", change: { text: "Some text", numBeams: 4 } },
    { type: "tried", results: [{ id: "own", failure: "no" }] },
  ];
  const state = after(LISTED, ...changes);
  const again = initialState(JSON.parse(JSON.stringify(savedOf(state))));
  assert.deepEqual(savedOf(again), savedOf(state));
  assert.equal(again.list, undefined);
  for (const other of [undefined, null, 7, "x", {}, { version: 0 }, { version: 1 }]) {
    assert.deepEqual(initialState(other), initialState());
  }
});

test("the front holds the models that no other beats", () => {
  const point = (id: string, cost: number, quality?: number) => ({ id, cost, quality });
  const points = [
    point("a", 1, 50),
    point("b", 2, 40),
    point("c", 2),
    point("d", 3, 60),
    point("e", 3, 70),
    point("f", 4, 70),
  ];
  assert.deepEqual(
    paretoFront(points).map(({ id }) => id),
    ["a", "e"],
  );
  const property = fc.property(
    fc.array(
      fc.record({
        cost: fc.integer({ min: 1, max: 20 }),
        quality: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
      }),
    ),
    (made) => {
      const all = made.map((one, i) => ({ ...one, id: `${i}` })).toSorted((a, b) => a.cost - b.cost);
      const front = new Set(paretoFront(all));
      for (const one of all) {
        if (one.quality === undefined) continue;
        const { cost, quality } = one;
        const beaten = all.some(
          (other) =>
            (other.quality ?? -1) >= quality &&
            other.cost <= cost &&
            ((other.quality ?? -1) > quality || other.cost < cost),
        );
        if (beaten) assert.ok(!front.has(one));
        // Of several alike, one stands for all.
        else assert.ok([...front].some((other) => other.cost === cost && other.quality === quality));
      }
    },
  );
  fc.assert(property, { seed: 1, numRuns: 300 });
});

test("the chart has every model with a known cost, whether or not its quality is known", () => {
  const { points, front, left } = chartData(MODELS, "parameters", "GLUE (a paper)");
  assert.deepEqual(
    points.map(({ id, quality }) => [id, quality]),
    [
      ["own", undefined],
      ["t5-small", 77.4],
      ["t5-base", 82.7],
      ["deep", undefined],
      ["wide", undefined],
    ],
  );
  assert.deepEqual(
    front.map(({ id }) => id),
    ["t5-small", "t5-base"],
  );
  assert.equal(left, 1);
  assert.deepEqual(
    chartData(MODELS, "ms", "GLUE (a paper)").points.map(({ id, cost }) => [id, Math.round(cost)]),
    [["own", 66]],
  );
});

test("a model is recommended that can do the task, in the time and memory there is, with the reasons", () => {
  const best = (needs: Parameters<typeof recommend>[1]) => recommend(MODELS, needs).map(({ row }) => row.id);
  assert.deepEqual(best({ purpose: "summarize", budgetMs: 1e6, memoryMb: 1e5 }), ["t5-base", "t5-small", "own"]);
  // 66 ms for 3 GFLOP is 45 MFLOP a ms: t5-small's 30 GFLOP take 660 ms, t5-base's 110 take 2,420.
  assert.deepEqual(best({ purpose: "summarize", budgetMs: 1000, memoryMb: 1e5 }), ["t5-small", "own"]);
  assert.deepEqual(best({ purpose: "summarize", budgetMs: 1e6, memoryMb: 150 }), ["own"]);
  assert.deepEqual(best({ purpose: "summarize", budgetMs: 10, memoryMb: 1e5 }), []);
  const [first, second] = recommend(MODELS, { purpose: "fine-tune", budgetMs: 1e6, memoryMb: 1e5 });
  assert.deepEqual([first?.row.id, second?.row.id], ["deep", "t5-base"]);
  assert.match(first?.reasons.join("; ") ?? "", /deeper before wider.*/);
  const [small] = recommend(MODELS, { purpose: "infill", budgetMs: 1000, memoryMb: 1000 });
  assert.match(small?.reasons.join("; ") ?? "", /a download of 240 MB; 660 ms .*\(from another model's speed here\)/);
  assert.equal(recommend([modelRow("x")], { purpose: "infill", budgetMs: 1e6, memoryMb: 1e4 })[0]?.basis, "guessed");
});

test("numbers are written for people", () => {
  assert.deepEqual([900_000, 11_898_112, 2.9e9, 45.2e9].map(sizeInWords), ["900 kB", "12 MB", "2.9 GB", "45 GB"]);
  assert.deepEqual([0.2, 59, 61, 3600, 5400].map(duration), ["1 s", "59 s", "1 min", "1 h 0 min", "1 h 30 min"]);
  const odd = modelRow("x", { layers: 12, decoderLayers: 4, parameters: null });
  assert.deepEqual([cellText(odd, "layers", undefined), cellText(odd, "parameters", undefined)], ["12+4", "unknown"]);
});

const refused: unknown[] = [
  undefined,
  "models",
  { seq: 1 },
  { seq: -1, question: { kind: "models" } },
  { seq: 1, question: { kind: "eval", code: "1" } },
  { seq: 1, question: { kind: "get" } },
  { seq: 1, question: { kind: "get", id: "" } },
  { seq: 1, question: { kind: "choose", feature: "everything", id: "x" } },
  { seq: 1, question: { kind: "measure", id: "x", precision: "int2" } },
];
test("the extension takes the page's questions and nothing else", () => {
  for (const message of refused)
    assert.equal(fromPageSchema.safeParse(message).success, false, JSON.stringify(message));
  for (const question of [
    { kind: "models" },
    { kind: "get", id: "a/b" },
    { kind: "choose", feature: "infill", id: "" },
  ]) {
    assert.deepEqual(fromPageSchema.parse({ seq: 0, question }).question, question);
  }
});

test("devices are asked for when they come into sight, and again when what the answer hangs on has changed", () => {
  const asked = (...messages: readonly Message[]) => {
    const before = after(LISTED, ...messages.slice(0, -1));
    return asksForDevices(before, after(LISTED, ...messages));
  };
  const shown: Message = { type: "view", view: "devices" };
  const chosen = { model: "", summarize: "", infill: "", ask: "", classify: "", precision: "int8" } as const;
  const job: Job = { id: "own", kind: "measure", state: "running" };
  const away: Message = { type: "page", page: "tuning" };
  assert.ok(asked(shown));
  assert.ok(asked(shown, { type: "select", id: "deep" }));
  assert.ok(asked(shown, { type: "chosen", chosen: { ...chosen, device: "cpu", threads: 0, serverFeatures: [] } }));
  assert.ok(asked(shown, { type: "list", list: { models: MODELS, jobs: [], builtIn: "own" } }), "measured since");
  assert.ok(asked(shown, away, { type: "page", page: "models" }));
  for (const quiet of [[away], [shown, away], [{ type: "select", id: "deep" }], [shown, { type: "job", job }]])
    assert.equal(asked(...(quiet as Message[])), false, JSON.stringify(quiet));
});

test("what is told of the devices of a model that is no longer selected is not shown", () => {
  const devices = { found: [], choice: { device: "cpu", reason: "" } } as const;
  assert.equal(after(LISTED, { type: "devices", id: "own", devices }).devices, devices);
  assert.equal(after(LISTED, { type: "devices", id: "deep", devices }).devices, undefined);
});

test("the panel says where text goes as long as a server is chosen, also while it fails", () => {
  const devices = { found: [], choice: { device: "cpu", reason: "Server fails" }, host: "a.example:8000" } as const;
  const host = (device: "server" | "cpu" | "auto") => hostOfText({ devices, chosen: { device } });
  assert.deepEqual([host("server"), host("cpu"), host("auto")], ["a.example:8000", undefined, undefined]);
});

test("of several devices the quickest one's measurement stands in the table", () => {
  const measurements = [timed("own", 66), { ...timed("own", 20), device: "cuda" as const }];
  assert.equal(measured(modelRow("own", { measurements }), "int8")?.device, "cuda");
});
