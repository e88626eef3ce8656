/**
 * The journey of a batch stays short: `npm run journey` (scripts/journey.mjs) counts the modules that a training step
 * enters.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

test("a training step enters at most 15 modules, and crosses between server and models at most three times", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["scripts/journey.mjs", "--json"]);
  const { modules, crossings }: { modules: string[]; crossings: string[] } = JSON.parse(stdout);
  for (const entered of [
    "server/training/data/dataset.ts",
    "models/t5/batch.ts",
    "server/training/step/optimizer.ts",
  ]) {
    assert.ok(modules.includes(entered), `${entered} is not among ${modules.join(", ")}`);
  }
  assert.ok(crossings.length > 0, "no crossing was seen");
  assert.ok(modules.length <= 15, modules.join("\n"));
  assert.ok(crossings.length <= 3, crossings.join("\n"));
});
