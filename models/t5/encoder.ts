/** The encoder's graphs: hidden states, and from them every decoder layer's cross-attention keys and values, computed once. */
import type { GraphBuilder } from "../graph/builder.ts";
import { createGraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import type { Graph, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import { crossKeysAndValues, feedForward, normed, type Residual, selfAttention } from "./layers.ts";
import type { Lowering } from "./lowering.ts";
import { biasTables, layerWidths } from "./weights.ts";

/** A part of the encoder that runs in one go: layers from..to, and after the last of them what the decoder needs. */
export interface EncoderStage {
  readonly from: number;
  readonly to: number;
  /** Whether the final norm and the cross-attention keys and values are part of it. */
  readonly ends: boolean;
}

/**
 * Cuts the encoder into stages of at most `parameters` weights each (or one layer), because nothing can be cancelled inside a run:
 * small models are one stage.
 */
export function encoderStages(config: T5Config, parameters: number): EncoderStage[] {
  const { dModel, dFf, numHeads, dKv, numLayers, numDecoderLayers } = config; // first layers are narrower, if anything
  const inner = numHeads * dKv;
  const layer = 4 * dModel * inner + (config.feedForward === "relu" ? 2 : 3) * dModel * dFf;
  const cross = 2 * dModel * inner * numDecoderLayers;
  const each = Math.max(1, Math.floor(parameters / layer));
  const stages: EncoderStage[] = [];
  for (let from = 0; from < numLayers; from += each) {
    stages.push({ from, to: Math.min(from + each, numLayers), ends: false });
  }
  const last = stages.at(-1);
  if (last !== undefined && (last.to - last.from) * layer + cross <= parameters) stages.pop();
  const from = stages.at(-1)?.to ?? 0;
  return [...stages, { from, to: numLayers, ends: true }];
}

/**
 * Returns the graph of one stage of the encoder.
 *
 * Inputs: the first stage's `input_ids` int32 [B, S], or `previous`, what the stage before gave as `next`; for each table of biases
 * that its layers need, by its place in biasTables, `bias_t` float32 [1, H, S, S], the relative position bias of each head, query and
 * key (which is quicker to lay out outside: see position.ts), and when masked, `mask` float32 [B, 1, 1, S], 0 for tokens and a large negative number for padding.
 * Outputs: `next` float32 [B, S, D]; or, where the stage ends the encoder, `hidden` after the final norm, `cross_key_i`
 * and `cross_value_i` float32 [B, H, S, K] (or one head).
 * @see T5Stack, modeling_t5.py
 */
export function encoderGraph(config: T5Config, lowering: Lowering, masked: boolean, stage: EncoderStage): Graph {
  const g = createGraphBuilder();
  const x =
    stage.from === 0
      ? lowering.embed(g, g.input("input_ids", "int32", ["B", "S"]))
      : g.input("previous", "float32", ["B", "S", config.dModel]);
  const residual = stage.from === stage.to ? { x, update: null } : layers(g, config, lowering, masked, stage, x);
  if (!stage.ends) {
    const hidden = residual.update === null ? residual.x : ops.add(g, residual.x, residual.update);
    return g.build("encoder", { next: hidden });
  }
  const hidden = normed(g, lowering, residual, "encoder.final_layer_norm.weight").input;
  const outputs: Record<string, Value> = { hidden };
  for (let i = 0; i < config.numDecoderLayers; i += 1) {
    const { key, value } = crossKeysAndValues(g, lowering, config, i, hidden);
    const split = (x: Value) =>
      ops.transpose(g, ops.reshape(g, x, ["B", "S", layerWidths(config, i).keyHeads, config.dKv]), [0, 2, 1, 3]);
    outputs[`cross_key_${i}`] = split(key);
    outputs[`cross_value_${i}`] = split(value);
  }
  return g.build("encoder", outputs);
}

function layers(
  g: GraphBuilder,
  config: T5Config,
  lowering: Lowering,
  masked: boolean,
  { from, to }: EncoderStage,
  x: Value,
): Residual {
  const mask = masked ? g.input("mask", "float32", ["B", 1, 1, "S"]) : null;
  const tables = biasTables(config, "encoder");
  const biases = tables.map((table, t) => {
    if (table.to <= from || to <= table.from) return null;
    const positions = g.input(`bias_${t}`, "float32", [1, table.numHeads, "S", "S"]);
    return mask === null ? positions : ops.add(g, positions, mask);
  });
  let residual: Residual = { x, update: null };
  for (let i = from; i < to; i += 1) {
    const bias = biases[tables.findIndex((table) => i < table.to)];
    if (bias == null) throw new RangeError(`the encoder's layer ${i} has no biases`);
    residual = selfAttention(g, lowering, config, `encoder.block.${i}.layer.0`, residual, bias).residual;
    residual = feedForward(g, lowering, config, `encoder.block.${i}.layer.1`, residual);
  }
  return residual;
}
