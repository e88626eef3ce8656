/** Files of a run that cannot be written: the small ones say so as the weights do. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeText } from "../../server/training/run/results/trained-model.ts";
import { writeTensors } from "../../server/training/run/state.ts";

test("what cannot be written is named, with why and what to do", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-unwritable-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "file"), "");
  const told = {
    code: "checkpoint",
    message: /file.README\.md cannot be written \(.*It takes [\d.]+ [kM]B: free some space/,
  };
  const path = join(folder, "file", "README.md");
  await assert.rejects(writeText(path, "A card."), told);
  await assert.rejects(writeTensors(path, [], {}), told);
});
