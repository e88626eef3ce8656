import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readDecoding, readManifest } from "../../server/catalog/installed.ts";

const manifests: readonly [unknown, RegExp][] = [
  [{ id: 7 }, /spanfill\.json is malformed \("id" must be a text\)\. Correct it or remove it/],
  [{ languages: ["english"] }, /\("languages\.0" has an invalid value\)/],
  [[], /\(its content must be an object\)/],
];
test("a malformed spanfill.json or decoding.json is described in words, on one line", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-issue-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [content, message] of manifests) {
    writeFileSync(join(folder, "spanfill.json"), JSON.stringify(content));
    assert.throws(() => readManifest(folder), { message });
  }
  writeFileSync(join(folder, "decoding.json"), JSON.stringify({ shortlist: "many" }));
  assert.throws(() => readDecoding(folder), { message: /\("shortlist" must be a number\)/ });
});
