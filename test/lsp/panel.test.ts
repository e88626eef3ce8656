import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Imported, Job, Measurement, ModelList, Removed, Verified } from "../../protocol/panel/models.ts";
import type { Devices, Generated } from "../../protocol/panel.ts";
import type { EngineStatus } from "../../protocol/requests.ts";
import { keepMeasurement } from "../../server/catalog/measurements.ts";
import { placesOf } from "../../server/catalog/store.ts";
import { startHub } from "../support/hub-server.ts";
import { RpcError } from "../support/json-rpc.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { type Session, startSession } from "./session.ts";

const ID = "google/t5-efficient-tiny";
const folder = mkdtempSync(join(tmpdir(), "spanfill-panel-"));
const model = randomModelFolder();
const other = randomModelFolder({ seed: 2 });
const files = Object.fromEntries(
  readdirSync(model.directory).map((name) => [name, readFileSync(join(model.directory, name))]),
);
const hub = await startHub({ [ID]: files });
// The server reads these when it starts.
Object.assign(process.env, {
  HF_ENDPOINT: hub.endpoint,
  HF_HOME: folder,
  HF_HUB_CACHE: join(folder, "hub"),
  SPANFILL_MODELS: join(folder, "own"),
});
after(async () => {
  await hub[Symbol.asyncDispose]();
  for (const made of [model, other]) made.dispose();
  rmSync(folder, { recursive: true, force: true });
});
const settings: Record<string, unknown> = { model: model.directory, precision: "float32", threads: 1 };

/** A device that no build for this system knows. */
const ABSENT = process.platform === "win32" ? "coreml" : "dml";

async function ask<T>(session: Session, question: object): Promise<T> {
  return (await session.client.request("spanfill/panel", question)) as T;
}

async function row(session: Session, id: string) {
  return (await ask<ModelList>(session, { kind: "models" })).models.find((each) => each.id === id);
}

test("the panel's questions", { timeout: 300_000 }, async (t) => {
  await using session = await startSession({ settings });
  const ended = (id: string) =>
    session.client.until(({ method, params }) => {
      const job = params as Job;
      return method === "$/spanfill/job" && job.id === id && job.state !== "running";
    });

  await t.test("every model is listed, the built-in one first", async () => {
    const { models, builtIn, jobs } = await ask<ModelList>(session, { kind: "models" });
    assert.ok(models.length > 200, `${models.length}`);
    assert.equal(models[0]?.family, "built-in");
    assert.ok(models.some(({ id }) => id === builtIn));
    assert.deepEqual(jobs, []);
    assert.equal(models.find(({ id }) => id === "google-t5/t5-small")?.parameters, 60_506_624);
  });

  await t.test("a model is downloaded, which the client is told of as it goes on", async () => {
    assert.equal((await row(session, ID))?.installed, undefined);
    const started = await ask<Job>(session, { kind: "get", id: ID });
    assert.deepEqual([started.kind, started.state], ["get", "running"]);
    assert.equal(((await ended(ID)).params as Job).state, "done");
    const got = await row(session, ID);
    assert.equal(got?.installed?.removable, true);
    const { jobs } = await ask<ModelList>(session, { kind: "models" });
    assert.deepEqual(
      jobs.map(({ id, state }) => [id, state]),
      [[ID, "done"]],
    );
  });

  await t.test("its files are read again", async () => {
    const { files: checked } = await ask<Verified>(session, { kind: "verify", id: ID });
    assert.deepEqual(
      checked.map(({ name, intact }) => [name, intact]),
      Object.keys(files)
        .toSorted()
        .map((name) => [name, true]),
    );
  });

  await t.test("it is measured, and the measurement kept", async () => {
    const made = await ask<Measurement>(session, { kind: "measure", id: ID, precision: "float32", device: "cpu" });
    assert.ok(made.loadMs > 0 && made.firstTokenMs > 0 && made.tokensPerSecond > 1, JSON.stringify(made));
    if (process.platform === "linux") assert.ok((made.memoryBytes ?? 0) > 30e6, `${made.memoryBytes}`);
    assert.deepEqual((await row(session, ID))?.measurements, [made]);
    const again = await ask<Measurement>(session, { kind: "measure", id: ID, precision: "float32", device: "cpu" });
    assert.deepEqual((await row(session, ID))?.measurements, [again]);
  });

  await t.test("a measurement that is stopped says so and keeps nothing", async () => {
    const before = (await row(session, ID))?.measurements;
    const measuring = ask(session, { kind: "measure", id: ID, precision: "int8", device: "cpu" });
    await ask(session, { kind: "stop", id: ID });
    await assert.rejects(measuring, (error) => error instanceof RpcError && error.code === -32800);
    assert.deepEqual((await row(session, ID))?.measurements, before);
  });

  await t.test("devices are found once, with what the model runs on and why", async () => {
    const { found, choice } = await ask<Devices>(session, { kind: "devices", id: ID, again: false });
    assert.deepEqual(
      found.map(({ device }) => device),
      ["cpu", "webgpu", "dml", "coreml", "cuda", "server"],
    );
    assert.equal(found[0]?.state, "usable");
    assert.equal(found.find(({ device }) => device === ABSENT)?.state, "missing");
    assert.deepEqual(choice, { device: "cpu", reason: "no other device was measured with this model" });
  });

  await t.test("what fails on a device is not kept as measured on it", async () => {
    const before = (await row(session, ID))?.measurements;
    const measuring = ask(session, { kind: "measure", id: ID, precision: "float32", device: ABSENT });
    await assert.rejects(measuring, /could not be measured: .*does not support it/);
    assert.deepEqual((await row(session, ID))?.measurements, before);
  });

  await t.test("it writes in the playground, token by token with probabilities", async () => {
    const request = {
      kind: "generate",
      id: ID,
      precision: "float32",
      text: "the of <extra_id_0> and",
      maxNewTokens: 5,
    };
    const usual = { numBeams: 1, temperature: 0, noRepeatNgramSize: 0, alternatives: 0 };
    const { sequences, inputTokens } = await ask<Generated>(session, { ...request, ...usual });
    assert.equal(sequences.length, 1);
    assert.ok(inputTokens >= 5);
    for (const { text, probability } of sequences[0]?.tokens ?? []) {
      assert.equal(typeof text, "string");
      assert.ok(probability > 0 && probability <= 1, `${probability}`);
    }
    const several = await ask<Generated>(session, { ...request, ...usual, alternatives: 2 });
    assert.equal(several.sequences.length, 3);
    const scores = several.sequences.map(({ score }) => score);
    assert.deepEqual(
      scores,
      scores.toSorted((a, b) => b - a),
    );
  });

  await t.test("one that is imported is listed, and one that is removed is not", async () => {
    const { id } = await ask<Imported>(session, { kind: "import", path: other.directory });
    assert.equal((await row(session, id))?.family, "imported");
    const { freedBytes } = await ask<Removed>(session, { kind: "remove", id });
    assert.ok(freedBytes > 1000);
    assert.equal(await row(session, id), undefined);
  });

  await t.test("a download that fails says why, and one that is stopped can go on", async () => {
    await ask(session, { kind: "remove", id: ID });
    session.client.received.length = 0;
    hub.mishaps.api.push({ kind: "page" });
    await ask(session, { kind: "get", id: ID });
    const failed = (await ended(ID)).params as Job;
    assert.deepEqual([failed.state, /login page/.test(failed.message ?? "")], ["failed", true]);
    session.client.received.length = 0;
    hub.bytesPerSecond = 20_000;
    await ask(session, { kind: "get", id: ID });
    await session.client.until(({ params }) => ((params as Job | undefined)?.doneBytes ?? 0) > 5000);
    const busy = /Something is under way for google\/t5-efficient-tiny \(get\)/;
    await assert.rejects(ask(session, { kind: "remove", id: ID }), busy);
    await ask(session, { kind: "stop", id: ID });
    assert.equal(((await ended(ID)).params as Job).state, "stopped");
    hub.bytesPerSecond = undefined;
    assert.ok(((await row(session, ID))?.partialBytes ?? 0) > 0);
  });

  await t.test("what is no question is refused", async () => {
    for (const question of [{ kind: "eval" }, { kind: "get" }, {}]) {
      await assert.rejects(ask(session, question), (error) => error instanceof RpcError && error.code === -32602);
    }
  });
});

test("a model for summaries leaves infilling alone", { timeout: 300_000 }, async () => {
  await using session = await startSession({ settings: { ...settings, "models.summarize": other.directory } });
  const uri = "file:///a.md";
  session.open(uri, "the ___ of and to ___ in.");
  const filled = (await session.command("spanfill.fillGaps", { uri, version: 1 })) as { model: string };
  const summed = (await session.command("spanfill.summarizeRange", { uri })) as { model: string };
  const name = (directory: string) => directory.slice(directory.lastIndexOf("/") + 1);
  assert.deepEqual([filled.model, summed.model], [model.directory, other.directory].map(name));
  // Both stay in one process: using one does not end the other.
  const status = (await session.command("spanfill.status")) as { pid: number };
  await session.command("spanfill.fillGaps", { uri, version: 1 });
  assert.equal(((await session.command("spanfill.status")) as { pid: number }).pid, status.pid);
  // Chosen for infilling instead.
  session.settings = { ...settings, models: { infill: other.directory } };
  session.client.notify("workspace/didChangeConfiguration", { settings: null });
  const after = (await session.command("spanfill.fillGaps", { uri, version: 1 })) as { model: string };
  const then = (await session.command("spanfill.summarizeRange", { uri })) as { model: string };
  assert.deepEqual([after.model, then.model], [other.directory, model.directory].map(name));
});

test("the device of the settings, or the quickest that was measured; where it fails, the CPU with a notice", {
  timeout: 300_000,
}, async () => {
  await using session = await startSession({ settings: { ...settings, device: "cpu" } });
  const uri = "file:///a.md";
  session.open(uri, "the ___ of and to ___ in.");
  const used = async (device: string) => {
    session.settings = { ...settings, device };
    session.client.notify("workspace/didChangeConfiguration", { settings: null });
    const { edit } = (await session.command("spanfill.fillGaps", { uri, version: 1 })) as { edit: unknown };
    const status = (await session.command("spanfill.status")) as EngineStatus;
    assert.deepEqual([status.state, status.device], ["ready", "cpu"]);
    return { edit, notice: status.deviceNotice };
  };
  const cpu = await used("cpu");
  assert.equal(cpu.notice, undefined);
  assert.equal((await used("auto")).notice, undefined, "nothing was measured of this model");
  const asked = await used(ABSENT);
  assert.match(asked.notice ?? "", /failed, so the CPU takes its place.*spanfill devices/);
  assert.deepEqual(asked.edit, cpu.edit, "answered by the CPU");
  const timed = { id: model.directory, loadMs: 1, firstTokenMs: 1, at: "2026-01-01T00:00:00Z" };
  for (const [device, tokensPerSecond] of [["cpu", 10] as const, [ABSENT, 1000] as const]) {
    const made = { ...timed, precision: "float32", device, tokensPerSecond } as const;
    await keepMeasurement(placesOf(), made);
  }
  // The engine of another setting ends first: what is loaded stays where it is.
  await used("cpu");
  assert.equal((await used("auto")).notice, asked.notice, "the quicker one was tried");
});
