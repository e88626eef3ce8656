import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { safetensorsHeader } from "../../../models/checkpoint/safetensors.ts";
import { ModelError } from "../../../models/errors.ts";
import { trimCache } from "../../../server/catalog/folder/cache.ts";
import { prepareWeights } from "../../../server/catalog/folder/int8/prepare.ts";
import { MARK, MARK_TEXT } from "../../../server/catalog/folder/sums.ts";
import { modelFolder, temporaryFolder } from "../folders.ts";

const sumOf = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
const declare = (folder: string, names: readonly string[]) => {
  const sha256 = Object.fromEntries(names.map((name) => [name, sumOf(join(folder, name)).toUpperCase()]));
  writeFileSync(join(folder, "spanfill.json"), JSON.stringify({ sha256 }));
};
const changed = (name: string) => (error: unknown) =>
  error instanceof ModelError &&
  error.code === "checkpoint" &&
  error.message.includes(name) &&
  /SHA-256/.test(error.message);

/** One bit flipped near the end; size and time stay as they were where `quietly`. */
function damage(path: string, quietly = false): void {
  const { atime, mtime } = statSync(path);
  const bytes = readFileSync(path);
  bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  if (quietly) utimesSync(path, atime, mtime);
}

for (const precision of ["float32", "int8"] as const) {
  test(`files that are what spanfill.json declares load, and damaged weights do not (${precision})`, async (t) => {
    const folder = modelFolder(t, "plain");
    declare(folder, ["model.safetensors", "config.json"]);
    const cacheFolder = temporaryFolder(t);
    await prepareWeights(folder, precision, { cacheFolder });
    damage(join(folder, "model.safetensors"));
    await assert.rejects(prepareWeights(folder, precision, { cacheFolder }), changed("model.safetensors"));
  });
}

test("a changed config.json does not load, and what is not declared is not checked", async (t) => {
  const folder = modelFolder(t, "plain");
  const cacheFolder = temporaryFolder(t);
  declare(folder, ["config.json"]);
  damage(join(folder, "model.safetensors"));
  await prepareWeights(folder, "float32", { cacheFolder });
  writeFileSync(join(folder, "config.json"), `${readFileSync(join(folder, "config.json"), "utf8")}\n`);
  await assert.rejects(prepareWeights(folder, "float32", { cacheFolder }), changed("config.json"));
});

test("a declared file that is missing, or weights that are not loaded, stop nothing", async (t) => {
  const folder = modelFolder(t, "plain");
  const sha256 = { "tokenizer.json": "0".repeat(64), "model.int8.safetensors": "0".repeat(64) };
  writeFileSync(join(folder, "spanfill.json"), JSON.stringify({ sha256 }));
  await prepareWeights(folder, "float32", { cacheFolder: temporaryFolder(t) });
});

test("a declared file that is not in the folder by its name is refused", async (t) => {
  const folder = modelFolder(t, "plain");
  for (const name of ["../x/config.json", "/etc/x.json", "a/../config.json", "..\\config.json", "a\0.json"]) {
    writeFileSync(join(folder, "spanfill.json"), JSON.stringify({ sha256: { [name]: "0".repeat(64) } }));
    await assert.rejects(
      prepareWeights(folder, "float32", { cacheFolder: temporaryFolder(t) }),
      (error) =>
        error instanceof ModelError && error.code === "checkpoint" && /not a file in this folder/.test(error.message),
    );
  }
});

test("an intact file is read once, and again when it was changed, though with the same size and time", async (t) => {
  const folder = modelFolder(t, "plain");
  const cacheFolder = temporaryFolder(t);
  declare(folder, ["model.safetensors"]);
  const weights = join(folder, "model.safetensors");
  utimesSync(weights, 1e9, 1e9);
  await prepareWeights(folder, "float32", { cacheFolder });
  const marks = () => readdirSync(cacheFolder).map((name) => [name, statSync(join(cacheFolder, name)).mtimeMs]);
  const first = marks();
  assert.equal(
    first.filter(([name]) => String(name).endsWith(MARK)).length,
    2,
    "its sum, and that its values are numbers",
  );
  await prepareWeights(folder, "float32", { cacheFolder });
  assert.deepEqual(marks(), first);
  damage(weights, true);
  await assert.rejects(prepareWeights(folder, "float32", { cacheFolder }), changed("model.safetensors"));
});

test("files are checked every time where nothing can be remembered", async (t) => {
  const folder = modelFolder(t, "plain");
  const cacheFolder = join(temporaryFolder(t), "file");
  writeFileSync(cacheFolder, "a file, where a folder would be needed");
  declare(folder, ["model.safetensors"]);
  await prepareWeights(folder, "float32", { cacheFolder });
  damage(join(folder, "model.safetensors"), true);
  await assert.rejects(prepareWeights(folder, "float32", { cacheFolder }), changed("model.safetensors"));
});

test("the cache drops what was not used for longest, leftovers and old marks, and nothing else", async (t) => {
  const folder = temporaryFolder(t);
  const day = 86_400;
  const now = Date.now() / 1000;
  const key = "0123456789abcdef";
  const header = safetensorsHeader([], { spanfill: "1", key }).bytes;
  const make = (name: string, bytes: number, daysAgo: number) => {
    const content = name.endsWith(MARK) ? MARK_TEXT : header;
    writeFileSync(join(folder, name), Buffer.concat([Buffer.from(content), Buffer.alloc(bytes)]));
    utimesSync(join(folder, name), now - daysAgo * day, now - daysAgo * day);
    return join(folder, name);
  };
  const kept = make(`just-made-${key}.safetensors`, 4000, 900);
  make(`yesterday-${key}.safetensors`, 4000, 1);
  make(`last-week-${key}.safetensors`, 4000, 7);
  make(`tiny-but-oldest-${key}.safetensors`, 1, 30);
  make(".old.safetensors.5b1c.tmp", 10, 2);
  make(".being-written.safetensors.77aa.tmp", 10, 0);
  make(`old${MARK}`, 0, 100);
  make(`new${MARK}`, 0, 1);
  make("notes.txt", 5000, 1000);
  await trimCache(folder, kept, 10_000);
  assert.deepEqual(readdirSync(folder).toSorted(), [
    ".being-written.safetensors.77aa.tmp",
    `just-made-${key}.safetensors`,
    `new${MARK}`,
    "notes.txt",
    `yesterday-${key}.safetensors`,
  ]);
  await trimCache(folder, kept, 1);
  assert.ok(existsSync(kept) && !existsSync(join(folder, `yesterday-${key}.safetensors`)));
  await trimCache(join(folder, "nowhere"), kept, 1);
});

test("a cached file that is used becomes the last to go", async (t) => {
  const cacheFolder = temporaryFolder(t);
  const folder = modelFolder(t, "plain");
  await prepareWeights(folder, "int8", { cacheFolder });
  const [name = ""] = readdirSync(cacheFolder);
  const longAgo = new Date(Date.now() - 1e9);
  utimesSync(join(cacheFolder, name), longAgo, longAgo);
  await prepareWeights(folder, "int8", { cacheFolder });
  assert.ok(statSync(join(cacheFolder, name)).mtimeMs > Date.now() - 60_000);
});
