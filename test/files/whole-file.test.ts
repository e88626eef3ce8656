import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import { cacheFolder, readJson, writeAtomically } from "../../server/files/whole-file.ts";
import { temporaryFolder } from "../catalog/folders.ts";

test("reads JSON, a byte order mark before it or not", async (t) => {
  const path = join(temporaryFolder(t), "config.json");
  writeFileSync(path, '\uFEFF{"a": 1}');
  assert.deepEqual(await readJson(path, "config"), { a: 1 });
});

const unreadable: [string, (folder: string) => string, RegExp][] = [
  ["a missing file", (folder) => join(folder, "config.json"), /config\.json does not exist/],
  ["a folder", (folder) => folder, /cannot be read/],
  [
    "text that is not JSON",
    (folder) => {
      writeFileSync(join(folder, "x.json"), "{a: 1}");
      return join(folder, "x.json");
    },
    /x\.json is not JSON \(/,
  ],
];
for (const [name, make, message] of unreadable) {
  test(`refuses ${name} with the caller's code`, async (t) => {
    await assert.rejects(
      readJson(make(temporaryFolder(t)), "tokenizer"),
      (error) => error instanceof ModelError && error.code === "tokenizer" && message.test(error.message),
    );
  });
}

test("writes a whole file, making its folder", async (t) => {
  const folder = join(temporaryFolder(t), "a", "b");
  await writeAtomically(join(folder, "c"), async (handle) => void (await handle.write("whole")));
  assert.equal(readFileSync(join(folder, "c"), "utf8"), "whole");
  assert.deepEqual(readdirSync(folder), ["c"]);
});

test("a write that fails half-way leaves the old file and nothing else", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "c"), "old");
  const failing = writeAtomically(join(folder, "c"), async (handle) => {
    await handle.write("ha");
    assert.equal(readFileSync(join(folder, "c"), "utf8"), "old");
    throw new Error("disk full");
  });
  await assert.rejects(failing, /disk full/);
  assert.deepEqual(readdirSync(folder), ["c"]);
  assert.equal(readFileSync(join(folder, "c"), "utf8"), "old");
});

const folders: [string, NodeJS.ProcessEnv, NodeJS.Platform, RegExp][] = [
  ["the override", { SPANFILL_CACHE: "/x/y", XDG_CACHE_HOME: "/z" }, "linux", /^\/x\/y$/],
  ["XDG_CACHE_HOME", { XDG_CACHE_HOME: "/z" }, "linux", /^\/z\/spanfill$/],
  ["~/.cache where XDG_CACHE_HOME is relative", { XDG_CACHE_HOME: "z" }, "linux", /\.cache\/spanfill$/],
  ["Library/Caches", {}, "darwin", /Library\/Caches\/spanfill$/],
  ["LOCALAPPDATA", { LOCALAPPDATA: "/local" }, "win32", /^\/local\/spanfill\/cache$/],
];
for (const [name, environment, platform, expected] of folders) {
  test(`keeps its cache in ${name} on ${platform}`, () => assert.match(cacheFolder(environment, platform), expected));
}
