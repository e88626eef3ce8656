import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { safetensorsHeader } from "../../../models/checkpoint/safetensors.ts";
import { ModelError } from "../../../models/errors.ts";
import { openCheckpoint, readTensor, readTensorBytes } from "../../../server/catalog/folder/checkpoint.ts";
import { type PreparedWeights, prepareWeights, writeInt8 } from "../../../server/catalog/folder/int8/prepare.ts";
import { editConfig, expectedTensors, modelFolder, temporaryFolder } from "../folders.ts";

/** Shape and SHA-256 of every prepared tensor, read from its file by its reference alone. */
function digests({ folder, tensors }: PreparedWeights): Record<string, { shape: readonly number[]; sha256: string }> {
  const all = [...tensors].map(([name, { file, shape, offset, length }]) => {
    const bytes = readFileSync(join(folder, file)).subarray(offset, offset + length);
    return [name, { shape, sha256: createHash("sha256").update(bytes).digest("hex") }];
  });
  return Object.fromEntries(all);
}

for (const fixture of ["plain", "sharded"] as const) {
  test(`int8 tensors are those that numpy makes of them: ${fixture}`, async (t) => {
    const cacheFolder = temporaryFolder(t);
    const prepared = await prepareWeights(modelFolder(t, fixture), "int8", { cacheFolder });
    assert.deepEqual(digests(prepared), expectedTensors(fixture, "int8"));
    assert.equal(prepared.folder, realpathSync(cacheFolder));
    assert.match(prepared.notes.join(), /int8 weights quantized from the published ones/);
  });

  test(`float32 tensors are those of PyTorch: ${fixture}`, async (t) => {
    const prepared = await prepareWeights(modelFolder(t, fixture), "float32", { cacheFolder: temporaryFolder(t) });
    assert.deepEqual(digests(prepared), expectedTensors(fixture, "float32"));
    assert.ok([...prepared.tensors.values()].every(({ dtype, offset }) => dtype === "F32" && offset % 4 === 0));
  });
}

test("float32 of a float32 file is read in place: nothing is written but that its values are numbers", async (t) => {
  const folder = modelFolder(t, "plain");
  const cacheFolder = join(temporaryFolder(t), "never");
  const prepared = await prepareWeights(folder, "float32", { cacheFolder });
  assert.equal(prepared.folder, realpathSync(folder));
  assert.deepEqual(prepared.notes, []);
  assert.deepEqual(
    readdirSync(cacheFolder).map((name) => name.replace(/^\w{32}/, "")),
    [".intact"],
  );
});

test("float32 through a symbolic link names the real folder", async (t) => {
  const folder = modelFolder(t, "plain");
  const blobs = join(folder, "..", "blobs");
  mkdirSync(blobs);
  renameSync(join(folder, "model.safetensors"), join(blobs, "abc"));
  symlinkSync("../blobs/abc", join(folder, "model.safetensors"));
  const prepared = await prepareWeights(folder, "float32", { cacheFolder: temporaryFolder(t) });
  assert.equal(prepared.folder, realpathSync(blobs));
  assert.equal(prepared.tensors.get("shared.weight")?.file, "abc");
});

test("the second time the cache is read, not made", async (t) => {
  const folder = modelFolder(t, "plain");
  const cacheFolder = temporaryFolder(t);
  let made = 0;
  const options = { cacheFolder, onProgress: () => (made += 1) };
  const first = await prepareWeights(folder, "int8", options);
  assert.ok(made > 0);
  made = 0;
  assert.deepEqual(await prepareWeights(folder, "int8", options), first);
  assert.equal(made, 0);
});

test("float32 shards whose real files lie in two folders are brought into one", async (t) => {
  const folder = modelFolder(t, "plain");
  const other = join(folder, "..", "other");
  mkdirSync(other);
  await splitInTwo(folder, join(other, "b.safetensors"));
  const cacheFolder = temporaryFolder(t);
  const prepared = await prepareWeights(folder, "float32", { cacheFolder });
  assert.equal(prepared.folder, realpathSync(cacheFolder));
  assert.deepEqual(digests(prepared), expectedTensors("plain", "float32"));
});

/** Makes two shards of a folder's one file; the second is a link to a file elsewhere. */
async function splitInTwo(folder: string, elsewhere: string): Promise<void> {
  const all = [...(await openCheckpoint(folder)).tensors];
  const shards = { "a.safetensors": all.slice(0, 9), "b.safetensors": all.slice(9) };
  const map: Record<string, string> = {};
  for (const [file, tensors] of Object.entries(shards)) {
    const data = await Promise.all(tensors.map(([, tensor]) => readTensorBytes(tensor)));
    const { bytes } = safetensorsHeader(
      tensors.map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
      {},
    );
    writeFileSync(file.startsWith("a") ? join(folder, file) : elsewhere, Buffer.concat([bytes, ...data]));
    for (const [name] of tensors) map[name] = file;
  }
  symlinkSync(elsewhere, join(folder, "b.safetensors"));
  rmSync(join(folder, "model.safetensors"));
  writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
}

const anHourAgo = new Date(Date.now() - 3_600_000);
const changes: [string, (folder: string, cached: string) => unknown][] = [
  ["the weights changed", (folder) => utimesSync(join(folder, "model.safetensors"), anHourAgo, anHourAgo)],
  [
    "the weights were exchanged for others of the same size and time",
    (folder) => {
      const weights = join(folder, "model.safetensors");
      const { atime, mtime } = statSync(weights);
      copyFileSync(weights, `${weights}.new`);
      utimesSync(`${weights}.new`, atime, mtime);
      renameSync(`${weights}.new`, weights);
    },
  ],
  ["the configuration changed", (folder) => editConfig(folder, { layer_norm_epsilon: 1e-5 })],
  ["the cached file was cut", (_, cached) => truncateSync(cached, statSync(cached).size - 1)],
  ["the cached header was damaged", (_, cached) => writeFileSync(cached, readFileSync(cached).fill(0, 0, 64))],
  ["the cached file is of something else", (folder, cached) => copyFileSync(join(folder, "model.safetensors"), cached)],
  ["the cached file was made for another key", (folder, cached) => writeInt8(folder, cached)],
  ["the cached file is gone", (_, cached) => rmSync(cached)],
];
for (const [name, change] of changes) {
  test(`makes the cached file again when ${name}`, async (t) => {
    const folder = modelFolder(t, "plain");
    const cacheFolder = temporaryFolder(t);
    const expected = digests(await prepareWeights(folder, "int8", { cacheFolder }));
    const [cached] = readdirSync(cacheFolder);
    await change(folder, join(cacheFolder, cached ?? ""));
    let made = 0;
    const again = await prepareWeights(folder, "int8", { cacheFolder, onProgress: () => (made += 1) });
    assert.ok(made > 0);
    assert.deepEqual(digests(again), expected);
  });
}

test("progress ends at the file's size", async (t) => {
  const cacheFolder = temporaryFolder(t);
  const seen: [number, number][] = [];
  await prepareWeights(modelFolder(t, "plain"), "int8", { cacheFolder, onProgress: (...each) => seen.push(each) });
  const [name] = readdirSync(cacheFolder);
  const { size } = statSync(join(cacheFolder, name ?? ""));
  assert.deepEqual(seen.at(-1), [size, size]);
});

test("an abort half-way leaves nothing behind", async (t) => {
  const cacheFolder = temporaryFolder(t);
  const controller = new AbortController();
  const stopped = prepareWeights(modelFolder(t, "plain"), "int8", {
    cacheFolder,
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await assert.rejects(stopped, { name: "AbortError" });
  assert.deepEqual(readdirSync(cacheFolder), []);
});

test("weights that are changed as they are converted make no file of two kinds", async (t) => {
  const [folder, cacheFolder] = [modelFolder(t, "plain"), temporaryFolder(t)];
  const weights = join(folder, "model.safetensors");
  const bytes = readFileSync(weights);
  let done = 0;
  const changed = prepareWeights(folder, "int8", {
    cacheFolder,
    onProgress: () => {
      done += 1;
      if (done === 2) writeFileSync(weights, bytes);
    },
  });
  await assert.rejects(changed, { name: "ModelError", code: "changed" });
  assert.deepEqual(readdirSync(cacheFolder), []);
  assert.deepEqual(digests(await prepareWeights(folder, "int8", { cacheFolder })), expectedTensors("plain", "int8"));
});

test("two at once make the same file without harm", async (t) => {
  const folder = modelFolder(t, "plain");
  const cacheFolder = temporaryFolder(t);
  const both = await Promise.all([1, 2].map(() => prepareWeights(folder, "int8", { cacheFolder })));
  for (const prepared of both) assert.deepEqual(digests(prepared), expectedTensors("plain", "int8"));
  assert.equal(readdirSync(cacheFolder).length, 1);
});

/** A folder that has only the int8 file, as the built-in models. */
async function shipped(t: Parameters<typeof modelFolder>[0], fixture: "plain" | "sharded"): Promise<string> {
  const source = modelFolder(t, fixture);
  const folder = join(temporaryFolder(t), "shipped");
  await writeInt8(source, join(folder, "model.int8.safetensors"));
  copyFileSync(join(source, "config.json"), join(folder, "config.json"));
  return folder;
}

for (const fixture of ["plain", "sharded"] as const) {
  test(`a model that ships in int8 is read in place, and dequantized for float32: ${fixture}`, async (t) => {
    const folder = await shipped(t, fixture);
    const int8 = await prepareWeights(folder, "int8", { cacheFolder: join(folder, "never") });
    assert.deepEqual(digests(int8), expectedTensors(fixture, "int8"));
    assert.equal(int8.folder, realpathSync(folder));
    assert.deepEqual(int8.notes, []);

    const float32 = await prepareWeights(folder, "float32", { cacheFolder: temporaryFolder(t) });
    assert.match(float32.notes.join(), /converted from the model's int8 file/);
    assert.deepEqual(new Set(float32.tensors.keys()), new Set(Object.keys(expectedTensors(fixture, "float32"))));
    assert.deepEqual(float32.config, int8.config);
    const published = await openCheckpoint(modelFolder(t, fixture));
    for (const [name, tensor] of published.tensors) {
      const found = float32.tensors.get(name);
      assert.ok(found !== undefined && found.shape.join() === tensor.shape.join(), name);
      const back = await readTensor(name, { ...found, file: join(float32.folder, found.file) });
      const values = await readTensor(name, tensor);
      const half = (values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 254) * 1.001;
      assert.ok(
        values.every((value, i) => Math.abs(value - (back[i] ?? Number.NaN)) <= half),
        name,
      );
    }
  });
}

test("an int8 file that does not fit its config.json is refused", async (t) => {
  const folder = await shipped(t, "plain");
  editConfig(folder, { d_ff: 128 });
  await assert.rejects(
    prepareWeights(folder, "int8"),
    /model\.int8\.safetensors has .*wi\.s8t as I8 \[24,136\], where I8 \[24,128\] is needed: it does not match the config\.json/,
  );
  editConfig(folder, { d_ff: 136, num_decoder_layers: 1 });
  await assert.rejects(prepareWeights(folder, "int8"), /contains \d+ tensors, where \d+ are needed/);
});

/** Adds an LM head to the plain fixture: `embedding` mixed into its values. */
async function addHead(folder: string, add: number): Promise<void> {
  const { tensors } = await openCheckpoint(folder);
  const parts: [string, readonly number[], Uint8Array][] = [];
  for (const [name, tensor] of tensors) {
    if (name !== "lm_head.weight") parts.push([name, tensor.shape, await readTensorBytes(tensor)]);
  }
  const [, shape, embedding] = parts.find(([name]) => name === "shared.weight") ?? ["", [], new Uint8Array()];
  const head = new Float32Array(embedding.slice().buffer).map((value) => value + add);
  parts.push(["lm_head.weight", shape, new Uint8Array(head.buffer)]);
  const { bytes } = safetensorsHeader(
    parts.map(([name, axes]) => ({ name, dtype: "F32", shape: axes })),
    {},
  );
  writeFileSync(join(folder, "model.safetensors"), Buffer.concat([bytes, ...parts.map(([, , data]) => data)]));
}

test("a head beside a tied embedding counts only when it differs, as in transformers 5", async (t) => {
  const folder = modelFolder(t, "plain");
  await addHead(folder, 0);
  const same = await prepareWeights(folder, "float32");
  assert.equal(same.config.tieWordEmbeddings, true);
  assert.equal(same.tensors.has("lm_head.weight"), false);
  await addHead(folder, 0.5);
  const other = await prepareWeights(folder, "float32");
  assert.equal(other.config.tieWordEmbeddings, false);
  assert.equal(other.config.scaleDecoderOutputs, true);
  assert.equal(other.tensors.has("lm_head.weight"), true);
});

test("takes the embedding under its other name", async (t) => {
  const folder = modelFolder(t, "plain");
  const path = join(folder, "model.safetensors");
  const text = readFileSync(path, "latin1").replace('"shared.weight":', '"encoder.embed_tokens.weight":');
  const grown = Buffer.from(text, "latin1");
  grown.writeBigUInt64LE(grown.readBigUInt64LE(0) + 14n, 0);
  writeFileSync(path, grown);
  const prepared = await prepareWeights(folder, "float32", { cacheFolder: temporaryFolder(t) });
  assert.deepEqual(digests(prepared), expectedTensors("plain", "float32"));
});

const refusals: [string, (folder: string) => void, "config" | "checkpoint", RegExp][] = [
  ["no config.json", (f) => rmSync(join(f, "config.json")), "config", /config\.json does not exist/],
  ["a config.json that is not JSON", (f) => writeFileSync(join(f, "config.json"), "{"), "config", /is not JSON/],
  [
    "a config.json of another architecture",
    (f) => editConfig(f, { model_type: "llama" }),
    "config",
    /"llama", and only "t5"/,
  ],
  ["a config.json without a size", (f) => editConfig(f, { d_kv: undefined }), "config", /lacks d_kv/],
  [
    "a config.json of another shape",
    (f) => editConfig(f, { d_model: 32 }),
    "checkpoint",
    /shared\.weight is \[40,24\].*needs \[40,32\]/,
  ],
  ["a truncated file", (f) => truncateSync(join(f, "model.safetensors"), 90_000), "checkpoint", /is truncated/],
];
for (const [name, damage, code, message] of refusals) {
  test(`refuses ${name}, leaving the cache alone`, async (t) => {
    const folder = modelFolder(t, "plain");
    damage(folder);
    const cacheFolder = temporaryFolder(t);
    await assert.rejects(
      prepareWeights(folder, "int8", { cacheFolder }),
      (error) => error instanceof ModelError && error.code === code && message.test(error.message),
    );
    assert.deepEqual(readdirSync(cacheFolder), []);
  });
}

test("refuses weights that are not numbers, naming them", async (t) => {
  const folder = modelFolder(t, "plain");
  const tensor = (await openCheckpoint(folder)).tensors.get("decoder.block.1.layer.1.EncDecAttention.v.weight");
  const bytes = readFileSync(join(folder, "model.safetensors"));
  bytes.writeFloatLE(Number.NaN, tensor?.offset ?? 0);
  writeFileSync(join(folder, "model.safetensors"), bytes);
  const cacheFolder = temporaryFolder(t);
  await assert.rejects(
    prepareWeights(folder, "int8", { cacheFolder }),
    /NaN or infinite values in .*EncDecAttention\.[kv]\.weight/,
  );
  assert.deepEqual(readdirSync(cacheFolder), []);
});

test("says what to do when the cache cannot be written", async (t) => {
  const cacheFolder = join(temporaryFolder(t), "file");
  writeFileSync(cacheFolder, "in the way");
  await assert.rejects(
    prepareWeights(modelFolder(t, "plain"), "int8", { cacheFolder }),
    /cannot be written \(.*free some space, or name another folder in SPANFILL_CACHE/,
  );
});

test("products that are too far off are stored in blocks, then as floats; the checked file is found again", async (t) => {
  const folder = modelFolder(t, "plain");
  const cacheFolder = temporaryFolder(t);
  const [qkv, wo] = ["encoder.block.0.layer.0.SelfAttention.qkv", "encoder.block.0.layer.1.DenseReluDense.wo"] as const;
  const answers = [[qkv, wo], [qkv], []];
  const first = await prepareWeights(folder, "int8", { cacheFolder, tooFar: async () => answers.shift() ?? [] });
  assert.equal(answers.length, 0);
  assert.deepEqual(
    [`${qkv}.weight`, `${wo}.q8`, `${qkv}.s8t`].map((name) => first.tensors.has(name)),
    [true, true, false],
  );
  assert.equal(readdirSync(cacheFolder).length, 1);
  const again = await prepareWeights(folder, "int8", { cacheFolder, tooFar: () => assert.fail("checked again") });
  assert.deepEqual(again, first);
  const tensors = digests(first);
  // A model's own file may have been made so too.
  const [made = ""] = readdirSync(cacheFolder);
  renameSync(join(cacheFolder, made), join(folder, "model.int8.safetensors"));
  rmSync(join(folder, "model.safetensors"));
  assert.deepEqual(digests(await prepareWeights(folder, "int8", { cacheFolder })), tensors);
  const float32 = await prepareWeights(folder, "float32", { cacheFolder });
  const exact = expectedTensors("plain", "float32");
  const key = qkv.replace("qkv", "k.weight");
  assert.deepEqual(digests(float32)[key], exact[key]);
});

test("a file that could not be checked is not kept", async (t) => {
  const cacheFolder = temporaryFolder(t);
  const tooFar = () => Promise.reject(new Error("no memory"));
  await assert.rejects(prepareWeights(modelFolder(t, "plain"), "int8", { cacheFolder, tooFar }), /no memory/);
  assert.deepEqual(readdirSync(cacheFolder), []);
});
