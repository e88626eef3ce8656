import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ExtensionContext } from "vscode";
import { keepModels, keptModels } from "../../../client/panel/kept-models.ts";
import { modelRow } from "./rows.ts";

test("a list of models is kept without what is under way, for this version of the extension alone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "spanfill-kept-"));
  const context = (version: string) =>
    ({
      globalStorageUri: { fsPath: join(folder, "new") },
      extension: { packageJSON: { version } },
    }) as unknown as ExtensionContext;
  try {
    assert.equal(keptModels(context("1")), undefined);
    const list = { models: [modelRow("a")], builtIn: "a" };
    await keepModels(context("1"), { ...list, jobs: [{ id: "a", kind: "get", state: "running" }] });
    assert.deepEqual(JSON.parse(keptModels(context("1")) ?? ""), { ...list, jobs: [] });
    assert.equal(keptModels(context("2")), undefined);
    const written = JSON.parse(await readFile(join(folder, "new", "models.json"), "utf8"));
    assert.deepEqual(written, { version: "1", list: { ...list, jobs: [] } });
  } finally {
    await rm(folder, { recursive: true });
  }
});
