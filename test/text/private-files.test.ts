/** Where nothing is suggested. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createPrivateFiles } from "../../server/text/private-files.ts";

const privateFiles = createPrivateFiles();

test("files that keep secrets are known by their names", async () => {
  for (const name of [
    ".env",
    ".env.local",
    "server.PEM",
    "id_rsa",
    "credentials.json",
    "secrets.yaml",
    "db-passwords.txt",
    "my-credentials.md",
    ".npmrc",
  ])
    assert.match((await privateFiles.why(`/nowhere/${name}`)) ?? "", /keeps secrets/, name);
  for (const name of ["environment.md", "keys.md", "README.md", "pem.txt", "secretary.md", "env.py"])
    assert.equal(await privateFiles.why(`/nowhere/${name}`), undefined, name);
});

test(".spanfillignore names files in its folder and below, as .gitignore would", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-private-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "drafts", "old"), { recursive: true });
  writeFileSync(join(folder, ".spanfillignore"), "# not these\ndrafts/*\n!drafts/open.md\n/top.md\n");
  const named = async (...path: string[]) => (await privateFiles.why(join(folder, ...path))) !== undefined;
  assert.equal(await named("drafts", "a.md"), true);
  assert.equal(await named("drafts", "old", "a.md"), true);
  assert.equal(await named("drafts", "open.md"), false);
  assert.equal(await named("top.md"), true);
  assert.equal(await named("drafts.md"), false);
});

const strange: [string, (path: string) => void][] = [
  ["a folder", (path) => mkdirSync(path)],
  ["a pipe", (path) => execFileSync("mkfifo", [path])],
  ["a link to a device", (path) => symlinkSync("/dev/zero", path)],
  ["a link to itself", (path) => symlinkSync(".spanfillignore", path)],
  ["more than a person writes", (path) => writeFileSync(path, "a\n".repeat(200_000))],
];
for (const [what, make] of strange) {
  test(`a .spanfillignore that is ${what} is not read, and keeps its folder quiet`, {
    skip: process.platform === "win32",
    timeout: 10_000,
  }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "spanfill-private-"));
    t.after(() => rmSync(folder, { recursive: true }));
    make(join(folder, ".spanfillignore"));
    assert.match((await privateFiles.why(join(folder, "a.md"))) ?? "", /\.spanfillignore is not a file of at most/);
  });
}
