import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { ModelError, type ModelErrorCode } from "../../models/errors.ts";
import { importModel } from "../../server/catalog/import.ts";
import { modelAccount, readManifest, resolveModel } from "../../server/catalog/installed.ts";
import { keptDirectory, keptModels, removeModel, verifyFiles } from "../../server/catalog/store.ts";
import { storedZip } from "../checkpoint/bytes.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const model = randomModelFolder();
after(() => model.dispose());
const NAMES = ["config.json", "model.safetensors", "tokenizer.json"];
const signal = new AbortController().signal;
const content = (name: string) => readFileSync(join(model.directory, name));

test("a folder is copied, without what a training left in it, and known by its name from then on", async (t) => {
  const { places, folder } = setup(t);
  const from = join(folder, "my-t5");
  mkdirSync(from);
  for (const name of NAMES) copyFileSync(join(model.directory, name), join(from, name));
  for (const name of ["optimizer.bin", "trainer_state.json", ".hidden"]) writeFileSync(join(from, name), "x");
  const made = await importModel(from, places, { signal });
  assert.deepEqual(made, { id: "my-t5", directory: join(places.own, "my-t5"), notes: [] });
  assert.deepEqual(readdirSync(made.directory).toSorted(), [...NAMES, "spanfill.json"].toSorted());
  assert.equal(keptDirectory("my-t5", places), made.directory);
  assert.deepEqual(
    (await keptModels(places)).map(({ id, place }) => [id, place]),
    [["my-t5", "own"]],
  );
  await assert.rejects(importModel(from, places, { signal }), is("input", /There already is a model "my-t5"/));
  assert.equal((await importModel(from, places, { signal, id: "other" })).id, "other");
});

test("a copy in progress is stopped, and leaves nothing", async (t) => {
  const { places, folder } = setup(t);
  const from = join(folder, "large");
  mkdirSync(from);
  for (const name of NAMES) copyFileSync(join(model.directory, name), join(from, name));
  truncateSync(join(from, "model.safetensors"), 256e6);
  const controller = new AbortController();
  let copied = 0;
  const onBytes = (doneBytes: number) => {
    copied = doneBytes;
    if (copied > 8e6) controller.abort(new Error("stopped"));
  };
  await assert.rejects(importModel(from, places, { signal: controller.signal, onBytes }), /^Error: stopped$/);
  assert.ok(copied < 16e6, `${copied} bytes were copied`);
  assert.deepEqual(
    readdirSync(places.own).filter((name) => name !== ".made"),
    [],
  );
});

test("a path that cannot be reached is named with the reason", async (t) => {
  const { places, folder } = setup(t);
  const rows = [
    ["loop", /loop: a link leads back to itself\. Name a folder/],
    ["dangling", /dangling does not exist\. Name a folder/],
    ["x".repeat(300), /x: the name is too long\. Name a folder/],
  ] as const;
  symlinkSync("loop", join(folder, "loop"));
  symlinkSync("nowhere", join(folder, "dangling"));
  for (const [name, message] of rows)
    await assert.rejects(importModel(join(folder, name), places, { signal }), is("input", message));
});

test("a wrapper's prefix that is left out, and an adapter that is not applied, are reported", async (t) => {
  const { places, folder } = setup(t);
  const from = join(folder, "wrapped");
  mkdirSync(from);
  for (const name of NAMES) copyFileSync(join(model.directory, name), join(from, name));
  writeFileSync(
    join(from, "model.safetensors"),
    renamed(content("model.safetensors"), (name) => `module.${name}`),
  );
  writeFileSync(join(from, "adapter_config.json"), '{"peft_type": "LORA"}');
  const { directory, notes } = await importModel(from, places, { signal });
  assert.deepEqual(notes, [
    "The tensors' names begin with module., which a wrapper wrote; it is left out.",
    "An adapter lies beside the weights and is not applied. To merge it, import its files from a separate folder.",
  ]);
  assert.deepEqual((await modelAccount(directory)).notes, notes.slice(0, 1));
  assert.deepEqual((await modelAccount(from)).notes, notes);
});

/** A safetensors file with other names of its tensors. */
function renamed(file: Buffer, name: (old: string) => string): Buffer {
  const end = 8 + Number(file.readBigUInt64LE());
  const entries = Object.entries(JSON.parse(file.toString("utf8", 8, end)) as object);
  const header = JSON.stringify(
    Object.fromEntries(entries.map(([old, at]) => [old === "__metadata__" ? old : name(old), at])),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return Buffer.concat([length, Buffer.from(header), file.subarray(end)]);
}

test("what is damaged afterwards is found", async (t) => {
  const { places } = setup(t);
  const { directory } = await importModel(model.directory, places, { signal, id: "mine" });
  const sums = readManifest(directory).sha256;
  assert.deepEqual(Object.keys(sums).toSorted(), NAMES);
  const damaged = async () => (await verifyFiles(directory, sums)).filter(({ intact }) => intact === false);
  assert.deepEqual(await damaged(), []);
  writeFileSync(join(directory, "tokenizer.json"), "{}");
  assert.deepEqual(await damaged(), [{ name: "tokenizer.json", intact: false }]);
});

test("a file of weights brings the folder that it is in", async (t) => {
  const { places } = setup(t);
  const made = await importModel(join(model.directory, "model.safetensors"), places, { signal, id: "mine" });
  assert.ok(existsSync(join(made.directory, "tokenizer.json")));
  await assert.rejects(
    importModel(join(model.directory, "config.json"), places, { signal, id: "x" }),
    is("input", /not a weights file/),
  );
});

test("a zip file is unpacked, wherever in it the model is", async (t) => {
  const { places, folder } = setup(t);
  for (const inner of ["", "my-t5/", "a/b/"]) {
    const path = join(folder, `zipped${inner.length}.zip`);
    const others: [string, Buffer][] = [
      ["notes/config.txt", Buffer.from("x")],
      [`${inner}sub/model.bin`, Buffer.from("x")],
    ];
    writeFileSync(path, storedZip([...NAMES.map((name) => [`${inner}${name}`, content(name)] as const), ...others]));
    const steps: number[] = [];
    const made = await importModel(path, places, { signal, onBytes: (done) => steps.push(done) });
    assert.deepEqual(readdirSync(made.directory).toSorted(), [...NAMES, "spanfill.json"].toSorted());
    assert.deepEqual(readFileSync(join(made.directory, "model.safetensors")), content("model.safetensors"));
    assert.equal(
      steps.at(-1),
      NAMES.reduce((sum, name) => sum + content(name).length, 0),
    );
  }
});

const bad: [
  what: string,
  files: readonly (readonly [string, Buffer])[] | Buffer,
  code: ModelErrorCode,
  words: RegExp,
][] = [
  ["no zip file", Buffer.from("not a zip"), "input", /is not a readable zip file/],
  ["no model in it", [["a.txt", Buffer.from("x")]], "input", /contains no config.json/],
  ["no weights in it", [["config.json", content("config.json")]], "checkpoint", /does not contain model.safetensors/],
  [
    "more files than a model has",
    [
      ...NAMES.map((name) => [name, content(name)] as const),
      ...Array.from({ length: 10_001 }, (_, i) => [`f${i}`, Buffer.alloc(0)] as const),
    ],
    "input",
    /more than 10000 files/,
  ],
  ["a way out of the folder", [["../config.json", content("config.json")]], "input", /is not a readable zip file/],
  ["a checksum of 0", withoutSums(), "input", /the checksum of .+ is wrong/],
  [
    "damaged weights",
    [
      ...NAMES.map(
        (name) => [name, name.endsWith("tensors") ? content(name).subarray(0, 500) : content(name)] as const,
      ),
    ],
    "checkpoint",
    /bad\.zip/,
  ],
];

/** A model's archive whose entries have no checksum, as of nothing. */
function withoutSums(): Buffer {
  const archive = storedZip(NAMES.map((name) => [name, content(name)] as const));
  for (let at = archive.indexOf("PK\x01\x02"); at >= 0; at = archive.indexOf("PK\x01\x02", at + 1))
    archive.writeUInt32LE(0, at + 16);
  return archive;
}

for (const [what, files, code, words] of bad) {
  test(`a zip file with ${what} leaves nothing behind`, async (t) => {
    const { places, folder } = setup(t);
    const path = join(folder, "bad.zip");
    writeFileSync(path, Buffer.isBuffer(files) ? files : storedZip(files));
    await assert.rejects(importModel(path, places, { signal }), is(code, words));
    assert.deepEqual(readdirSync(places.own), []);
    assert.deepEqual(readdirSync(folder).toSorted(), ["bad.zip", "own"]);
  });
}

test("a zip file's names that Windows takes for something else, or that are too long, are not unpacked", async (t) => {
  const { places, folder } = setup(t);
  const path = join(folder, "odd.zip");
  const odd = ["con.bin", "NUL.safetensors", "ab:c.bin", "a*b.bin", " .bin", `${"a".repeat(300)}.bin`];
  const others = odd.map((name) => [name, Buffer.from("x")] as const);
  writeFileSync(path, storedZip([...NAMES.map((name) => [name, content(name)] as const), ...others]));
  const made = await importModel(path, places, { signal });
  assert.deepEqual(readdirSync(made.directory).toSorted(), [...NAMES, "spanfill.json"].toSorted());
});

test("an import that is stopped leaves nothing behind", async (t) => {
  const { places } = setup(t);
  const controller = new AbortController();
  const stopped = importModel(model.directory, places, {
    id: "mine",
    signal: controller.signal,
    onBytes: () => controller.abort(),
  });
  await assert.rejects(stopped, { name: "AbortError" });
  assert.deepEqual(readdirSync(places.own), []);
});

test("names that lead elsewhere are refused", async (t) => {
  const { places } = setup(t);
  for (const id of ["../x", "a/b", "", ".x", "-x", "a\\b", "con", "nul.t5", "x.", "x ", "a".repeat(300)]) {
    await assert.rejects(
      importModel(model.directory, places, { signal, id }),
      is("input", /cannot be a model's name/),
      id,
    );
  }
  await assert.rejects(importModel(join(model.directory, "none"), places, { signal }), is("input", /does not exist/));
});

test("an imported model is found by its name, and gone when it is removed", async (t) => {
  const { places } = setup(t);
  const { directory } = await importModel(model.directory, places, { signal, id: "mine" });
  const before = process.env["SPANFILL_MODELS"];
  process.env["SPANFILL_MODELS"] = places.own;
  t.after(() => {
    if (before === undefined) delete process.env["SPANFILL_MODELS"];
    else process.env["SPANFILL_MODELS"] = before;
  });
  assert.equal(resolveModel("mine"), directory);
  assert.ok((await removeModel("mine", places)) > 1000);
  assert.throws(() => resolveModel("mine"), is("config", /There is no model "mine"/));
});

function setup(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-import-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, places: { hub: join(folder, "hub"), own: join(folder, "own") } };
}

function is(code: ModelErrorCode, words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ModelError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  };
}
