/** `spanfill export`: what it writes for others, and what it refuses. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { GGMLQuantizationType, gguf } from "@huggingface/gguf";
import { readWeights } from "../../server/training/step/learner.ts";
import { readAll } from "../checkpoint/bytes.ts";
import { commandLine } from "../support/command-line.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const model = randomModelFolder();
const folder = mkdtempSync(join(tmpdir(), "spanfill-export-"));
const { run } = commandLine(folder);
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});

async function spanfill(args: readonly string[]) {
  const { code, stdout } = await run([...args, "--json"]);
  return { code, json: JSON.parse(stdout) };
}

test("hf: the weights and all that transformers needs, as they were", async () => {
  const { code } = await spanfill(["export", model.directory, "--to", "hf", "--out", "hf"]);
  assert.equal(code, 0);
  assert.deepEqual(readdirSync(join(folder, "hf")).sort(), [
    "config.json",
    "model.safetensors",
    "spanfill.json",
    "tokenizer.json",
  ]);
  assert.equal(
    readFileSync(join(folder, "hf", "config.json"), "utf8"),
    readFileSync(join(model.directory, "config.json"), "utf8"),
  );
  const { weights } = await readWeights(model.directory);
  assert.deepEqual((await readWeights(join(folder, "hf"))).weights, weights);
  assert.match(
    (await spanfill(["export", model.directory, "--to", "hf", "--out", "hf"])).json.error.message,
    /hf is a folder with other files in it/,
  );
});

test("onnx: Optimum's files, and a tokenizer that transformers.js finds", async () => {
  const { code } = await spanfill(["export", model.directory, "--to", "onnx", "--out", "onnx"]);
  assert.equal(code, 0);
  assert.deepEqual(readdirSync(join(folder, "onnx", "onnx")).sort(), [
    "decoder_model.onnx",
    "decoder_model_merged.onnx",
    "decoder_with_past_model.onnx",
    "encoder_model.onnx",
  ]);
  const { tokenizer_class } = JSON.parse(readFileSync(join(folder, "onnx", "tokenizer_config.json"), "utf8"));
  assert.equal(tokenizer_class, "T5Tokenizer");
});

test("gguf: a file that loads again as the same model", async () => {
  const { code, json } = await spanfill(["export", model.directory, "--to", "gguf", "--out", "x.gguf"]);
  assert.equal(code, 0);
  assert.deepEqual(json.files, [join(folder, "x.gguf")]);
  const read = await readAll(readFileSync(join(folder, "x.gguf")));
  const { weights } = await readWeights(model.directory);
  assert.deepEqual([...read.keys()].sort(), [...weights.keys()].sort());
  for (const [name, values] of weights)
    assert.deepEqual(Buffer.from(read.get(name) ?? []), Buffer.from(values.buffer), name);
});

test("server: a folder for each operation that Triton, MLServer and OVMS read, and how they are started", async () => {
  const { code, json } = await spanfill(["export", model.directory, "--to", "server", "--out", "repository"]);
  assert.equal(code, 0);
  const out = join(folder, "repository");
  const name = basename(model.directory);
  const names = ["decode", "encode", "generate", "step"].map((which) => `${name}-${which}`);
  const common = ["README.md", "config.json", "settings.json", "spanfill_runtime.py"];
  assert.deepEqual(readdirSync(out).sort(), [...common, ...names].sort());
  assert.deepEqual(json.files.map((file: string) => existsSync(file)).includes(false), false);
  const settings = (file: string) => JSON.parse(readFileSync(join(out, file), "utf8"));
  assert.equal(settings("settings.json").host, "127.0.0.1");
  assert.deepEqual(
    settings("config.json").model_config_list.map((each: { config: object }) => each.config),
    ["encode", "step", "decode"].map((which) => {
      const served = `${name}-${which}`;
      return { name: served, base_path: `/models/${served}` };
    }),
  );
  const { inputs, parameters } = settings(`${name}-step/model-settings.json`);
  assert.deepEqual(parameters, { uri: "./1/model.onnx", version: "1" });
  assert.deepEqual(inputs[2], { name: "tokens", datatype: "INT32", shape: [-1, -1, -1] });
  const triton = readFileSync(join(out, `${name}-decode`, "config.pbtxt"), "utf8");
  assert.match(triton, /backend: "onnxruntime"\n.*\nmax_batch_size: 16\n/);
  assert.match(triton, /\{ name: "past_key_0" data_type: TYPE_FP32 dims: \[ 2, -1, 16 \] \}/);
  assert.match(triton, /\{ name: "present_value_0" data_type: TYPE_FP32 dims: \[ 2, -1, 16 \] \}/);
  const places = names.map((served) => statSync(join(out, served, "1", "weights.safetensors")).ino);
  assert.equal(new Set(places).size, 1); // one file under four names
  const again = await spanfill(["export", model.directory, "--to", "server", "--out", "repository"]);
  assert.match(again.json.error.message, /repository is a folder with other files in it/);
});

/** Some tensors' names in llama.cpp (gguf-py/gguf/tensor_mapping.py) -> in transformers. */
const GGUF_NAMES = {
  "token_embd.weight": "shared.weight",
  "enc.blk.0.attn_q.weight": "encoder.block.0.layer.0.SelfAttention.q.weight",
  "enc.blk.0.attn_rel_b.weight": "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
  "enc.blk.0.ffn_down.weight": "encoder.block.0.layer.1.DenseReluDense.wo.weight",
  "dec.blk.0.cross_attn_o.weight": "decoder.block.0.layer.1.EncDecAttention.o.weight",
  "dec.blk.0.ffn_norm.weight": "decoder.block.0.layer.2.layer_norm.weight",
  "dec.output_norm.weight": "decoder.final_layer_norm.weight",
};

test("gguf: another reader of the format finds the model's description and its tensors", async () => {
  const path = join(folder, "other.gguf");
  assert.equal((await spanfill(["export", model.directory, "--to", "gguf", "--out", path])).code, 0);
  const { metadata, tensorInfos, tensorDataOffset, parameterCount } = await gguf(path, {
    allowLocalFile: true,
    computeParametersCount: true,
  });
  const config = JSON.parse(readFileSync(join(model.directory, "config.json"), "utf8"));
  const described = new Map<string, unknown>(Object.entries(metadata));
  assert.deepEqual(
    ["general.architecture", "t5.block_count", "t5.embedding_length"].map((key) => described.get(key)),
    ["t5", config.num_layers, config.d_model],
  );
  const { weights } = await readWeights(model.directory);
  assert.deepEqual([tensorInfos.length, parameterCount], [weights.size, sum([...weights.values()])]);
  const bytes = readFileSync(path);
  for (const [name, ours] of Object.entries(GGUF_NAMES)) {
    const { offset, dtype } = tensorInfos.find((each) => each.name === name) ?? assert.fail(name);
    const { buffer, byteLength } = weights.get(ours) ?? assert.fail(ours);
    const at = Number(tensorDataOffset + offset);
    assert.equal(dtype, GGMLQuantizationType.F32, name);
    assert.deepEqual(bytes.subarray(at, at + byteLength), Buffer.from(buffer), name);
  }
});

const sum = (tensors: readonly Float32Array[]) => tensors.reduce((count, { length }) => count + length, 0);

const refused: readonly [string, "hf" | "onnx" | "gguf", string, RegExp][] = [
  [
    "a folder with another program's weights",
    "hf",
    "theirs",
    /theirs is a folder with other files in it\. Name another/,
  ],
  ["a folder with any file", "onnx", "notes", /notes is a folder with other files in it/],
  ["a file that is there", "gguf", "theirs/model.safetensors", /model\.safetensors is there already/],
  ["a folder as a file", "gguf", "notes", /notes is there already/],
  ["a file as a folder", "hf", "notes/a.txt", /a\.txt is there already/],
  ["a path through a file", "hf", "notes/a.txt/x", /a\.txt is a file, not a folder/],
  ["a path far below a file", "gguf", "notes/a.txt/x/y.gguf", /a\.txt is a file, not a folder/],
  ["an empty name", "hf", "", /--out is empty/],
  ["a blank name", "onnx", "  ", /--out is empty/],
  ["a link that leads nowhere", "hf", "nowhere", /nowhere cannot be written: a link leads nowhere/],
  ["a link that leads to itself", "gguf", "self/x.gguf", /cannot be written: a link leads back to itself/],
  ["a name that is too long", "hf", "n".repeat(300), /cannot be written: the name is too long/],
  ["a folder's name for a file", "gguf", "new/", /names a folder\. Name a file in it/],
];
test("what is there is not overwritten, and a place that cannot be written is named", async () => {
  for (const name of ["theirs", "notes"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "theirs", "model.safetensors"), "theirs");
  writeFileSync(join(folder, "notes", "a.txt"), "a");
  symlinkSync("gone", join(folder, "nowhere"));
  symlinkSync("self", join(folder, "self"));
  const before = readdirSync(folder, { recursive: true });
  for (const [what, to, out, message] of refused) {
    const { code, json } = await spanfill(["export", model.directory, "--to", to, "--out", out]);
    assert.equal(code, 1, what);
    assert.match(json.error.message, message, what);
    assert.doesNotMatch(json.error.message, /\n +at /, what);
  }
  assert.deepEqual(readdirSync(folder, { recursive: true }), before);
  assert.equal(readFileSync(join(folder, "theirs", "model.safetensors"), "utf8"), "theirs");
});

test("an empty folder is written to", async () => {
  mkdirSync(join(folder, "empty"));
  assert.equal((await spanfill(["export", model.directory, "--to", "hf", "--out", "empty"])).code, 0);
});

test("gguf: a vocabulary that it cannot hold is named, with what can be exported", async () => {
  const other = randomModelFolder();
  const path = join(other.directory, "tokenizer.json");
  const tokenizer = JSON.parse(readFileSync(path, "utf8"));
  const vocab = Object.fromEntries(tokenizer.model.vocab.map(([piece]: [string], id: number) => [piece, id]));
  writeFileSync(path, JSON.stringify({ ...tokenizer, model: { type: "WordLevel", unk_token: "<unk>", vocab } }));
  const to = ["--to", "gguf", "--out", "never.gguf"];
  const refused = async () => (await spanfill(["export", other.directory, ...to])).json.error.message;
  assert.match(await refused(), /^Only unigram tokenizers .* \(this one is a WordLevel\)\. Export to hf or onnx\.$/);
  rmSync(path);
  writeFileSync(join(other.directory, "tokenizer_config.json"), '{"tokenizer_class": "ByT5Tokenizer"}');
  assert.match(await refused(), /has no unigram vocabulary \(.*\)\. A GGUF file needs one: export to hf or onnx\.$/);
  other.dispose();
});
