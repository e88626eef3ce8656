/**
 * Training runs through the built server: told of as they go, quiet while a person types, and their models in use at
 * once.
 */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { clearInterval, setInterval } from "node:timers";
import { setTimeout } from "node:timers/promises";
import type { RunDetails, RunNews, RunSummary } from "../../protocol/runs.ts";
import { isLocked } from "../../server/files/lock.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { type Session, startSession } from "./session.ts";

const home = mkdtempSync(join(tmpdir(), "spanfill-lsp-runs-"));
const own = join(home, "models");
const [model, other] = [randomModelFolder({ width: 64 }), randomModelFolder({ width: 64, seed: 2 })];
for (const name of ["base", "swapped"]) cpSync(model.directory, join(own, name), { recursive: true });
// The server reads these when it starts.
Object.assign(process.env, {
  HF_HUB_CACHE: join(home, "hub"),
  SPANFILL_MODELS: own,
  SPANFILL_CACHE: join(home, "cache"),
});
const id = "goes-on";
after(async () => {
  while (await isLocked(join(own, id))) await setTimeout(50);
  for (const made of [model, other]) made.dispose();
  rmSync(home, { recursive: true, force: true, maxRetries: 3 });
});

const words = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
const text = (i: number) =>
  Array.from({ length: 30 }, (_, j) => words[(i * 5 + j * j + (i >> 1) * j) % words.length]).join(" ");
const data = join(home, "pairs.jsonl");
const rows = Array.from({ length: 40 }, (_, i) => ({ text: text(i), summary: text(i).slice(0, 20), source: `f${i}` }));
writeFileSync(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
const uri = "file:///a.md";
/** Enough for a key to have made the run wait, were it to wait. */
const PIECES_OF_NEWS = 10;

async function ask<T>(session: Session, question: object): Promise<T> {
  return (await session.client.request("spanfill/panel", question)) as T;
}

/** Waits for news of the run. */
function newsOf(session: Session, holds: (news: RunNews) => boolean) {
  session.client.received.length = 0;
  return session.client.until(({ method, params }) => method === "$/spanfill/run" && holds(params as RunNews));
}

test("a run waits while a person types, is in use before its end, and outlives the server", {
  timeout: 300_000,
}, async () => {
  const settings: Record<string, unknown> = { model: "base", precision: "float32", threads: 1 };
  {
    await using session = await startSession({ settings });
    session.open(uri, `The boats are in the harbour. ${text(1)}. ${text(2)}.`);
    const request = { task: "summarize", data, base: "base", epochs: 1000, batchSize: 1, threads: 1, judged: 0 };
    const asked = { ...request, evaluateEvery: 500, patience: 0 };
    const running = newsOf(session, ({ summary }) => summary.state === "running" && summary.usable);
    const started = await ask<RunSummary>(session, { kind: "startRun", title: "Goes on", request: asked });
    assert.deepEqual([started.id, started.state], [id, "starting"]);
    await running;
    session.settings = { ...settings, model: id };
    session.client.notify("workspace/didChangeConfiguration", { settings: null });
    const summed = (await session.command("spanfill.summarizeRange", { uri })) as { model: string };
    assert.equal(summed.model, id);
    const paused = newsOf(session, ({ summary }) => summary.state === "paused");
    // A person goes on typing, so that a busy machine notices too.
    let version = 2;
    const key = () => session.change(uri, version++, { text: `${text(version)}.` });
    key();
    const keys = setInterval(key, 1500);
    const { summary } = (await paused.finally(() => clearInterval(keys))).params as RunNews;
    assert.equal(summary.waiting, true);
    await newsOf(session, (news) => news.summary.state === "running" && news.summary.step > summary.step);
    // Switched off, it goes on.
    session.settings = { ...settings, training: { pauseWhileTyping: false } };
    session.client.notify("workspace/didChangeConfiguration", { settings: null });
    await session.command("spanfill.status");
    session.client.received.length = 0;
    const switchedOffMs = performance.now();
    key();
    const states: string[] = [];
    await newsOf(session, (news) => states.push(news.summary.state) === PIECES_OF_NEWS);
    assert.deepEqual([...new Set(states)], ["running"]);
    // At most ten times a second.
    const tookMs = performance.now() - switchedOffMs;
    assert.ok(tookMs > 100 * (PIECES_OF_NEWS - 1), `${PIECES_OF_NEWS} pieces of news in ${tookMs} ms`);
  }
  assert.ok(await isLocked(join(own, id)), "the run goes on");
  await using session = await startSession({ settings });
  const found = await ask<RunDetails>(session, { kind: "run", id });
  assert.equal(found.summary.state, "running");
  assert.ok(found.curve.length > 0 && found.evaluations.length > 0);
  await assert.rejects(ask(session, { kind: "remove", id }), /is being trained/);
  await ask(session, { kind: "steerRun", id, action: "stop" });
  await newsOf(session, ({ summary }) => summary.state === "stopped");
});

test("a model whose weights were replaced is loaded anew by the next request", { timeout: 300_000 }, async () => {
  await using session = await startSession({ settings: { model: "swapped", precision: "float32", threads: 1 } });
  session.open(uri, "the of ___ that it for was on.");
  const filled = async () => JSON.stringify(await session.command("spanfill.fillGaps", { uri, version: 1 }));
  const withoutTime = (answer: string) => answer.replace(/"(ms|loadMs)":[\d.]+/g, "");
  const before = withoutTime(await filled());
  assert.equal(withoutTime(await filled()), before);
  const { pid } = (await session.command("spanfill.status")) as { pid: number };
  // As training does: the weights first, then config.json.
  for (const name of ["model.safetensors", "config.json"])
    cpSync(join(other.directory, name), join(own, "swapped", name));
  utimesSync(join(own, "swapped", "config.json"), new Date(), new Date());
  assert.notEqual(withoutTime(await filled()), before);
  assert.equal(((await session.command("spanfill.status")) as { pid: number }).pid, pid);
});
