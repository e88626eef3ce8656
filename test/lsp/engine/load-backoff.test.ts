import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseSettings } from "../../../protocol/settings.ts";
import { createEngineHost } from "../../../server/lsp/engine/engine-host.ts";
import { LoadBackoff } from "../../../server/lsp/engine/load-backoff.ts";
import { createLog } from "../../../server/lsp/log.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-backoff-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("the wait begins with the second end in a row, doubles to ten minutes, and ends with an answer", () => {
  let nowMs = 0;
  const backoff = new LoadBackoff(() => nowMs);
  const waits = Array.from({ length: 12 }, (_, pid) => backoff.ended("m", pid));
  assert.deepEqual(
    waits,
    [0, 30, 60, 120, 240, 480, 600, 600, 600, 600, 600, 600].map((seconds) => seconds * 1000),
  );
  assert.equal(backoff.ended("m", 11), 0, "calls of one process count once");
  assert.throws(
    () => backoff.check("m", "the-model"),
    /12 times in a row with the-model\. It will be tried again in 600 s/,
  );
  assert.doesNotThrow(() => backoff.check("other", "other"));
  nowMs = 600_000;
  assert.doesNotThrow(() => backoff.check("m", "the-model"));
  backoff.answered("m");
  assert.equal(backoff.ended("m", 12), 0);
});

test("a model whose load ends the engine's process is left alone after two of them, with a smaller one or WebAssembly offered, until someone asks for another try", async () => {
  const started = join(folder, "started");
  writeFileSync(started, "");
  const childPath = join(folder, "child.mjs");
  writeFileSync(
    childPath,
    `import { appendFileSync } from "node:fs"; appendFileSync(${JSON.stringify(started)}, "x"); process.on("message", () => process.exit(134));`,
  );
  const warnings: string[] = [];
  const log = createLog((level, line) => level === "warn" && warnings.push(line));
  const host = createEngineHost({ log, onStatus: () => undefined, childPath });
  const settings = parseSettings({}).settings;
  const fill = () => host.use(settings, "infill", async (model) => (await model()).info.id);
  const starts = () => readFileSync(started, "utf8").length;
  try {
    await assert.rejects(
      fill,
      /^ModelError: The engine process, which ran \S+spanfill, ended with exit code 134\..{0,40}$/,
    );
    await assert.rejects(fill, /ended with exit code 134.* Choose a smaller model .* SPANFILL_ENGINE=wasm/);
    for (let key = 0; key < 20; key++)
      await assert.rejects(fill, /2 times in a row .*Restart Engine .* Choose a smaller model .* SPANFILL_ENGINE=wasm/);
    assert.equal(starts(), 2);
    assert.equal(warnings.length, 1, warnings.join("\n"));
    assert.match(host.status(settings).message ?? "", /2 times in a row/);
    await host.restart(true);
    await assert.rejects(fill, /ended with exit code 134/);
    assert.equal(starts(), 3);
  } finally {
    await host.dispose();
  }
});
