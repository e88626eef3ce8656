/** What a runner does when a graph could not be made. */
import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openRunner } from "../../../server/engine/runtime/ort/runner.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";

test("a graph that could not be made once, is made by the next request", async () => {
  const folder = randomModelFolder();
  const runner = await openRunner(folder.directory, "float32", 1);
  const weights = join(folder.directory, "model.safetensors");
  // Stands for whatever passes: memory that was short, a drive that was away.
  renameSync(weights, `${weights}.away`);
  await assert.rejects(runner.encode([[5, 9, 1]]), { name: "ModelError", code: "runtime" });
  await assert.rejects(runner.encode([[5, 9, 1]]), { name: "ModelError", code: "runtime" });
  renameSync(`${weights}.away`, weights);
  const encoded = await runner.encode([[5, 9, 1]]);
  const start = encoded.start(1);
  renameSync(weights, `${weights}.away`);
  await assert.rejects(start.step([0], null), { name: "ModelError", code: "runtime" });
  renameSync(`${weights}.away`, weights);
  assert.equal((await start.step([0], null)).logits.length, runner.vocabSize);
  renameSync(weights, `${weights}.away`);
  await assert.rejects(start.step([0], null, true).then(() => runner.encode([[5, 1], [1]])));
  await runner.dispose();
  folder.dispose();
});
