/** Which files are read that a document or a repository names. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readTokenizer } from "../../server/catalog/folder/tokenizer.ts";
import { readDecoding, readManifest } from "../../server/catalog/installed.ts";
import {
  copyRegularFile,
  readRegularFile,
  readRegularText,
  readRegularTextSync,
  regularFileChunks,
} from "../../server/files/regular-file.ts";
import { readJson } from "../../server/files/whole-file.ts";

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
    await assert.rejects(readRegularFile(at(name), 1000), /(a folder|a pipe or a device), not a regular file/, name);
    assert.throws(() => readRegularTextSync(at(name)), /not a regular file/, name);
    await assert.rejects(regularFileChunks(at(name)).next(), /not a regular file/, name);
    await assert.rejects(copyRegularFile(at(name), at("copy")), /not a regular file/, name);
  }
  await assert.rejects(readRegularFile(at("loop.md"), 1000), /ELOOP/);
  await assert.rejects(readRegularFile(at("none.md"), 1000), /ENOENT/);
});

test("a text is read up to a size, and is the same piece by piece", async () => {
  const text = "ä".repeat(600_000);
  writeFileSync(at("long.txt"), text);
  assert.equal(await readRegularText(at("long.txt")), text);
  assert.equal(readRegularTextSync(at("long.txt")), text);
  const chunks: Buffer[] = [];
  for await (const chunk of regularFileChunks(at("long.txt"))) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString(), text);
  await assert.rejects(readRegularText(at("long.txt"), 2048), /long\.txt is larger than 2 kB/);
  assert.throws(() => readRegularTextSync(at("long.txt"), 2048), /long\.txt is larger than 2 kB/);
});

test("a model's files are read in the same way", { skip: process.platform === "win32" }, async () => {
  for (const name of ["config.json", "spanfill.json", "decoding.json", "spiece.model"]) {
    const model = mkdtempSync(at("model-"));
    symlinkSync("/dev/zero", join(model, name));
    const read = {
      "config.json": () => readJson(join(model, name), "config"),
      "spanfill.json": async () => readManifest(model),
      "decoding.json": async () => readDecoding(model),
      "spiece.model": () => readTokenizer(model),
    }[name];
    await assert.rejects(async () => read?.(), /a pipe or a device, not a regular file/, name);
  }
});

/** Those that open files otherwise, and why. */
const OTHERWISE: Readonly<Record<string, string>> = {
  "server/cli/launch.ts": "writes a run's output",
  "server/engine/process/process-memory.ts": "reads /proc",
  "server/files/inside.ts": "writes",
  "server/files/lock.ts": "opens folders",
  "server/files/whole-file.ts": "writes",
  "server/panel/measure.ts": "reads /proc",
  "server/training/run/control.ts": "creates",
};

test("no other file of the server opens, reads or copies files", () => {
  const files = readdirSync("server", { recursive: true, encoding: "utf8" })
    .map((name) => join("server", name).replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".ts") && name !== "server/files/regular-file.ts");
  const names = "open|openSync|openAsBlob|readFile|readFileSync|createReadStream|copyFile|copyFileSync|cp|cpSync";
  const opens = new RegExp(
    `import[^;"]*\\b(${names})\\b[^;"]*from "node:fs|import \\* as \\w+ from "node:fs|import \\w+ from "node:fs`,
  );
  assert.match('import { a, open } from "node:fs/promises";', opens);
  assert.deepEqual(
    files.filter((name) => opens.test(readFileSync(name, "utf8"))).toSorted(),
    Object.keys(OTHERWISE),
    "use server/files/regular-file.ts",
  );
});

test("a file without a size, such as those of /proc, gives nothing", {
  skip: process.platform !== "linux",
}, async () => {
  assert.equal((await readRegularFile("/proc/self/environ", 1000))?.length, 0);
});
