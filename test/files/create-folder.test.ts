import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createFolder } from "../../server/files/create-folder.ts";

test("folders are created with those above them, and may be there already", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-folder-"));
  t.after(() => rmSync(folder, { recursive: true }));
  createFolder(join(folder, "a", "b", "c"));
  createFolder(join(folder, "a", "b", "c"));
  assert.ok(existsSync(join(folder, "a", "b", "c")));
  writeFileSync(join(folder, "file"), "");
  assert.throws(() => createFolder(join(folder, "file")), { code: "EEXIST" });
  assert.throws(() => createFolder(join(folder, "file", "x")), { code: "ENOTDIR" });
  symlinkSync(join(folder, "nowhere"), join(folder, "link"));
  assert.throws(() => createFolder(join(folder, "link")), { code: "ENOENT" });
});

test("a system that reports a folder as missing which is there gets an end, not a loop", {
  skip: process.platform !== "linux" && "only Linux has /proc",
}, () => {
  assert.throws(() => createFolder("/proc/spanfill/models"), { name: "ModelError", code: "storage" });
});
