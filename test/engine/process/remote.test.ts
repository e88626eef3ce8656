import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { defined } from "../../../base/defined.ts";
import { ModelError } from "../../../models/errors.ts";
import type { LoadedModel } from "../../../server/engine/engine.ts";
import { createLocalEngine } from "../../../server/engine/process/local.ts";
import {
  createRemoteEngine,
  type RemoteEngine,
  type RemoteEngineOptions,
} from "../../../server/engine/process/remote.ts";
import { childrenOf } from "../../stress/client.ts";
import { built } from "../../support/built.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { eventually } from "../../support/waiting.ts";

const childPath = built("child.js");
// Wide enough that a generation of a thousand tokens is not over before a test has cut it off.
const folder = randomModelFolder({ layers: 4, width: 256 });
const scripts = mkdtempSync(join(tmpdir(), "spanfill-child-"));
after(() => {
  folder.dispose();
  rmSync(scripts, { recursive: true, force: true });
});

const reference = { directory: folder.directory, precision: "float32", threads: 1 } as const;
const LONG = { inputs: [[5, 9, 30, 1]], maxNewTokens: 2000, bannedTokens: [1] };
const SHORT = { inputs: [[5, 9, 30, 1]], maxNewTokens: 8 };

async function withEngine(
  options: RemoteEngineOptions,
  run: (engine: RemoteEngine, model: LoadedModel) => Promise<void>,
): Promise<void> {
  const engine = createRemoteEngine({ childPath, ...options });
  try {
    await run(engine, await engine.load(reference));
  } finally {
    await engine.dispose();
  }
}

/** Whether a process is still there. */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const isProcessError = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ModelError && error.code === "process", String(error));
  assert.match(error.message, message);
  return true;
};

test("gives what the in-process engine gives, streamed too", async () => {
  const local = createLocalEngine();
  const near = await local.load(reference);
  await withEngine({}, async (_engine, far) => {
    assert.deepEqual(far.info, near.info);
    const parts = [{ kind: "text", text: "the one" } as const, { kind: "sentinel", index: 1 } as const];
    assert.deepEqual(await far.encode(parts), await near.encode(parts));
    assert.deepEqual(await far.encodeAll(["that", "is"]), await near.encodeAll(["that", "is"]));
    assert.equal(await far.decode([100, 101]), await near.decode([100, 101]));
    const streamed: (readonly number[])[] = [];
    const made = await far.generate(SHORT, { onTokens: (ids) => streamed.push(ids) });
    assert.deepEqual(made.sequences, (await near.generate(SHORT)).sequences);
    assert.deepEqual(streamed.at(-1), made.sequences[0]?.[0]?.ids);
    assert.deepEqual(await far.score([5, 1], [9, 1]), await near.score([5, 1], [9, 1]));
  });
  await local.dispose();
});

test("passes the engine's errors on with their code", async () => {
  await withEngine({}, async (engine, model) => {
    await assert.rejects(model.generate({ inputs: [[5]], maxNewTokens: 0 }), { name: "ModelError", code: "input" });
    const missing = { directory: join(scripts, "nothing"), precision: "float32" } as const;
    await assert.rejects(engine.load(missing), { name: "ModelError", code: "config" });
  });
});

test("a killed child fails the calls under way; the next call starts another and loads the model again", async () => {
  await withEngine({}, async (engine, model) => {
    const first = engine.pid ?? 0;
    const cut = model.generate(LONG, { onTokens: () => process.kill(first, "SIGKILL") });
    const waiting = model.generate(SHORT);
    await Promise.all([
      assert.rejects(cut, isProcessError(/ended by SIGKILL.*starts it again/)),
      assert.rejects(waiting, isProcessError(/SIGKILL/)),
    ]);
    const made = await model.generate(SHORT);
    assert.ok((made.sequences[0]?.[0]?.ids.length ?? 0) > 0);
    assert.notEqual(engine.pid, first);
    assert.equal(lives(first), false);
  });
});

test("after a crash a process waits in reserve, takes over after the next, and ends with the engine", async () => {
  const others = (engine: RemoteEngine) => childrenOf(process.pid).filter((pid) => pid !== engine.pid);
  const before = new Set(childrenOf(process.pid));
  let reserve = 0;
  await withEngine({}, async (engine, model) => {
    const crash = async () => {
      process.kill(engine.pid ?? 0, "SIGKILL");
      await eventually(() => engine.pid === undefined);
      await model.generate(SHORT);
    };
    assert.deepEqual(new Set(others(engine)), before);
    await crash();
    await eventually(() => {
      reserve = others(engine).find((pid) => !before.has(pid)) ?? 0;
      return reserve > 0;
    });
    await crash();
    assert.equal(engine.pid, reserve);
  });
  await eventually(() => childrenOf(process.pid).every((pid) => before.has(pid)));
});

test("a cancelled generation stops between chunks and keeps what it had", async () => {
  await withEngine({}, async (engine, model) => {
    const controller = new AbortController();
    const made = await model.generate(LONG, { signal: controller.signal, onTokens: () => controller.abort() });
    assert.equal(made.cancelled, true);
    const count = made.sequences[0]?.[0]?.ids.length ?? 0;
    assert.ok(count > 0 && count < 1000, `${count} tokens`);
    assert.equal((await model.generate(SHORT)).cancelled, false);
    const { pid } = engine;
    assert.equal((await model.generate(SHORT, { signal: AbortSignal.abort() })).cancelled, true);
    await assert.rejects(model.score([5], [1], { signal: AbortSignal.abort() }), { name: "AbortError" });
    assert.equal(engine.pid, pid);
  });
});

test("unloads when idle, but not under work, and loads again", async () => {
  const lines: string[] = [];
  let unload = () => {};
  const unloaded = new Promise<void>((resolve) => {
    unload = resolve;
  });
  await withEngine(
    {
      idleMs: 30,
      log: (line) => {
        lines.push(line);
        if (line.includes("idle")) unload();
      },
    },
    async (engine, model) => {
      // The second call ends early; what is left of the first is still work.
      const [made] = await Promise.all([model.generate({ ...LONG, maxNewTokens: 300 }), model.encodeAll(["the"])]);
      assert.ok(made.timing.totalMs > 30, "the work must be longer than the idle time for this test to mean something");
      assert.deepEqual(lines, []);
      const { pid = 0 } = engine;
      await unloaded;
      assert.equal(engine.pid, undefined);
      assert.ok(((await model.generate(SHORT)).sequences[0]?.[0]?.ids.length ?? 0) > 0);
      assert.notEqual(engine.pid, pid);
    },
  );
  assert.ok(lines.some((line) => /idle and has been unloaded/.test(line)));
});

test("dispose rejects what is under way and leaves no process", async () => {
  const engine = createRemoteEngine({ childPath });
  const model = await engine.load(reference);
  const { pid = 0 } = engine;
  assert.ok(lives(pid));
  const cut = model.generate(LONG);
  const rejected = assert.rejects(cut, isProcessError(/closed/));
  await engine.dispose();
  await rejected;
  assert.equal(lives(pid), false);
  await assert.rejects(model.generate(SHORT), isProcessError(/closed/));
  await createRemoteEngine({ childPath }).dispose();
});

/** An engine on a child of our own making. */
function badChild(name: string, script: string, log?: (line: string) => void, silentMs?: number): RemoteEngine {
  const path = join(scripts, `${name}.mjs`);
  writeFileSync(path, script);
  return createRemoteEngine({ childPath: path, ...defined({ log, silentMs }) });
}

test("a child that ends at once is reported with its exit code and last words", async () => {
  const lines: string[] = [];
  const engine = badChild("ends", `console.error("no such library"); process.exit(3);`, (line) => lines.push(line));
  await assert.rejects(engine.load(reference), isProcessError(/exit code 3\..*no such library/s));
  assert.deepEqual(lines, ["no such library"]);
  await engine.dispose();
});

test("a script that is not there is reported", async () => {
  const engine = createRemoteEngine({ childPath: join(scripts, "missing.mjs") });
  await assert.rejects(engine.load(reference), isProcessError(/exit code 1\..*missing\.mjs/s));
  await engine.dispose();
});

test("messages that are none of ours are dropped and noted; a result of the wrong kind fails its call", async () => {
  const lines: string[] = [];
  const script = `
    process.on("message", ({ id }) => {
      process.send("garbage");
      process.send({ type: "result" });
      process.send({ type: "result", id: id + 1000, value: 1 });
      process.send({ type: "tokens", id, ids: "x", text: 1 });
      process.send({ type: "result", id, value: 7 });
    });
    process.on("disconnect", () => process.exit());`;
  const engine = badChild("garbles", script, (line) => lines.push(line));
  await assert.rejects(engine.load(reference), isProcessError(/invalid answer to "load"/));
  assert.equal(lines.filter((line) => /an unknown message was dropped/.test(line)).length, 3);
  await engine.dispose();
});

test("a child that ignores the end is killed", { timeout: 300_000 }, async () => {
  const script = `
    process.on("disconnect", () => {});
    process.on("message", ({ id }) => process.send({ type: "result", id, value: {} }));
    setInterval(() => {}, 1000);`;
  const engine = badChild("stays", script);
  await engine.load(reference);
  const { pid = 0 } = engine;
  await engine.dispose();
  assert.equal(lives(pid), false);
});

test("a process that hangs is replaced, and the next does its calls; those cancelled meanwhile are not repeated", async () => {
  const lines: string[] = [];
  await withEngine({ silentMs: 2000, log: (line) => lines.push(line) }, async (engine, model) => {
    const expected = (await model.generate(SHORT)).sequences;
    const stopped = engine.pid ?? 0;
    process.kill(stopped, "SIGSTOP");
    const controller = new AbortController();
    const given = model.generate(SHORT, { signal: controller.signal });
    const asked = model.generate(SHORT);
    controller.abort(new Error("given up"));
    await assert.rejects(given, /given up/);
    assert.deepEqual((await asked).sequences, expected);
    assert.notEqual(engine.pid, stopped);
    assert.equal(lives(stopped), false);
    assert.match(lines.join("\n"), /did not respond for \d+ s and was ended/);
  });
});

test("a call that hangs twice is refused with the reason", async () => {
  const script = `
    process.on("message", ({ id, type }) => {
      if (type === "load") process.send({ type: "result", id, value: { parameters: 1 } });
    });
    process.on("disconnect", () => process.exit());`;
  const engine = badChild("hangs", script, undefined, 200);
  const model = await engine.load(reference);
  await assert.rejects(model.decode([5]), isProcessError(/did not respond for .* The next request starts it again/));
  await engine.dispose();
});

test("a process that is busy for long and gives signs of life is left alone", async () => {
  const script = `
    process.on("message", ({ id, type }) => {
      if (type === "load") return process.send({ type: "result", id, value: { parameters: 1 } });
      const signs = setInterval(() => process.send({ type: "alive" }), 20);
      setTimeout(() => { clearInterval(signs); process.send({ type: "result", id, value: "done" }); }, 4500);
    });
    process.on("disconnect", () => process.exit());`;
  const engine = badChild("works", script, undefined, 2000);
  const model = await engine.load(reference);
  assert.equal(await model.decode([5]), "done");
  await engine.dispose();
});
