import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { parseConfig } from "../../models/t5/config.ts";
import { openCheckpoint, readTensor } from "../../server/catalog/folder/checkpoint.ts";
import { prepareWeights } from "../../server/catalog/folder/int8/prepare.ts";
import { openModel } from "../../server/catalog/folder/open.ts";
import { resolveModel } from "../../server/catalog/installed.ts";
import { generate } from "../../server/engine/search/generate.ts";
import { tokenModel } from "../support/models/parity-check.ts";
import { parityModels, parityWeights } from "../support/models/parity-model.ts";
import { engineSubject } from "../support/models/subjects.ts";
import { temporaryFolder } from "./folders.ts";

const FIXTURES = "test/fixtures/checkpoint/formats";

/** A folder with the reference model's config.json and the weights of one or more formats. */
function formatFolder(t: TestContext, ...formats: string[]): string {
  const folder = join(temporaryFolder(t), "model");
  mkdirSync(folder);
  cpSync(join(FIXTURES, "reference", "config.json"), join(folder, "config.json"));
  for (const format of formats) cpSync(join(FIXTURES, format), folder, { recursive: true });
  return folder;
}

/** Every value of a folder's weights, by name. */
async function values(folder: string): Promise<Map<string, { shape: readonly number[]; values: Float32Array }>> {
  const read = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  for (const [name, tensor] of (await openCheckpoint(folder)).tensors) {
    if (tensor.dtype.startsWith("I") || tensor.dtype === "U8") continue;
    read.set(name, { shape: tensor.shape, values: await readTensor(name, tensor) });
  }
  return read;
}

const formats = [
  "torch-zip",
  "torch-legacy",
  "torch-sharded",
  "flax",
  "flax-sharded",
  "flax-chunked",
  "t5x",
  "t5x-orbax",
  "mesh-tf",
  "mesh-tf-partitioned",
  "gguf",
  "keras",
  "keras-latest",
  "keras-sharded",
];

/** Greedy tokens of two inputs, and how sure the model was of each. */
async function generated(folder: string) {
  const subject = await engineSubject(folder, "float32");
  const inputs = [
    [5, 9, 17, 30, 2, 1],
    [38, 8, 1],
  ];
  const { sequences } = await generate(tokenModel(subject), { inputs, maxNewTokens: 12 });
  await subject.runner.dispose();
  return sequences.flatMap(([best]) => (best === undefined ? [] : [best]));
}

/** What TensorStore wrote of the LM head, changed. */
function zarray(change: object): string {
  const path = join(FIXTURES, "t5x/target.decoder.logits_dense.kernel/.zarray");
  return JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...change });
}

for (const format of formats) {
  test(`holds the values of the same model in safetensors: ${format}`, async (t) => {
    const reference = await values(formatFolder(t, "reference"));
    const read = await values(formatFolder(t, format));
    assert.equal(reference.size, 43);
    for (const [name, expected] of reference) assert.deepEqual(read.get(name), expected, name);
  });

  test(`writes the same text as from safetensors: ${format}`, async (t) => {
    process.env["SPANFILL_CACHE"] = temporaryFolder(t);
    const [read, expected] = [await generated(formatFolder(t, format)), await generated(formatFolder(t, "reference"))];
    const idsOf = (sequences: typeof read) => sequences.map(({ ids }) => ids);
    assert.deepEqual(idsOf(read), idsOf(expected));
    const logProbs = expected.flatMap((sequence) => sequence.logProbs);
    for (const [i, value] of read.flatMap((sequence) => sequence.logProbs).entries()) {
      assert.ok(Math.abs(value - (logProbs[i] ?? 0)) < 1e-5, `${value} instead of ${logProbs[i]}`);
    }
  });

  test(`makes the same int8 weights as from safetensors: ${format}`, async (t) => {
    const made = [];
    for (const each of ["reference", format]) {
      const cacheFolder = temporaryFolder(t);
      const { folder, tensors } = await prepareWeights(formatFolder(t, each), "int8", { cacheFolder });
      const bytes = [...tensors].map(([name, { file, offset, length }]) => [
        name,
        readFileSync(join(folder, file))
          .subarray(offset, offset + length)
          .toString("base64"),
      ]);
      made.push(Object.fromEntries(bytes));
    }
    assert.deepEqual(made[1], made[0]);
  });
}

/** The shape of the reference model as the gin files of its training code would say it. */
const gins: [string, string, string][] = [
  [
    "mesh-tf",
    "operative_config.gin",
    readFileSync("test/fixtures/checkpoint/gin/mesh-tiny.gin", "utf8")
      .replace(/^d_ff = .*/m, "d_ff = 24")
      .replace(/^d_kv = .*/m, "d_kv = 4")
      .replace(/^d_model = .*/m, "d_model = 16")
      .replace(/^num_heads = .*/m, "num_heads = 3")
      .replace("encoder/make_layer_stack.num_layers = %num_layers", "encoder/make_layer_stack.num_layers = 1")
      .replaceAll("num_buckets = 32", "num_buckets = 8"),
  ],
  [
    "t5x",
    "../config.gin",
    `network.T5Config:
  emb_dim = 16
  mlp_dim = 24
  head_dim = 4
  num_heads = 3
  num_encoder_layers = 1
  num_decoder_layers = 2
  dropout_rate = 0.0
  mlp_activations = ('gelu', 'linear')
  logits_via_embedding = False
`,
  ],
];
for (const [format, file, gin] of gins) {
  test(`a gin file says the shape where there is no config.json: ${format}`, async (t) => {
    const folder = formatFolder(t, format);
    const { config } = await openModel(folder, "float");
    rmSync(join(folder, "config.json"));
    writeFileSync(join(folder, file), gin);
    assert.deepEqual((await openModel(folder, "float")).config, { ...config, dropoutRate: 0 });
    assert.equal(resolveModel(folder), folder);
    process.env["SPANFILL_CACHE"] = temporaryFolder(t);
    const idsOf = (sequences: Awaited<ReturnType<typeof generated>>) => sequences.map(({ ids }) => ids);
    assert.deepEqual(idsOf(await generated(folder)), idsOf(await generated(formatFolder(t, "reference"))));
    rmSync(join(folder, file));
    await assert.rejects(openModel(folder, "float"), /config\.json does not exist/);
  });
}

const byT5x: Record<string, { ids: number[]; logProbs: number[] }[]> = JSON.parse(
  readFileSync(join(FIXTURES, "t5x-expected.json"), "utf8"),
);
for (const [format, expected] of Object.entries(byT5x)) {
  test(`writes what T5X's own network writes: ${format}`, async (t) => {
    process.env["SPANFILL_CACHE"] = temporaryFolder(t);
    const sequences = await generated(join(FIXTURES, format));
    assert.deepEqual(
      sequences.map(({ ids }) => ids),
      expected.map(({ ids }) => ids),
    );
    const logProbs = expected.flatMap((sequence) => sequence.logProbs);
    for (const [i, value] of sequences.flatMap((sequence) => sequence.logProbs).entries()) {
      assert.ok(Math.abs(value - (logProbs[i] ?? 0)) < 1e-4, `${value} instead of ${logProbs[i]}`);
    }
  });
}

test("T5X's own test data is read as its arrays are", async () => {
  const folder = join(FIXTURES, "t5x-testdata");
  const read: Record<string, { shape: readonly number[]; sha256: string }> = {};
  for (const [name, { shape, values: content }] of await values(folder)) {
    read[name] = { shape, sha256: createHash("sha256").update(new Uint8Array(content.buffer)).digest("hex") };
  }
  assert.deepEqual(read, JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")));
  assert.equal((await openModel(folder, "float")).config.numDecoderLayers, 2);
});

const zarr: [string, string, string | Uint8Array | undefined, RegExp][] = [
  ["a missing chunk", "0.0", undefined, /kernel\/0\.0 does not exist/],
  ["a missing description", ".zarray", undefined, /\.zarray does not exist/],
  ["a description that is none", ".zarray", "{", /\.zarray does not describe an array/],
  ["a description of other bytes", ".zarray", zarray({ dtype: ">f4" }), /does not describe an array of weights/],
  [
    "an unknown compressor",
    ".zarray",
    zarray({ compressor: { id: "blosc" } }),
    /does not describe an array of weights/,
  ],
  ["chunks larger than the array", ".zarray", zarray({ chunks: [1e9, 1e9] }), /does not describe an array of weights/],
  ["a billion chunks", ".zarray", zarray({ shape: [32000, 32000], chunks: [1, 1] }), /describes 1024000000 chunks/],
  ["a chunk cut off", "0.0", gzipSync(new Uint8Array(9 * 21 * 2)).subarray(0, 20), /0\.0 is damaged/],
  ["a chunk that is not packed", "0.0", new Uint8Array(9 * 21 * 2), /0\.0 is damaged: it cannot be unpacked/],
  [
    "a chunk that is a zip bomb",
    "0.0",
    gzipSync(new Uint8Array(2e8)),
    /0\.0 holds 379 bytes of an array instead of 378/,
  ],
  ["a chunk too short", "0.0", gzipSync(new Uint8Array(12)), /0\.0 holds 12 bytes/],
];

const packed = readFileSync(join(FIXTURES, "orbax/target.encoder.encoder_norm.scale/0"));
const orbax: [string, string, (content: Buffer) => string | Uint8Array, RegExp][] = [
  [
    "an array in zarr's third format",
    "_METADATA",
    (text) => String(text).replace('zarr3": false', 'zarr3": true'),
    /third format, which cannot be read\. In Python/,
  ],
  [
    "a database that is not there",
    "_METADATA",
    (text) => String(text).replace('ocdbt": false', 'ocdbt": true'),
    /manifest\.ocdbt does not exist/,
  ],
  [
    "a path that leads elsewhere",
    "_METADATA",
    (text) => String(text).replace('"key": "token_embedder"', '"key": "../../x"'),
    /which is not a folder name/,
  ],
  [
    "half a list of arrays",
    "_METADATA",
    (text) => text.subarray(0, 900),
    /_METADATA is truncated, or was not written by Orbax/,
  ],
  [
    "a frame of zstd that claims 4 GB",
    "target.encoder.encoder_norm.scale/0",
    () => Buffer.from("28b52ffda0ffffffff", "hex"),
    /scale\/0 is damaged: it would become 4294967295 bytes/,
  ],
  [
    "a frame of zstd cut off",
    "target.encoder.encoder_norm.scale/0",
    () => packed.subarray(0, 30),
    /scale\/0 is damaged/,
  ],
  [
    "a frame of zstd that is none",
    "target.encoder.encoder_norm.scale/0",
    () => Buffer.from("28b52ffc2040", "hex"),
    /scale\/0 is damaged/,
  ],
];
for (const [name, file, change, message] of orbax) {
  test(`refuses ${name}`, async (t) => {
    const folder = formatFolder(t, "orbax");
    writeFileSync(join(folder, file), change(readFileSync(join(folder, file))));
    await assert.rejects(values(folder), message);
  });
}

for (const [name, file, content, message] of zarr) {
  test(`refuses ${name}`, async (t) => {
    const folder = formatFolder(t, "t5x");
    const path = join(folder, "target.decoder.logits_dense.kernel", file);
    rmSync(path);
    if (content !== undefined) writeFileSync(path, content);
    await assert.rejects(values(folder), message);
  });
}

test("a folder with several formats is read as safetensors", async (t) => {
  const folder = formatFolder(t, "flax", "torch-zip", "reference");
  assert.match((await openCheckpoint(folder)).files[0]?.path ?? "", /model\.safetensors$/);
  rmSync(join(folder, "model.safetensors"));
  assert.match((await openCheckpoint(folder)).files[0]?.path ?? "", /pytorch_model\.bin$/);
});

test("usual names come before others of the same format", async (t) => {
  const folder = formatFolder(t, "torch-sharded", "torch-legacy");
  cpSync(join(folder, "pytorch_model.bin"), join(folder, "optimizer.pt"));
  assert.equal((await openCheckpoint(folder)).files.length, 2, "zip shards before the older layout");
  rmSync(join(folder, "pytorch_model.bin.index.json"));
  for (const i of [1, 2]) rmSync(join(folder, `pytorch_model-0000${i}-of-00002.bin`));
  assert.match((await openCheckpoint(folder)).files[0]?.path ?? "", /pytorch_model\.bin$/);
});

test("the tensors of a PyTorch file lie in it as they are needed: float32 ones are mapped, not copied", async (t) => {
  for (const { offset } of (await openCheckpoint(formatFolder(t, "torch-sharded"))).tensors.values()) {
    assert.equal((offset ?? 1) % 4, 0);
  }
});

test("one damaged shard is named", async (t) => {
  for (const [format, name] of [
    ["torch-sharded", "pytorch_model-00002-of-00002.bin"],
    ["flax-sharded", "flax_model-00002-of-00002.msgpack"],
  ] as const) {
    const folder = formatFolder(t, format);
    truncateSync(join(folder, name), 2000);
    await assert.rejects(openCheckpoint(folder), new RegExp(`${name} is truncated`));
    rmSync(join(folder, name));
    await assert.rejects(openCheckpoint(folder), new RegExp(`${name} does not exist`));
  }
});

for (const model of parityModels("architectures")) {
  if (!["talking-heads", "n4w10", "shkv"].includes(model.name)) continue;
  test(`reads the shape and the tensors that Mesh TensorFlow has of it: ${model.name}`, async () => {
    const { config, checkpoint } = await openModel(join(FIXTURES, `mesh-${model.name}`), "float");
    assert.deepEqual(config, { ...parseConfig(model.config), dropoutRate: 0 });
    assert.equal(checkpoint.tensors.size, model.tensors.length);
    for (const [name, expected] of parityWeights(model)) {
      const tensor = checkpoint.tensors.get(name);
      const read = tensor === undefined ? [] : await readTensor(name, tensor);
      const wrong = expected.findIndex(
        (value, i) => !(Math.abs(value - (read[i] ?? Number.NaN)) <= Math.abs(value) / 256),
      );
      assert.equal(wrong, -1, `${name}: ${read[wrong]}, not ${expected[wrong]}`);
    }
  });
}
