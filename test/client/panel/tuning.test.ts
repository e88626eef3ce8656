import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState, reduce, type State, savedOf } from "../../../client/panel/view/state.ts";
import {
  differences,
  EMPTY_FORM,
  type Form,
  filled,
  formOf,
  problemOf,
  suggestedTitle,
} from "../../../client/panel/view/tuning/form/tuning-form.ts";
import {
  optionsOf,
  placeholder,
  SETTINGS,
  type Setting,
} from "../../../client/panel/view/tuning/form/tuning-settings.ts";
import { TUNING_TASKS } from "../../../client/panel/view/tuning/form/tuning-tasks.ts";
import {
  announcement,
  endsOf,
  incidentText,
  newDetails,
  withNews,
} from "../../../client/panel/view/tuning/runs/run-state.ts";
import {
  FIRST_TUNING,
  reduceTuning,
  type TuningMessage,
  type TuningState,
} from "../../../client/panel/view/tuning/tuning-state.ts";
import type { RunNews } from "../../../protocol/runs.ts";
import { type RunRequest, runRequestSchema } from "../../../protocol/train-request.ts";
import { findTask } from "../../../server/training/data/tasks.ts";
import { evaluation, runSummary, step } from "./runs.ts";

const FORM: Form = { ...EMPTY_FORM, data: "/data/my articles.jsonl" };

function after(state: TuningState, ...messages: readonly TuningMessage[]): TuningState {
  return messages.reduce(reduceTuning, state);
}

test("a form with data makes a request that the server takes, with a title of the task and the data", () => {
  const { request, title } = filled(FORM, "own");
  assert.deepEqual(request, { task: "summarize", data: "/data/my articles.jsonl", base: "own" });
  assert.deepEqual(runRequestSchema.parse(request), request);
  assert.equal(title, "summarize-my-articles");
  assert.equal(suggestedTitle({ ...FORM, data: "C:\\texts\\wiki.csv.gz" }), "summarize-wiki");
});

test("each setting's bounds are those of the server's own schema", () => {
  const needed = { task: "summarize", data: "/d.jsonl", base: "own" };
  for (const setting of SETTINGS) {
    const { name, type } = setting;
    const tried = type.kind === "number" ? [-1, 0, 0.5, 1, 1.5, type.least, type.most, 2 ** 40] : [];
    for (const value of [...tried, ...tried.map((bound) => bound + 1)]) {
      const allowed = runRequestSchema.safeParse({ ...needed, [name]: value }).success;
      assert.equal(problemOf(setting, String(value)) === undefined, allowed, `${name} ${value}`);
    }
    for (const { value } of (optionsOf(setting) ?? []).filter((option) => option.value !== "")) {
      const { request } = filled({ ...FORM, task: setting.onlyTask ?? FORM.task, values: { [name]: value } }, "own");
      assert.ok(name in (request ?? {}) && runRequestSchema.safeParse(request).success, `${name} ${value}`);
    }
  }
});

test("the form shows what it always did: its order, what is folded, and what is taken where nothing is set", () => {
  const shown = SETTINGS.map(({ name, group, only = "", ...setting }) => {
    const [first] = optionsOf(setting as Setting) ?? [];
    return [name, group === "main" ? "" : "folded", only, first?.text ?? placeholder(setting as Setting)].join("|");
  });
  assert.deepEqual(shown, [
    ...["method|||automatic", "epochs|||5", "learningRate|||by method", "batchSize|||16"],
    ...["inputColumn|folded||guessed", "targetColumn|folded||guessed"],
    "prefix|folded||the model's own for the task, else T5's",
    ...["freezeEmbedding|folded|full|automatic", "loraRank|folded|lora|16", "loraAlpha|folded|lora|32"],
    "loraDropout|folded|lora|0.05",
    "bottleneckLayout|folded|bottleneck|after attention and feed-forward (Houlsby)",
    ...["bottleneckSize|folded|bottleneck|32", "bottleneckScale|folded|bottleneck|1; 4 beside feed-forward"],
    ...["promptTokens|folded|prompt|20", "objective|folded||a few words (T5)", "optimizer|folded||automatic"],
    ...["schedule|folded||constant (the default)", "warmup|folded||0", "weightDecay|folded||0", "clipNorm|folded||0"],
    ...["dropout|folded||the model's own", "labelSmoothing|folded||0", "maxInputTokens|folded||512"],
    ...["maxTargetTokens|folded||by task", "maxBatchTokens|folded||4096", "checkpointing|folded||automatic"],
    ...["validationShare|folded||0.1", "evaluateEvery|folded||an epoch", "judged|folded||50", "patience|folded||3"],
    ...["seed|folded||0", "threads|folded||by machine"],
    ...["on|folded||this machine", "workers|folded||1", "storage|folded||~/spanfill-runs"],
  ]);
});

test("what is wrong is said beside the field; settings of another method or task are left out", () => {
  assert.deepEqual(
    Object.keys(filled({ ...FORM, data: " ", values: { epochs: "1.5", dropout: "x" } }, "own").problems ?? {}),
    ["data", "epochs", "dropout"],
  );
  const { request } = filled({ ...FORM, values: { method: "lora", loraRank: "8", promptTokens: "nonsense" } }, "own");
  assert.equal(request?.loraRank, 8);
  assert.ok(!("promptTokens" in (request ?? {})));
  const ul2 = (task: string) => filled({ ...FORM, task, values: { objective: "ul2" } }, "own").request?.objective;
  assert.deepEqual([ul2("infill"), ul2("title")], ["ul2", undefined]);
});

test("a request fills the form that makes it again", () => {
  const request: RunRequest = {
    ...{ task: "text", data: "/d.jsonl", base: "own", columns: { input: "a" }, template: "x {b}" },
    ...{ epochs: 3, learningRate: 0.001, freezeEmbedding: false },
    method: "full",
  };
  assert.deepEqual(filled(formOf(request, "mine"), "other"), { request, title: "mine" });
  assert.deepEqual(differences(request, { ...request, epochs: 4, base: "b" }), [
    ["base", "own", "b"],
    ["epochs", "3", "4"],
  ]);
});

test("the tasks are the command line's, with the roles that its columns can have", () => {
  for (const { name, roles } of TUNING_TASKS) {
    if (name !== "infill") assert.deepEqual(roles, Object.keys(findTask(name).roles.needed), name);
  }
});

test("what was typed stays from step to step and over a reload; another task forgets the columns only", () => {
  const typed = after(
    FIRST_TUNING,
    { type: "step", step: "data" },
    { type: "form", change: { data: "/d.csv" } },
    { type: "column", role: "text", column: "body" },
    { type: "value", name: "epochs", value: "7" },
    { type: "step", step: "settings" },
    { type: "step", step: "task" },
    { type: "task", task: "classify" },
  );
  assert.deepEqual(typed.form, { ...EMPTY_FORM, task: "classify", data: "/d.csv", values: { epochs: "7" } });
  const state: State = { ...initialState(), tuning: typed };
  const again = initialState(JSON.parse(JSON.stringify(savedOf(state))));
  assert.deepEqual(again.tuning, { ...typed, runs: undefined });
  // What an earlier version kept has no such part.
  const { tuning: _none, ...old } = savedOf(state).kept;
  assert.deepEqual(initialState({ version: 1, kept: old }).tuning, FIRST_TUNING);
});

test("only the newest question about the form is answered, and the answer before stays in sight", () => {
  const answer = { examples: 1 } as unknown as NonNullable<TuningState["check"]["answer"]>;
  const first = after(FIRST_TUNING, { type: "check", query: { key: "a", working: true } });
  const second = after(first, { type: "check", query: { key: "b", working: true } });
  const late = after(second, { type: "check", query: { key: "a", working: false, answer } });
  assert.equal(late.check, second.check);
  const done = after(late, { type: "check", query: { key: "b", working: false, answer } });
  assert.deepEqual(done.check, { key: "b", working: false, answer });
  assert.deepEqual(after(done, { type: "check", query: { key: "c", working: true } }).check, {
    ...{ key: "c", working: true, answer },
  });
});

test("a run that begins is looked at; news of others change only their line", () => {
  const [a, b] = [runSummary("a"), runSummary("b")];
  const state = after(FIRST_TUNING, { type: "runs", runs: [a] }, { type: "started", summary: b });
  assert.deepEqual([state.view, state.selected, state.runs?.map(({ id }) => id)], ["run", "b", ["b", "a"]]);
  const told = after(
    state,
    { type: "news", news: { summary: { ...a, step: 3 }, events: [step(3)] } },
    { type: "news", news: { summary: { ...b, step: 1 }, events: [step(1)] } },
  );
  assert.deepEqual(
    told.runs?.map((run) => run.step),
    [1, 3],
  );
  assert.deepEqual(Object.keys(told.details), ["b"]);
  assert.equal(told.details["b"]?.curve.length, 1);
});

test("a run that is thrown away is nowhere any more", () => {
  const runs = [runSummary("a"), runSummary("b")];
  const state = after(
    FIRST_TUNING,
    { type: "runs", runs },
    { type: "mark", id: "a", on: true },
    { type: "open", id: "a" },
    { type: "details", details: newDetails(runSummary("a")) },
    { type: "doom", id: "a" },
    { type: "removed", id: "a" },
  );
  assert.deepEqual(
    [state.view, state.marked, Object.keys(state.details), state.runs?.length, state.doomed],
    ["history", [], [], 1, ""],
  );
  // The same when the list says so.
  const compared = after(state, { type: "mark", id: "b", on: true }, { type: "view", view: "compare" });
  assert.equal(after(compared, { type: "runs", runs: [] }).view, "history");
});

const news = (...events: RunNews["events"]): RunNews => ({ summary: runSummary("a"), events });
const started = newDetails(runSummary("a"));

test("each kind of incident is put into words", () => {
  const incidents = [
    { kind: "resumed", step: 2 },
    { kind: "rollback", step: 4, toStep: 2, learningRate: 5e-5 },
    { kind: "paused", step: 2 },
    { kind: "continued", step: 2 },
  ] as const;
  assert.deepEqual(incidents.map(incidentText), [
    "Went on after a stop.",
    "The loss was not a number: back to step 2, with learning rate 5.0e-5.",
    "Paused.",
    "Continued.",
  ]);
});

test("the best evaluation is the one that the run names, else that of the least loss", () => {
  const details = withNews(started, news(evaluation(0, 5), evaluation(1, 3), evaluation(2, 2), evaluation(3, 4)));
  assert.deepEqual([endsOf(details).base?.step, endsOf(details).best?.step], [0, 2]);
  const named = { ...details, summary: runSummary("a", { best: { step: 3, validation: 4, metrics: {} } }) };
  assert.equal(endsOf(named).best?.step, 3);
});

test("a screen reader hears of each tenth and each evaluation, not of each step", () => {
  const heard = new Set<string>();
  let details = started;
  for (let i = 1; i <= 100; i += 1) {
    const summary = runSummary("a", { step: i, steps: 100 });
    details = withNews(details, { summary, events: i % 50 === 0 ? [step(i), evaluation(i)] : [step(i)] });
    heard.add(announcement(details));
  }
  assert.equal(heard.size, 11);
});

test("the page's state hands the message on", () => {
  const state = reduce(initialState(), { type: "tuning", message: { type: "open", id: "a" } });
  assert.deepEqual([state.tuning.view, state.tuning.selected], ["run", "a"]);
});
