/** LongT5's checkpoints of T5X, by the names that convert_longt5x_checkpoint_to_flax.py of transformers reads. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { t5xTensors } from "../../../models/checkpoint/flax/t5x.ts";
import type { StoredTensor } from "../../../models/checkpoint/tensor.ts";
import { parseConfig } from "../../../models/t5/config.ts";
import { withLongNames } from "../../../models/t5/long/config.ts";
import { checkTensors, tensorShapes } from "../../../models/t5/weights.ts";

const [D, F, H, K, V] = [16, 24, 2, 8, 90];
const source = { name: "checkpoint", file: "checkpoint", sizeBytes: 0, read: async () => new Uint8Array(0) };

function arrays(encoder: "local" | "transient-global"): [string, readonly number[]][] {
  const attention = (path: string): [string, readonly number[]][] => [
    ...["query", "key", "value"].map((name): [string, number[]] => [`${path}/${name}/kernel`, [D, H * K]]),
    [`${path}/out/kernel`, [H * K, D]],
  ];
  const mlp = (layer: string): [string, readonly number[]][] => [
    [`${layer}/mlp/wi/kernel`, [D, F]],
    [`${layer}/mlp/wo/kernel`, [F, D]],
    [`${layer}/pre_mlp_layer_norm/scale`, [D]],
  ];
  return [
    ["token_embedder/embedding", [V, D]],
    ["encoder/relpos_bias/rel_embedding", [H, 32]],
    ["encoder/encoder_norm/scale", [D]],
    ...attention("encoder/layers_0/attention"),
    ["encoder/layers_0/pre_attention_layer_norm/scale", [D]],
    ...mlp("encoder/layers_0"),
    ["decoder/relpos_bias/rel_embedding", [H, 32]],
    ["decoder/decoder_norm/scale", [D]],
    ...attention("decoder/layers_0/self_attention"),
    ["decoder/layers_0/pre_self_attention_layer_norm/scale", [D]],
    ...attention("decoder/layers_0/encoder_decoder_attention"),
    ["decoder/layers_0/pre_cross_attention_layer_norm/scale", [D]],
    ...mlp("decoder/layers_0"),
    ["decoder/logits_dense/kernel", [D, V]],
    ...(encoder === "local"
      ? []
      : ([
          ["encoder/side_relpos_bias/rel_embedding", [H, 32]],
          ["encoder/layers_0/attention/T5LayerNorm_0/scale", [D]],
        ] as [string, number[]][])),
  ];
}

for (const encoder of ["local", "transient-global"] as const) {
  test(`every tensor of a LongT5 finds its name: ${encoder}`, () => {
    const config = parseConfig({
      ...{ model_type: "longt5", vocab_size: V, d_model: D, d_ff: F, d_kv: K, num_heads: H, num_layers: 1 },
      ...{ encoder_attention_type: encoder, tie_word_embeddings: false },
    });
    const stored = arrays(encoder).map(([path, shape]): [string[], StoredTensor] => [
      path.split("/"),
      { file: "checkpoint", dtype: "F32", shape, offset: 0, length: 0 },
    ]);
    const tensors = withLongNames(config.longAttention, t5xTensors(stored, source));
    checkTensors(config, tensors);
    assert.deepEqual([...tensors.keys()].sort(), [...tensorShapes(config).keys()].sort());
  });
}
