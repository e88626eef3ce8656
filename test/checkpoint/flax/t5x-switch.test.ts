/** Switch Transformers of T5X: experts lie in one array, as moe_layers.py of flaxformer writes them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { t5xTensors } from "../../../models/checkpoint/flax/t5x.ts";
import type { StoredTensor } from "../../../models/checkpoint/tensor.ts";
import { readStored } from "../../../models/checkpoint/tensor.ts";
import { parseConfig } from "../../../models/t5/config.ts";
import { withExpertNames } from "../../../models/t5/experts/shapes.ts";
import { checkTensors, tensorShapes } from "../../../models/t5/weights.ts";

const [D, F, H, K, V, E] = [4, 6, 2, 2, 90, 3];
/** Float32 values that are their own indices. */
const values = Float32Array.from({ length: E * D * F }, (_, i) => i);
const bytes = new Uint8Array(values.buffer);
const read = async (offset: number, length: number) => bytes.slice(offset, offset + length);
const source = { name: "checkpoint", file: "checkpoint", sizeBytes: bytes.length, read };

function arrays(): [string, readonly number[]][] {
  const attention = (path: string): [string, readonly number[]][] => [
    ...["query", "key", "value"].map((name): [string, number[]] => [`${path}/${name}/kernel`, [D, H * K]]),
    [`${path}/out/kernel`, [H * K, D]],
  ];
  const layer = (stack: string, i: number): [string, readonly number[]][] => {
    const path = `${stack}/layers_${i}`;
    const names = stack === "encoder" ? ["attention"] : ["self_attention", "encoder_decoder_attention"];
    const norms = stack === "encoder" ? ["attention", "mlp"] : ["self_attention", "cross_attention", "mlp"];
    const experts = i % 2 === 1;
    return [
      ...names.flatMap((name) => attention(`${path}/${name}`)),
      ...norms.map((name): [string, number[]] => [`${path}/pre_${name}_layer_norm/scale`, [D]]),
      [`${path}/mlp/${experts ? "expert/" : ""}wi/kernel`, experts ? [E, D, F] : [D, F]],
      [`${path}/mlp/${experts ? "expert/" : ""}wo/kernel`, experts ? [E, F, D] : [F, D]],
      ...(experts ? ([[`${path}/mlp/router/router_weights/w/kernel`, [D, E]]] as [string, number[]][]) : []),
    ];
  };
  return [
    ["token_embedder/embedding", [V, D]],
    ...["encoder", "decoder"].flatMap((stack): [string, readonly number[]][] => [
      [`${stack}/relpos_bias/rel_embedding`, [H, 32]],
      [`${stack}/${stack}_norm/scale`, [D]],
      ...layer(stack, 0),
      ...layer(stack, 1),
    ]),
  ];
}

test("every tensor of a Switch Transformer finds its name, and every expert its part of the array", async () => {
  const config = parseConfig({
    ...{ model_type: "switch_transformers", vocab_size: V, d_model: D, d_ff: F, d_kv: K, num_heads: H, num_layers: 2 },
    ...{ num_experts: E, num_sparse_encoder_layers: 1, num_sparse_decoder_layers: 1 },
  });
  const stored = arrays().map(([path, shape]): [string[], StoredTensor] => [
    path.split("/"),
    { file: "checkpoint", dtype: "F32", shape, offset: 0, length: 4 * shape.reduce((a, b) => a * b, 1) },
  ]);
  const tensors = withExpertNames(config, t5xTensors(stored, source));
  checkTensors(config, tensors);
  assert.deepEqual([...tensors.keys()].sort(), [...tensorShapes(config).keys()].sort());
  const wi = tensors.get("encoder.block.1.layer.1.mlp.experts.expert_2.wi.weight");
  assert.ok(wi !== undefined);
  // [F, D] of what the array holds as [D, F].
  const first = new Float32Array((await readStored(source, wi)).buffer).slice(0, D);
  assert.deepEqual(
    [...first],
    [0, 1, 2, 3].map((d) => 2 * D * F + d * F),
  );
});
