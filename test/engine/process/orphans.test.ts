/** Engines that their server left behind. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createRemoteEngine } from "../../../server/engine/process/remote.ts";
import { isAlive } from "../../stress/client.ts";
import { built } from "../../support/built.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { eventually } from "../../support/waiting.ts";

const childPath = built("child.js");
const model = randomModelFolder();
const folder = mkdtempSync(join(tmpdir(), "spanfill-orphans-"));
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});

test("a stopped engine that lost its server is ended by the next server's, one that has its server is left alone", {
  skip: process.platform !== "linux",
}, async () => {
  const script = join(folder, "server.mjs");
  // It starts an engine as a server does, in a process that can be killed.
  const source = `import { fork } from "node:child_process";
    const env = { ...process.env, SPANFILL_FORKED: String(process.pid) };
    process.send(fork(${JSON.stringify(childPath)}, [], { env }).pid);`;
  writeFileSync(script, source);
  const servers = [fork(script), fork(script)] as const;
  const pids = await Promise.all(servers.map(async (server) => Number((await once(server, "message"))[0])));
  const [orphan = 0, kept = 0] = pids;
  const engine = createRemoteEngine({ childPath });
  try {
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    servers[0].kill("SIGKILL");
    await once(servers[0], "exit");
    assert.ok(isAlive(orphan), "a stopped process does not notice");
    await engine.load({ directory: model.directory, precision: "float32", threads: 1 });
    await eventually(() => !isAlive(orphan));
    assert.ok(isAlive(kept) && isAlive(engine.pid ?? 0));
  } finally {
    await engine.dispose();
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, "SIGKILL");
    servers[1].kill("SIGKILL");
  }
});
