/** The encoder's graph: hidden states, and from them every decoder layer's cross-attention keys and values, computed once. */
import type { GraphBuilder } from "../graph/builder.ts";
import { createGraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import type { Graph, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import { feedForward, type KeysAndValues, normed, type Residual, selfAttention } from "./layers.ts";
import type { Lowering } from "./lowering.ts";

/**
 * Returns the encoder's graph.
 *
 * Inputs: `input_ids` int32 [B, S]; `bias` float32 [1, H, S, S], the relative position bias of each head, query and key (which
 * is quicker to lay out outside: see position.ts); when masked, `mask` float32 [B, 1, 1, S], 0 for tokens and a large negative
 * number for padding.
 * Outputs: `hidden` float32 [B, S, D], after the final norm; `cross_key_i` and `cross_value_i` float32 [B, H, S, K].
 * @see T5Stack, modeling_t5.py
 */
export function encoderGraph(config: T5Config, lowering: Lowering, masked: boolean): Graph {
  const g = createGraphBuilder();
  const ids = g.input("input_ids", "int32", ["B", "S"]);
  const bias = g.input("bias", "float32", [1, config.numHeads, "S", "S"]);
  const mask = masked ? g.input("mask", "float32", ["B", 1, 1, "S"]) : null;
  const hidden = encoderLayers(g, config, lowering, ids, mask === null ? bias : ops.add(g, bias, mask));
  const outputs: Record<string, Value> = { hidden };
  for (let i = 0; i < config.numDecoderLayers; i += 1) {
    const { key, value } = crossKeysAndValues(g, config, lowering, i, hidden);
    outputs[`cross_key_${i}`] = key;
    outputs[`cross_value_${i}`] = value;
  }
  return g.build("encoder", outputs);
}

/** Hidden states after the final norm, [B, S, D]. */
export function encoderLayers(g: GraphBuilder, config: T5Config, lowering: Lowering, ids: Value, bias: Value): Value {
  let residual: Residual = { x: lowering.embed(g, ids), update: null };
  for (let i = 0; i < config.numLayers; i += 1) {
    residual = selfAttention(g, lowering, config, `encoder.block.${i}.layer.0`, residual, bias).residual;
    residual = feedForward(g, lowering, config, `encoder.block.${i}.layer.1`, residual);
  }
  return normed(g, lowering, residual, "encoder.final_layer_norm.weight").input;
}

/** One decoder layer's cross-attention keys and values, each [B, H, S, K]. */
export function crossKeysAndValues(
  g: GraphBuilder,
  config: T5Config,
  lowering: Lowering,
  layer: number,
  hidden: Value,
): KeysAndValues {
  const module = `decoder.block.${layer}.layer.1.EncDecAttention`;
  const [key, value] = lowering
    .linears(g, hidden, [`${module}.k`, `${module}.v`], `${module}.kv`)
    .map((x) => ops.transpose(g, ops.reshape(g, x, ["B", "S", config.numHeads, config.dKv]), [0, 2, 1, 3]));
  if (key === undefined || value === undefined) throw new RangeError("a lowering returned fewer than two values");
  return { key, value };
}
