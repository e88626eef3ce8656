/** Primer's convolutions in T5X: one array for each tap, as Depthwise1dConv of flaxformer/components/convolution.py. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { t5xTensors } from "../../../models/checkpoint/flax/t5x.ts";
import type { StoredTensor } from "../../../models/checkpoint/tensor.ts";

const source = { name: "checkpoint", file: "checkpoint", sizeBytes: 0, read: async () => new Uint8Array(0) };

test("the convolutions of flaxformer's attention find their names", () => {
  const [H, K] = [2, 8];
  const paths = ["encoder/layers_0/attention", "decoder/layers_3/self_attention"].flatMap((path) =>
    ["q", "k", "v"].flatMap((part) => [0, 1, 2].map((tap) => `${path}/${part}_conv/conv_${tap}`)),
  );
  const stored = paths.map((path): [string[], StoredTensor] => [
    path.split("/"),
    { file: "checkpoint", dtype: "F32", shape: [H, K], offset: 0, length: 4 * H * K },
  ]);
  const tensors = t5xTensors(stored, source);
  assert.equal(tensors.size, paths.length);
  for (const name of [
    "encoder.block.0.layer.0.SelfAttention.q_conv_0.weight",
    "decoder.block.3.layer.0.SelfAttention.v_conv_2.weight",
  ])
    assert.deepEqual(tensors.get(name)?.shape, [H * K]);
});
