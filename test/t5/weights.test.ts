import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import { parseConfig, type T5Config } from "../../models/t5/config.ts";
import { refuseOtherHeads } from "../../models/t5/refusals.ts";
import { checkTensors, encoderShapes, parameterCount, tensorShapes } from "../../models/t5/weights.ts";
import { unwrapped } from "../../models/t5/wrappers.ts";

function config(overrides: Partial<T5Config>): T5Config {
  const tiny = { model_type: "t5", vocab_size: 32128, d_model: 256, d_ff: 1024, d_kv: 64, num_heads: 4, num_layers: 4 };
  return { ...parseConfig(tiny), ...overrides };
}

/**
 * Published counts: model cards, traced graphs and file sizes (t5-efficient), Table 1 of the T5 paper for 3B and 11B.
 */
const counts: [string, Partial<T5Config>, number][] = [
  ["t5-efficient-tiny", { numDecoderLayers: 4 }, 15_570_688],
  ["t5-efficient-tiny-nl2", { numLayers: 2, numDecoderLayers: 2 }, 11_898_112],
  ["t5-efficient-tiny-nl32", { numLayers: 32, numDecoderLayers: 32 }, 66_986_752],
  ["t5-base", { dModel: 768, dFf: 3072, numHeads: 12, numLayers: 12, numDecoderLayers: 12 }, 222_903_552],
  ["t5-3b", { dModel: 1024, dFf: 16384, dKv: 128, numHeads: 32, numLayers: 24, numDecoderLayers: 24 }, 2_851_598_336],
  [
    "t5-11b",
    { dModel: 1024, dFf: 65536, dKv: 128, numHeads: 128, numLayers: 24, numDecoderLayers: 24 },
    11_307_321_344,
  ],
];
for (const [name, shape, expected] of counts) {
  test(`counts the parameters of ${name}`, () => assert.equal(parameterCount(config(shape)), expected));
}

test("an untied head and a gated feed-forward add their own parameters", () => {
  const plain = parameterCount(config({}));
  assert.equal(parameterCount(config({ tieWordEmbeddings: false })), plain + 32128 * 256);
  assert.equal(parameterCount(config({ feedForward: "gated-gelu" })), plain + 8 * 1024 * 256);
});

const fixtures = ["plain", "sharded"] as const;
for (const name of fixtures) {
  test(`names and shapes are those of transformers' state dict: ${name}`, () => {
    const expected: Record<string, { shape: number[] }> = JSON.parse(
      readFileSync("test/fixtures/checkpoint/expected.json", "utf8"),
    )[name].float32;
    const shapes = tensorShapes(
      parseConfig(JSON.parse(readFileSync(`test/fixtures/checkpoint/${name}/config.json`, "utf8"))),
    );
    const want = Object.entries(expected).map(([tensor, { shape }]): [string, number[]] => [tensor, shape]);
    assert.deepEqual(new Map([...shapes].toSorted()), new Map(want.toSorted()));
  });
}

type Tensors = Map<string, { shape: readonly number[] }>;
const tensorsOf = (shape: T5Config): Tensors =>
  new Map([...tensorShapes(shape)].map(([name, axes]) => [name, { shape: axes }]));

test("accepts the tensors of the shape, its embedding under an alias, and tensors no T5 uses", () => {
  const tensors = tensorsOf(config({}));
  checkTensors(config({}), tensors);
  tensors.set("decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight", { shape: [32, 4] });
  tensors.delete("shared.weight");
  tensors.set("decoder.embed_tokens.weight", { shape: [32128, 256] });
  checkTensors(config({}), tensors);
});

const query = "encoder.block.0.layer.0.SelfAttention.q.weight";
const disagreements: [string, Partial<T5Config>, (tensors: Tensors) => unknown, RegExp][] = [
  [
    "a wrong shape, with the keys that decide it",
    { dKv: 32 },
    () => {},
    /^encoder\.block\.0\.layer\.0\.SelfAttention\.q\.weight is \[256,256\] in the weights, but config\.json \(num_layers 4, num_heads 4, d_kv 32, d_model 256\) needs \[128,256\]/,
  ],
  [
    "a transposed shape",
    {},
    (t) => t.set("encoder.block.1.layer.1.DenseReluDense.wi.weight", { shape: [256, 1024] }),
    /wi\.weight is \[256,1024\].*needs \[1024,256\]/,
  ],
  ["a shape of other rank", {}, (t) => t.set(query, { shape: [65536] }), /q\.weight is \[65536\]/],
  [
    "a missing tensor",
    {},
    (t) => t.delete(query),
    /lack encoder\.block\.0\.layer\.0\.SelfAttention\.q\.weight \[256,256\]/,
  ],
  ["a missing layer", { numDecoderLayers: 5 }, () => {}, /lack decoder\.block\.4\..*num_decoder_layers 5/],
  ["a layer too many", { numLayers: 3 }, () => {}, /hold encoder\.block\.3\..*num_layers 3/],
  [
    "a plain feed-forward where a gated one should be",
    { feedForward: "gated-gelu" },
    () => {},
    /a plain feed-forward layer, but config\.json says gated-gelu/,
  ],
  ["a missing head", { tieWordEmbeddings: false }, () => {}, /lack lm_head\.weight.*tie_word_embeddings false/],
  ["another vocabulary", { vocabSize: 32100 }, () => {}, /shared\.weight is \[32128,256\].*vocab_size 32100/],
  ["a missing embedding", {}, (t) => t.delete("shared.weight"), /lack shared\.weight/],
];
for (const [name, shape, change, message] of disagreements) {
  test(`refuses ${name}`, () => {
    const tensors = tensorsOf(config({}));
    change(tensors);
    assert.throws(
      () => checkTensors(config(shape), tensors),
      (error) => error instanceof ModelError && error.code === "checkpoint" && message.test(error.message),
    );
  });
}

test("refuses a gated feed-forward where a plain one should be", () => {
  assert.throws(
    () => checkTensors(config({}), tensorsOf(config({ feedForward: "gated-gelu" }))),
    /a gated feed-forward layer/,
  );
});

const norm = "encoder.final_layer_norm.weight";
for (const prefix of [
  "module.",
  "model.",
  "transformer.",
  "_orig_mod.",
  "base_model.model.",
  "module._orig_mod.",
  "net.t5.",
]) {
  test(`names lose the prefix of a wrapper: ${prefix}`, () => {
    const names = unwrapped(new Map([norm, "shared.weight"].map((name) => [prefix + name, 0])));
    assert.deepEqual([...names.keys()], [norm, "shared.weight"]);
  });
}

test("a T5 that is a part of another model is refused, and two models are", () => {
  const part = new Map([`text.${norm}`, "image.conv.weight"].map((name) => [name, 0]));
  assert.throws(() => unwrapped(part), /a T5 under text\.encoder and other tensors beside it, such as image\.conv/);
  const two = new Map([`model.${norm}`, `module.${norm}`].map((name) => [name, 0]));
  assert.throws(() => unwrapped(two), /two models, under model\.encoder and module\.encoder/);
});

test("other heads, adapters and quantized tensors are refused by name", () => {
  const rows: [string, RegExp][] = [
    ["qa_outputs.weight", /head for question answering \(qa_outputs\).*--task qa/],
    ["classification_head.dense.weight", /head for classification.*--task classify/],
    ["encoder.block.0.layer.0.SelfAttention.q.lora_A.default.weight", /LoRA or IA3.*merge_and_unload/],
    ["encoder.block.0.layer.0.SelfAttention.q.qweight", /quantized by another program/],
    ["encoder.block.0.layer.0.SelfAttention.q.scale_weight", /quantized by another program/],
    ["decoder.block.0.layer.0.SelfAttention.q.weight_scale_inv", /quantized by another program/],
  ];
  for (const [name, message] of rows) assert.throws(() => refuseOtherHeads([name]), message);
  refuseOtherHeads(["shared.weight", "lm_head.weight"]);
});

test("an encoder that lacks a tensor is told so where only vectors are asked for", () => {
  const tensors = new Map([["encoder.block.0.layer.0.SelfAttention.q.weight", { shape: [64, 64] }]]);
  assert.throws(() => checkTensors(config({}), tensors, encoderShapes(config({}))), /The weights lack shared\.weight/);
  assert.throws(() => checkTensors(config({}), tensors), /hold only an encoder.*spanfill embed/);
});
