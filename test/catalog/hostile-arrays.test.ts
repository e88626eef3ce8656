/** Imports of T5X's and Orbax's folders that are damaged or hostile: each is refused in words, and nothing is kept. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import { openModel } from "../../server/catalog/folder/open.ts";
import { importModel } from "../../server/catalog/import.ts";
import { readManifest } from "../../server/catalog/installed.ts";
import { verifyFiles } from "../../server/catalog/store.ts";
import { temporaryFolder } from "./folders.ts";

const FIXTURES = "test/fixtures/checkpoint/formats";
const FORMATS = {
  t5x: "t5x",
  placeholders: "t5x-orbax",
  scanned: "t5x-scanned",
  orbax: "orbax",
  database: "orbax-ocdbt",
};
const HEAD = "target.decoder.logits_dense.kernel";

/** A folder that can be imported: the fixture, the shape where it has none, and a vocabulary. */
function whole(t: TestContext, format: keyof typeof FORMATS) {
  const root = temporaryFolder(t);
  const from = join(root, "from");
  cpSync(join(FIXTURES, FORMATS[format]), from, { recursive: true });
  if (!readdirSync(from).includes("config.gin"))
    cpSync(join(FIXTURES, "reference", "config.json"), join(from, "config.json"));
  const vocab = Object.fromEntries(["<pad>", "</s>", "<unk>", ...Array(37).keys()].map((word, id) => [`${word}`, id]));
  const model = { type: "WordLevel", unk_token: "<unk>", vocab };
  writeFileSync(
    join(from, "tokenizer.json"),
    JSON.stringify({ added_tokens: [], pre_tokenizer: { type: "WhitespaceSplit" }, model }),
  );
  const places = { own: join(root, "own"), hub: join(root, "hub") };
  const imported = () => importModel(from, places, { id: "x", signal: new AbortController().signal });
  return { from, own: places.own, imported };
}

for (const format of Object.keys(FORMATS) as (keyof typeof FORMATS)[]) {
  test(`is imported when nothing is wrong: ${format}`, async (t) => {
    const { directory } = await whole(t, format).imported();
    assert.ok((await openModel(directory, "float")).checkpoint.tensors.size > 20);
    const files = await verifyFiles(directory, readManifest(directory).sha256, new AbortController().signal);
    assert.ok(files.length > 8);
    for (const { name, intact } of files) assert.equal(intact, name === "spanfill.json" ? undefined : true, name);
  });
}

/** Changes the JSON of a file. */
function edit(path: string, change: object): void {
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...change }));
}

function replaceIn(path: string, from: string, to: string): void {
  const text = readFileSync(path, "latin1");
  assert.ok(text.includes(from), from);
  writeFileSync(path, text.replace(from, to), "latin1");
}

const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;

const cases: [what: string, format: keyof typeof FORMATS, damage: (from: string) => void, message: RegExp][] = [
  ["a chunk cut off", "t5x", (from) => truncateSync(join(from, HEAD, "0.0"), 30), /0\.0 is damaged|instead of/],
  ["a chunk of 0 bytes", "orbax", (from) => truncateSync(join(from, `${HEAD}/0.0`), 0), /0\.0 (is damaged|holds)/],
  ["a chunk of something else", "t5x", (from) => writeFileSync(join(from, HEAD, "0.0"), "<html>"), /0\.0 is damaged/],
  ["a chunk that is missing", "t5x", (from) => rmSync(join(from, HEAD, "1.0")), /1\.0 does not exist/],
  [
    "an array that is missing",
    "t5x",
    (from) => rmSync(join(from, HEAD), { recursive: true }),
    /\.zarray does not exist/,
  ],
  [
    "an array of another shape",
    "t5x",
    (from) => edit(join(from, HEAD, ".zarray"), { shape: [16, 42] }),
    /lm_head\.weight is \[42,16\] in the weights, but config\.json .* needs \[40,16\]/,
  ],
  [
    "an array of terabytes in one chunk",
    "t5x",
    (from) => edit(join(from, HEAD, ".zarray"), { shape: [2 ** 20, 2 ** 20], chunks: [2 ** 20, 2 ** 20] }),
    /lm_head\.weight|1\.0|0\.0/,
  ],
  [
    "axes whose product is no number of bytes",
    "orbax",
    (from) => edit(join(from, `${HEAD}/.zarray`), { shape: [2 ** 50, 2 ** 50], chunks: [2 ** 50, 2 ** 50] }),
    /lm_head|logits_dense/,
  ],
  [
    "a database whose array is of terabytes",
    "orbax",
    (from) => {
      const layers = "target.encoder.encoder.mlp.wo.kernel/.zarray";
      edit(join(from, layers), { shape: [2 ** 20, 2, 2 ** 20], chunks: [2 ** 20, 1, 2 ** 20] });
    },
    /wo/,
  ],
  [
    "a description in lists in lists",
    "t5x",
    (from) => writeFileSync(join(from, HEAD, ".zarray"), deep(20_000)),
    /\.zarray/,
  ],
  [
    "a description that is a folder",
    "t5x",
    (from) => {
      rmSync(join(from, HEAD, ".zarray"));
      mkdirSync(join(from, HEAD, ".zarray"));
    },
    /\.zarray is not a file|\.zarray/,
  ],
  [
    "a folder cut off in its table",
    "t5x",
    (from) => truncateSync(join(from, "checkpoint"), 9000),
    /checkpoint is truncated/,
  ],
  [
    "a table of 0 bytes",
    "placeholders",
    (from) => truncateSync(join(from, "checkpoint"), 0),
    /no weights|0 bytes|checkpoint/,
  ],
  [
    "an array named outside the folder",
    "placeholders",
    (from) => replaceIn(join(from, "checkpoint"), "PLACEHOLDER://target.dec", "PLACEHOLDER://../../../etc"),
    /checkpoint|does not exist/,
  ],
  [
    "metadata cut off",
    "orbax",
    (from) => truncateSync(join(from, "_METADATA"), 4000),
    /_METADATA is truncated, or was not written by Orbax/,
  ],
  [
    "metadata in lists in lists",
    "orbax",
    (from) => writeFileSync(join(from, "_METADATA"), `{"tree_metadata":${deep(1_000_000)}}`),
    /_METADATA is truncated, or was not written by Orbax/,
  ],
  [
    "metadata that leave the folder",
    "orbax",
    (from) =>
      replaceIn(
        join(from, "_METADATA"),
        '{"key": "target", "key_type": 2}, {"key": "decoder"',
        '{"key": "..", "key_type": 2}, {"key": "/etc"',
      ),
    /not a folder name/,
  ],
  [
    "metadata without arrays",
    "orbax",
    (from) => edit(join(from, "_METADATA"), { tree_metadata: {} }),
    /names no tensors/,
  ],
  [
    "a database without its manifest",
    "database",
    (from) => rmSync(join(from, "manifest.ocdbt")),
    /manifest\.ocdbt does not exist/,
  ],
  ["a manifest cut off", "database", (from) => truncateSync(join(from, "manifest.ocdbt"), 60), /manifest\.ocdbt/],
  [
    "a database without its values",
    "database",
    (from) => {
      rmSync(join(from, "d"), { recursive: true });
      rmSync(join(from, "ocdbt.process_0"), { recursive: true });
    },
    /does not exist/,
  ],
  [
    "a shape of another model",
    "scanned",
    (from) => replaceIn(join(from, "config.gin"), "num_heads = ", "num_heads = 1"),
    /shape|\[/,
  ],
];

for (const [what, format, damage, message] of cases) {
  test(`refuses ${what}`, async (t) => {
    const { from, own, imported } = whole(t, format);
    damage(from);
    await refuses(imported, message);
    assert.deepEqual(readdirSync(own), [], "nothing is kept");
  });
}

async function refuses(imported: () => Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(imported(), (error) => {
    assert.ok(error instanceof ModelError, String(error instanceof Error ? error.stack : error));
    assert.match(error.message, message);
    assert.ok(error.message.length < 400 && !/\bundefined\b|NaN|\[object/.test(error.message), error.message);
    return true;
  });
}

test("refuses a link that leads out, and a pipe", { skip: process.platform === "win32" }, async (t) => {
  for (const [name, plant] of [
    ["a link", (path: string) => symlinkSync("/etc/passwd", path)],
    ["a pipe", (path: string) => void spawnSync("mkfifo", [path])],
  ] as const) {
    const { from, own, imported } = whole(t, "t5x");
    rmSync(join(from, HEAD, "0.0"));
    plant(join(from, HEAD, "0.0"));
    await refuses(imported, /0\.0/);
    assert.deepEqual(readdirSync(own), [], name);
  }
});
