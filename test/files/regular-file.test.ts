/** Which files are read that a document or a repository names. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readRegularFile } from "../../server/files/regular-file.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-regular-"));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

test("a regular file is read up to a size, through links too", async () => {
  writeFileSync(at("a.md"), "text");
  assert.equal((await readRegularFile(at("a.md"), 4))?.toString(), "text");
  assert.equal(await readRegularFile(at("a.md"), 3), undefined);
  symlinkSync("a.md", at("link.md"));
  assert.equal((await readRegularFile(at("link.md"), 4))?.toString(), "text");
});

test("anything else is refused at once", { skip: process.platform === "win32" }, async () => {
  mkdirSync(at("folder.md"));
  execFileSync("mkfifo", [at("pipe.md")]);
  symlinkSync("pipe.md", at("pipe-link.md"));
  symlinkSync("/dev/zero", at("zero.md"));
  symlinkSync("loop.md", at("loop.md"));
  for (const name of ["folder.md", "pipe.md", "pipe-link.md", "zero.md"]) {
    await assert.rejects(readRegularFile(at(name), 1000), /is not a regular file/, name);
  }
  await assert.rejects(readRegularFile(at("loop.md"), 1000), /ELOOP/);
  await assert.rejects(readRegularFile(at("none.md"), 1000), /ENOENT/);
});

test("a file without a size, such as those of /proc, gives nothing", {
  skip: process.platform !== "linux",
}, async () => {
  assert.equal((await readRegularFile("/proc/self/environ", 1000))?.length, 0);
});
