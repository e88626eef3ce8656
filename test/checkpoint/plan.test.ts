import assert from "node:assert/strict";
import { test } from "node:test";
import { tensorPlan, weightBytes } from "../../models/checkpoint/plan.ts";
import { parseConfig, type T5Config } from "../../models/t5/config.ts";
import { tensorShapes } from "../../models/t5/weights.ts";

function config(overrides: Partial<T5Config>): T5Config {
  const tiny = { model_type: "t5", vocab_size: 32128, d_model: 256, d_ff: 1024, d_kv: 64, num_heads: 4, num_layers: 2 };
  return { ...parseConfig(tiny), ...overrides };
}

const shapes: [string, Partial<T5Config>][] = [
  ["T5 1.0", {}],
  ["T5 1.1", { feedForward: "gated-gelu", tieWordEmbeddings: false }],
  ["a deep decoder", { numDecoderLayers: 5 }],
  ["shared keys and values", { sharedKeyValue: true }],
  ["shared heads", { sharedHeads: true }],
  ["shared heads, keys and values", { sharedHeads: true, sharedKeyValue: true }],
  ["talking heads", { talkingHeads: true }],
  ["narrow first layers", { firstLayers: { numLayers: 1, numHeads: 2, dFf: 512 } }],
  ["biases in every layer", { biasInEveryLayer: true }],
];
for (const [name, overrides] of shapes) {
  test(`every published tensor is in the plan once: ${name}`, () => {
    const plan = tensorPlan(config(overrides));
    const sources = plan.flatMap((tensor) => tensor.sources);
    assert.equal(sources.length, new Set(sources.map((source) => source.name)).size);
    assert.deepEqual(
      new Map(sources.map((source) => [source.name, source.shape])),
      new Map([...tensorShapes(config(overrides))].toSorted(([a], [b]) => order(sources, a) - order(sources, b))),
    );
    const stored = plan.flatMap((tensor) => tensor.stored.map((each) => each.name));
    assert.equal(stored.length, new Set(stored).size);
  });
}

function order(sources: readonly { name: string }[], name: string): number {
  return sources.findIndex((source) => source.name === name);
}

test("stacks and stores the layers of a gated model as documented", () => {
  const plan = new Map(tensorPlan(config({ feedForward: "gated-gelu" })).map((tensor) => [tensor.name, tensor]));
  const cross = plan.get("decoder.block.1.layer.1.EncDecAttention.kv");
  assert.deepEqual(
    cross?.sources.map((source) => source.name),
    ["decoder.block.1.layer.1.EncDecAttention.k.weight", "decoder.block.1.layer.1.EncDecAttention.v.weight"],
  );
  assert.deepEqual(plan.get("decoder.block.0.layer.0.SelfAttention.qkv")?.shape, [768, 256]);
  assert.deepEqual(plan.get("encoder.block.1.layer.1.DenseReluDense.wi")?.shape, [2048, 256]);
  assert.deepEqual(plan.get("encoder.block.0.layer.0.SelfAttention.qkv")?.stored, [
    { name: "encoder.block.0.layer.0.SelfAttention.qkv.s8t", dtype: "I8", shape: [256, 768] },
    { name: "encoder.block.0.layer.0.SelfAttention.qkv.scale", dtype: "F32", shape: [768] },
  ]);
  assert.deepEqual(plan.get("decoder.block.0.layer.2.DenseReluDense.wo")?.stored, [
    { name: "decoder.block.0.layer.2.DenseReluDense.wo.q8", dtype: "U8", shape: [256, 8, 128] },
    { name: "decoder.block.0.layer.2.DenseReluDense.wo.scale", dtype: "F32", shape: [256, 8] },
  ]);
});

test("weights take four bytes a parameter in float32, a little over one in int8", () => {
  assert.equal(weightBytes(config({}), "float32"), 4 * 11_898_112);
  const int8 = weightBytes(config({}), "int8");
  assert.ok(int8 > 11_898_112 && int8 < 1.04 * 11_898_112, `${int8} bytes`);
});
