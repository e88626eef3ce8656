/** When a model counts as another one. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { modelIdentity } from "../../server/catalog/identity.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-identity-"));
after(() => rmSync(folder, { recursive: true }));

test("a model is another one when its sums, its prefixes or a file without a sum change, and not when it was only copied", async () => {
  const write = (name: string, content: unknown, time = 1000) => {
    writeFileSync(join(folder, name), JSON.stringify(content));
    utimesSync(join(folder, name), time, time);
  };
  const manifest = { sha256: { "model.safetensors": "ab".repeat(32) }, prefixes: { summarize: "summarize: " } };
  write("spanfill.json", manifest);
  write("config.json", {});
  write("model.safetensors", 1);
  const first = await modelIdentity(folder);
  write("model.safetensors", 1, 2000);
  write("spanfill.json", manifest, 2000);
  assert.equal(await modelIdentity(folder), first, "their content says what they are");
  write("config.json", {}, 2000);
  const touched = await modelIdentity(folder);
  assert.notEqual(touched, first);
  write("spanfill.json", { ...manifest, sha256: { "model.safetensors": "cd".repeat(32) } });
  const other = await modelIdentity(folder);
  assert.notEqual(other, touched);
  write("spanfill.json", {
    ...manifest,
    sha256: { "model.safetensors": "cd".repeat(32) },
    prefixes: { summarize: "tldr: " },
  });
  assert.notEqual(await modelIdentity(folder), other);
});
