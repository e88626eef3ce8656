/** Runs over the command line's real process: they outlive who started them, and are steered by files alone. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Comparison } from "../../protocol/comparison.ts";
import type { Removed } from "../../protocol/panel/models.ts";
import { answerBy, type Questions } from "../../protocol/panel.ts";
import type { DataCheck, Fit, RunDetails, RunList, RunNews, RunSummary } from "../../protocol/runs.ts";
import type { RunRequest } from "../../protocol/train-request.ts";
import type { Places } from "../../server/catalog/store.ts";
import { isLocked } from "../../server/files/lock.ts";
import { listModels } from "../../server/panel/model-list.ts";
import { holdRuns, runFiles } from "../../server/runs/folder.ts";
import { createRunService, type RunKind, type RunService } from "../../server/runs/service.ts";
import { built } from "../support/built.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { eventually } from "../support/waiting.ts";

const cli = built("cli.js");
const home = mkdtempSync(join(tmpdir(), "spanfill-runs-"));
const places: Places = { hub: join(home, "hub"), own: join(home, "models") };
// The processes read these.
Object.assign(process.env, {
  HF_HUB_CACHE: places.hub,
  SPANFILL_MODELS: places.own,
  SPANFILL_CACHE: join(home, "cache"),
});
const model = randomModelFolder({ width: 64 });
cpSync(model.directory, join(places.own, "base"), { recursive: true });
model.dispose();

const words = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
const text = (i: number) =>
  Array.from({ length: 30 }, (_, j) => words[(i * 5 + j * j + (i >> 1) * j) % words.length]).join(" ");
const rows = Array.from({ length: 40 }, (_, i) => ({ text: text(i), summary: text(i).slice(0, 20), source: `f${i}` }));
const data = join(home, "pairs.jsonl");
writeFileSync(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

const short: RunRequest = { task: "summarize", data, base: "base", epochs: 2, batchSize: 4, threads: 1, judged: 2 };
/** Goes on until it is stopped. */
const long: RunRequest = { ...short, epochs: 1000, evaluateEvery: 20, patience: 0 };

const services: RunService[] = [];
after(async () => {
  for (const one of services) {
    const { runs } = (await ask(one, { kind: "runs" })) as RunList;
    for (const { id, state } of runs) {
      if (/running|paused|starting/.test(state)) await ask(one, { kind: "steerRun", id, action: "stop" });
    }
    for (const { model: name } of runs) while (await isLocked(join(places.own, name))) await setTimeout(50);
    one.dispose();
  }
  rmSync(home, { recursive: true, force: true, maxRetries: 3 });
});

function service() {
  const news: RunNews[] = [];
  const one = createRunService({ places, cli, onNews: (piece) => news.push(piece) });
  services.push(one);
  return { one, news };
}

function ask(one: RunService, question: Questions[RunKind]): Promise<unknown> {
  return answerBy(one.answers, question.kind, question, new AbortController().signal);
}

async function detailsOf(one: RunService, id: string): Promise<RunDetails> {
  return (await ask(one, { kind: "run", id })) as RunDetails;
}

/** Waits until a run is as it should be. */
async function until(one: RunService, id: string, holds: (details: RunDetails) => boolean): Promise<RunDetails> {
  for (const started = Date.now(); ; await setTimeout(50)) {
    const details = await detailsOf(one, id);
    if (holds(details)) return details;
    if (Date.now() - started > 60_000)
      assert.fail(JSON.stringify({ ...details, curve: details.curve.length }, null, 1));
  }
}

async function start(one: RunService, title: string, request: RunRequest): Promise<string> {
  return ((await ask(one, { kind: "startRun", title, request })) as RunSummary).id;
}

function pidOf(id: string): number {
  return JSON.parse(readFileSync(runFiles(places, id).record, "utf8")).pid;
}

test("what a run needs is told before it begins, and nothing is written", { timeout: 300_000 }, async () => {
  const { one } = service();
  const check = (await ask(one, {
    kind: "checkData",
    request: { ...short, columns: { text: "text" }, prefix: "" },
  })) as DataCheck;
  assert.deepEqual([check.examples, check.validationExamples, check.columns["summary"]], [36, 4, "summary"]);
  assert.equal(check.prefix, "");
  const fit = (await ask(one, { kind: "fit", request: { ...short, method: "lora" } })) as Fit;
  assert.deepEqual([fit.method, fit.examples, fit.steps, fit.fits], ["lora", 36, 18, true]);
  assert.ok(fit.memoryBytes > 1e5 && fit.freeDiskBytes > 1e6 && fit.seconds > 0, JSON.stringify(fit));
  assert.deepEqual(readdirSync(places.own), ["base"]);
});

test("what is wrong with the data is said in the command line's words", { timeout: 300_000 }, async () => {
  const { one } = service();
  const bad = join(home, "bad.jsonl");
  writeFileSync(bad, '{"text": "a", "summary": "b"}\n{oops\n');
  const request = { ...short, data: bad };
  const words = /bad\.jsonl: 1 row left out: not JSON \(2\)/;
  await assert.rejects(ask(one, { kind: "checkData", request }), words);
  await assert.rejects(ask(one, { kind: "fit", request }), words);
  const id = await start(one, "Bad data", request);
  const { summary } = await until(one, id, ({ summary: { state } }) => state !== "starting");
  assert.equal(summary.state, "failed");
  assert.match(summary.message ?? "", words);
  await assert.rejects(
    ask(one, { kind: "fit", request: { ...short, base: "nowhere" } }),
    /There is no model "nowhere"/,
  );
});

test("a run goes from its start to a model that can be chosen, and is told of as it goes", {
  timeout: 300_000,
}, async () => {
  const { one, news } = service();
  const id = await start(one, "Mein Modell: É!", short);
  assert.equal(id, "mein-modell-e");
  const details = await until(one, id, ({ summary }) => summary.state === "done");
  const { summary, curve, evaluations, plan, estimate } = details;
  assert.deepEqual([summary.step, summary.steps, summary.usable, summary.model], [18, 18, true, id]);
  assert.deepEqual([curve.length, evaluations.length, plan?.steps], [18, 3, 18]);
  assert.ok((estimate?.stepSeconds ?? 0) > 0 && summary.endedAt !== undefined);
  assert.equal(summary.base?.step, 0);
  assert.equal(summary.best?.validation, Math.min(...evaluations.map(({ validation }) => validation)));
  // What was told adds up to what is answered: an answer follows the news that it contains.
  const events = news.filter((piece) => piece.summary.id === id).flatMap((piece) => piece.events);
  assert.equal(events.filter(({ type }) => type === "step").length, 18);
  assert.equal(news.findLast((piece) => piece.summary.id === id)?.summary.state, "done");
  const row = (await listModels(places)).find((each) => each.id === id);
  assert.deepEqual([row?.family, row?.installed?.removable], ["tuned", true]);
  // A second of the same name is another.
  assert.equal(await start(one, "Mein Modell: É!", { ...short, epochs: 1 }), "mein-modell-e-2");
  await until(one, "mein-modell-e-2", (other) => other.summary.state === "done");
  await assert.rejects(ask(one, { kind: "steerRun", id, action: "resume" }), /has come to its end/);
  await assert.rejects(ask(one, { kind: "steerRun", id, action: "pause" }), /is not going on/);
});

test("a model is compared with its base on what the run kept out, once the run has ended", {
  timeout: 300_000,
}, async () => {
  const { one } = service();
  const odd = join(home, "compared.jsonl");
  writeFileSync(odd, rows.map(({ text, summary }) => `${JSON.stringify({ text, kept: summary })}\n`).join(""));
  const columns = { summary: "kept" };
  const id = await start(one, "Compared", { ...short, data: odd, columns, epochs: 8 });
  await until(one, id, ({ summary }) => summary.state === "done");
  const comparison = (await ask(one, { kind: "compareRun", id })) as Comparison;
  assert.deepEqual([comparison.first, comparison.second], ["base", join(places.own, id)]);
  assert.equal(comparison.examples, 4);
  const last = comparison.layers.at(-1);
  assert.ok(last !== undefined && last.cka !== null && last.cka > 0 && last.cka < 0.9999, JSON.stringify(last));
  const [plain] = comparison.losses;
  assert.ok(plain !== undefined && plain.kind === null && plain.second < plain.first, JSON.stringify(plain));

  await assert.rejects(ask(one, { kind: "compareRun", id: "absent" }), /There is no run absent/);
  rmSync(odd);
  await assert.rejects(ask(one, { kind: "compareRun", id }), /compared\.jsonl/);
  const going = await start(one, "still going", long);
  await until(one, going, ({ summary }) => summary.usable);
  await assert.rejects(ask(one, { kind: "compareRun", id: going }), /still going on. Compare once it has ended/);
  await ask(one, { kind: "steerRun", id: going, action: "stop" });
  const adapter = await start(one, "beside", { ...short, method: "bottleneck", epochs: 1 });
  await until(one, adapter, ({ summary }) => summary.state === "done");
  await assert.rejects(ask(one, { kind: "compareRun", id: adapter }), /left the layers of its base as they are/);
});

test("any column name works, and only its owner can read what was asked for", { timeout: 300_000 }, async () => {
  const { one } = service();
  const odd = join(home, "odd.jsonl");
  const oddRows = rows.map(({ summary, ...row }) => ({ ...row, "a,b=c": summary, "--evil={x}, y": "not this" }));
  writeFileSync(odd, oddRows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const request: RunRequest = { ...short, data: odd, epochs: 1, columns: { summary: "a,b=c" } };
  const check = (await ask(one, { kind: "checkData", request })) as DataCheck;
  assert.deepEqual([check.examples, check.columns["summary"]], [36, "a,b=c"]);
  assert.equal(((await ask(one, { kind: "fit", request })) as Fit).examples, 36);
  const id = await start(one, "Odd columns", request);
  const { summary } = await until(one, id, (details) => !/starting|running/.test(details.summary.state));
  assert.equal(summary.state, "done", summary.message);
  assert.deepEqual(summary.request, request);
  const { request: file } = runFiles(places, id);
  assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), { ...request, out: join(places.own, id) });
  if (process.platform === "win32") return;
  assert.equal(statSync(file).mode & 0o777, 0o600);
  // The model's card and the events have samples of the data.
  for (const folder of [dirname(file), join(places.own, id)])
    assert.equal(statSync(folder).mode & 0o777, 0o700, folder);
});

test("it pauses, goes on, stops and is resumed, over services that know nothing of each other", {
  timeout: 300_000,
}, async () => {
  const { one } = service();
  const id = await start(one, "steered", long);
  await until(one, id, ({ summary }) => summary.step >= 3);
  await assert.rejects(ask(one, { kind: "removeRun", id, model: true }), /still going on/);
  await ask(one, { kind: "steerRun", id, action: "pause" });
  const { summary: paused } = await until(one, id, ({ summary }) => summary.state === "paused");
  // The server ends; the next one finds the run.
  one.dispose();
  const { one: next, news } = service();
  const { runs } = (await ask(next, { kind: "runs" })) as RunList;
  assert.equal(runs[0]?.id, id);
  assert.deepEqual([runs[0]?.state, runs[0]?.step], ["paused", paused.step]);
  await assert.rejects(ask(next, { kind: "steerRun", id, action: "resume" }), /is going on already/);
  await ask(next, { kind: "steerRun", id, action: "continue" });
  await until(next, id, ({ summary }) => summary.state === "running" && summary.step > paused.step);
  // Typing makes it wait for a moment, which is no incident.
  await holdRuns(places, Date.now() + 60_000);
  const { summary: held } = await until(next, id, ({ summary }) => summary.state === "paused");
  assert.deepEqual([held.waiting, paused.waiting], [true, undefined]);
  await holdRuns(places, Date.now());
  await until(next, id, ({ summary }) => summary.state === "running" && summary.step > held.step);
  // A pause that a person asked for stays when the typing ends.
  await ask(next, { kind: "steerRun", id, action: "pause" });
  const typedUntil = Date.now() + 300;
  await holdRuns(places, typedUntil);
  const { summary: still } = await until(next, id, ({ summary }) => summary.state === "paused" && !summary.waiting);
  await eventually(() => Date.now() > typedUntil);
  await ask(next, { kind: "steerRun", id, action: "stop" });
  const { summary: stopped, incidents } = await until(next, id, ({ summary }) => summary.state === "stopped");
  assert.deepEqual([stopped.usable, stopped.step], [true, still.step]);
  assert.deepEqual(
    incidents.map(({ kind }) => kind),
    ["paused", "continued", "paused"],
  );
  await ask(next, { kind: "steerRun", id, action: "resume" });
  const resumed = await until(next, id, ({ summary }) => summary.state === "running" && summary.step > stopped.step);
  assert.equal(resumed.incidents.at(-1)?.kind, "resumed");
  const steps = resumed.curve.map(({ step }) => step);
  assert.deepEqual(
    steps,
    [...new Set(steps)].toSorted((a, b) => a - b),
  );
  assert.ok(news.some(({ summary }) => summary.state === "stopped"));
  // Another process may not work in its folder.
  const second = spawnSync(process.execPath, [cli, "train", "--resume", join(places.own, id), "--json"], {
    encoding: "utf8",
  });
  assert.match(second.stdout, /Another process is working in .*steered/);
  await ask(next, { kind: "steerRun", id, action: "stop" });
  await until(next, id, ({ summary }) => summary.state === "stopped");
});

test("one whose process was killed is lost, is resumed and comes to its end; then it is thrown away", {
  timeout: 300_000,
}, async () => {
  const { one } = service();
  const id = await start(one, "killed", { ...long, epochs: 25 });
  await until(one, id, ({ summary }) => summary.step >= 30);
  process.kill(pidOf(id), "SIGKILL");
  const { summary: lost } = await until(one, id, ({ summary }) => summary.state === "lost");
  assert.match(lost.message ?? "", /Resume it/);
  // As if it had been killed in the middle of a line.
  const { events, folder } = runFiles(places, id);
  writeFileSync(events, `${readFileSync(events, "utf8")}{"type":"st`);
  await ask(one, { kind: "steerRun", id, action: "resume" });
  const { summary, curve } = await until(one, id, (details) => details.summary.state === "done");
  assert.deepEqual([summary.step, curve.length, summary.message], [225, 225, undefined]);
  const { freedBytes } = (await ask(one, { kind: "removeRun", id, model: true })) as Removed;
  assert.ok(freedBytes > 100_000, `${freedBytes}`);
  assert.deepEqual([existsSync(folder), existsSync(join(places.own, id))], [false, false]);
  await assert.rejects(detailsOf(one, id), /There is no run killed/);
});
