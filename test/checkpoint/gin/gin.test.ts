import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { GinReference, type GinValue, parseGin } from "../../../models/checkpoint/gin/gin.ts";
import { configOfGin } from "../../../models/checkpoint/gin/gin-config.ts";
import type { TensorMap } from "../../../models/checkpoint/tensor.ts";
import { ModelError } from "../../../models/errors.ts";
import { parseConfig } from "../../../models/t5/config.ts";

const FOLDER = "test/fixtures/checkpoint/gin";
const expected: Record<string, Record<string, unknown>> = JSON.parse(readFileSync(`${FOLDER}/expected.json`, "utf8"));
const read = (name: string) => parseGin(readFileSync(`${FOLDER}/${name}.gin`, "utf8"), `${name}.gin`);

/** As make_gin.py writes a value. */
function plain(value: GinValue | undefined): unknown {
  if (value instanceof GinReference) return `@${value.name}`;
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, each]) => [key, plain(each)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

for (const [name, bindings] of Object.entries(expected)) {
  test(`reads what Google's gin library reads: ${name}`, () => {
    const gin = read(name);
    for (const [path, value] of Object.entries(bindings)) {
      const [, scope = "", target = "", parameter = ""] = /^(.*)\/(.*)\.(.*)$/.exec(path) ?? [];
      assert.deepEqual(plain(gin.value(scope, target, parameter)), value, path);
    }
  });
}

/** An embedding of so many rows. */
const embedding = (rows: number): TensorMap =>
  new Map([["shared.weight", { file: "", dtype: "F32", shape: [rows, 8], offset: 0, length: 0 }]]);

const shapes: [string, number, object][] = [
  ["mesh-tiny", 32128, { dModel: 32, dFf: 64, dKv: 64, numHeads: 2, numLayers: 2, numDecoderLayers: 2 }],
  ["t5.1.0.small", 32128, { dModel: 512, dFf: 2048, numHeads: 8, numLayers: 6, feedForward: "relu", dropoutRate: 0.1 }],
  ["t5.1.0.11B", 32128, { dModel: 1024, dFf: 65536, dKv: 128, numHeads: 128, tieWordEmbeddings: true }],
  [
    "t5.1.1.base",
    32128,
    { dModel: 768, dFf: 2048, feedForward: "gated-gelu", tieWordEmbeddings: false, dropoutRate: 0 },
  ],
  ["t5.1.th.base", 32128, { talkingHeads: true, numHeads: 24, dKv: 32, dModel: 768, feedForward: "gated-gelu" }],
  [
    "t5.1.n4w10.base",
    32128,
    {
      firstLayers: { numLayers: 4, numHeads: 6, dFf: 1024 },
      numHeads: 12,
      dFf: 2048,
      numLayers: 14,
      numDecoderLayers: 14,
    },
  ],
  ["t5x-t5_1_1-tiny", 32128, { dModel: 8, dFf: 16, dKv: 3, numHeads: 4, numLayers: 2, scaleDecoderOutputs: false }],
  ["t5x-t5_1_0-small", 32128, { dModel: 512, dFf: 2048, feedForward: "relu", scaleDecoderOutputs: true }],
  ["t5x-byt5-base", 384, { vocabSize: 384, dModel: 1536, numLayers: 18, numDecoderLayers: 6, dFf: 3968 }],
  ["t5x-mt5-xl", 250112, { vocabSize: 250112, dModel: 2048, numHeads: 32, numLayers: 24, tieWordEmbeddings: false }],
  [
    "switch_base",
    32128,
    { dModel: 768, dFf: 3072, dKv: 64, numHeads: 12, numLayers: 12, feedForward: "relu", tieWordEmbeddings: true },
  ],
];
for (const [name, rows, shape] of shapes) {
  test(`makes the published shape of it: ${name}`, () => {
    const config = parseConfig(configOfGin(read(name), embedding(rows)));
    assert.deepEqual({ ...config, ...shape }, config);
    assert.equal(config.layerNormEpsilon, 1e-6);
    assert.equal(config.relativeAttentionNumBuckets, 32);
  });
}

test("finds the experts of a Switch Transformer", () => {
  const config = parseConfig(configOfGin(read("switch_base"), embedding(32128)));
  assert.deepEqual(config.experts, {
    ...{ count: 128, capacity: 64, encoderLayers: 6, decoderLayers: 6, zLoss: 0, balanceLoss: 0.01 },
  });
});

test("refuses gated experts", () => {
  assert.throws(() => parseConfig(configOfGin(read("switch_xxl"), embedding(32128))), /experts with gated-gelu/);
});

test("counts the positions of a Primer's convolutions by their tensors", () => {
  const taps = [0, 1, 2].flatMap((tap) =>
    ["q", "k"].map((part) => `encoder.block.1.layer.0.SelfAttention.${part}_conv_${tap}.weight`),
  );
  const tensors: TensorMap = new Map([
    ...embedding(32128),
    ...taps.map((name) => [name, { file: "", dtype: "F32", shape: [8], offset: 0, length: 0 }] as const),
  ]);
  assert.equal(parseConfig(configOfGin(read("t5x-t5_1_0-small"), tensors)).convolution, 3);
});

const tiny = readFileSync(`${FOLDER}/mesh-tiny.gin`, "utf8");
const changed: [string, string, RegExp][] = [
  ["no width", tiny.replaceAll(/.*Unitransformer\.d_model.*/g, ""), /lacks encoder\/Unitransformer\.d_model\. Take/],
  [
    "a width in a file that it includes",
    `include 'models/bi_v1.gin'\n${tiny.replaceAll(/.*Unitransformer\.d_model.*/g, "")}`,
    /lacks encoder\/Unitransformer\.d_model \(it includes models\/bi_v1\.gin, which is not read\)/,
  ],
  ["no word of tied embeddings", tiny.replaceAll(/.*shared_embedding_and.*/g, ""), /lacks decoder\/Unitrans/],
  [
    "stacks of two widths",
    tiny.replace("decoder/DenseReluDense.hidden_size = %d_ff", "decoder/DenseReluDense.hidden_size = 9"),
    /different DenseReluDense\.hidden_size/,
  ],
  ["a width in words", tiny.replace("d_ff = 64", "d_ff = 'wide'"), /hidden_size as "wide", which is not a number/],
  [
    "another activation",
    tiny.replaceAll("['gelu', 'linear']", "['tanh', 'linear']"),
    /activation as tanh,linear; relu/,
  ],
  [
    "absolute positions",
    tiny.replaceAll("positional_embedding = False", "positional_embedding = True"),
    /positional_embedding as true/,
  ],
  ["a macro of itself", tiny.replace("d_ff = 64", "d_ff = %d_ff"), /defines %d_ff by %d_ff, without an end/],
  [
    "macros in a circle",
    tiny.replace("d_ff = 64", "a = [%b]\nb = (%d_ff,)\nd_ff = %a"),
    /defines %d_ff by %a by %b by %d_ff/,
  ],
  ["a macro that is not there", tiny.replace("d_ff = 64", ""), /uses %d_ff without defining it/],
  ["tokens of two experts", readFileSync(`${FOLDER}/st_moe_base.gin`, "utf8"), /sends each token to 2 experts/],
  ["stacks that share their layers", readFileSync(`${FOLDER}/bi_v1_shared.gin`, "utf8"), /encoder_name as "decoder"/],
];
for (const [name, text, message] of changed) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => configOfGin(parseGin(text, "operative_config.gin"), embedding(32128)),
      (error) => error instanceof ModelError && error.code === "config" && message.test(error.message),
    );
  });
}

const lines = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n");
test("shared keys and values, and heads that share theirs, are told", () => {
  const shared = tiny
    .replaceAll("shared_kv = False", "shared_kv = True")
    .replaceAll("memory_heads = 0", "memory_heads = 1");
  const { sharedKeyValue, sharedHeads } = parseConfig(configOfGin(parseGin(shared, "x.gin"), embedding(32128)));
  assert.deepEqual([sharedKeyValue, sharedHeads], [true, true]);
});

const hostile: [string, string, RegExp][] = [
  [
    "a laugh a billion times over",
    `${lines(12, (i) => `m${i} = [${`%m${i + 1},`.repeat(10)}]`)}\nm12 = 1\nA.b = %m0`,
    /more than 10000 parts/,
  ],
  ["a chain of macros", `${lines(20_000, (i) => `m${i} = %m${i + 1}`)}\nA.b = %m0`, /without an end/],
  ["brackets without end", `A.b = ${"[".repeat(100_000)}`, /malformed in line 1: brackets are nested too deeply/],
  ["a list that breaks off", "A.b = [1, 2", /"\]" is expected/],
  ["a map that breaks off", "A.b = {'a'", /":" is expected/],
  ["a text that breaks off", "A.b = 'abc", /a value is expected/],
  ["a program", "A.b = __import__('os')", /a value is expected/],
  ["a call", "A.b = @os.system('true')", /something follows the value/],
  ["no value", "A.b =", /a value is expected/],
  ["no binding", "A.b", /"=" is expected/],
  ["bytes", "\0\x01\x02", /a name is expected/],
  ["a megabyte and more", " ".repeat(2 ** 20 + 1), /1048577 characters long/],
];
for (const [name, text, message] of hostile) {
  test(`refuses in a moment ${name}`, () => {
    const start = process.cpuUsage();
    assert.throws(
      () => parseGin(text, "x.gin").value("", "A", "b"),
      (error) => error instanceof ModelError && error.code === "config" && message.test(error.message),
    );
    assert.ok(process.cpuUsage(start).user < 1e6, "a second of this process alone, whatever else the machine does");
  });
}

test("reads blocks, comments, scopes, texts in pieces and numbers as Python writes them", () => {
  const text = `from __gin__ import dynamic_registration
include "a.gin"  # where more is
network.T5Config:
  emb_dim = 1_000  # wide
  head_dim = -1.5e3
scope/x.A.b = ('one '
               "two\\"s", None, (True), ())
A.b = {'k': @scope/m.F(), "l": %M}
M = 'm'
long = '${"x".repeat(1_000_000)}'
A.c = %long
`;
  const gin = parseGin(text, "x.gin");
  assert.deepEqual(gin.includes, ["a.gin"]);
  assert.equal(gin.value("", "T5Config", "emb_dim"), 1000);
  assert.equal(gin.value("", "T5Config", "head_dim"), -1500);
  assert.deepEqual(plain(gin.value("scope", "A", "b")), ['one two"s', null, true, []]);
  assert.deepEqual(plain(gin.value("other", "A", "b")), { k: "@F", l: "m" });
  assert.equal(gin.value("", "A", "none"), undefined);
  assert.equal(parseGin("A.b = 1\ns/A.b = None", "x.gin").value("s", "A", "b"), null);
  assert.equal(String(gin.value("", "A", "c")).length, 1_000_000);
});
