/** The encoder's graphs: hidden states, and every decoder layer's cross-attention keys and values, computed once. */
import { createGraphBuilder, type GraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import type { Graph, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import { isGated } from "./feed-forward.ts";
import { type LayerRange, layersOn } from "./layers.ts";
import { longInputs } from "./long/attention.ts";
import { type BiasOf, biasOfTables } from "./lowering/biases.ts";
import type { Lowering } from "./lowering/lowering.ts";
import { biasTables } from "./weights.ts";

/** A part of the encoder that runs in one go; the last one also computes cross-attention keys and values. */
export type EncoderStage = LayerRange;

/**
 * Cuts the encoder into stages of at most `parameters` weights each (or one layer), because a run cannot be
 * interrupted. Small models have one stage.
 */
export function encoderStages(config: T5Config, parameters: number): EncoderStage[] {
  const { dModel, dFf, numHeads, dKv, numLayers, numDecoderLayers } = config; // first layers are narrower, if anything
  const inner = numHeads * dKv;
  const layer = 4 * dModel * inner + (isGated(config.feedForward) ? 3 : 2) * dModel * dFf;
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
 * Inputs: `input_ids` int32 [B, S] in the first stage, else `previous`, the `next` of the stage before; `bias_t`
 * float32 [1, H, S, S] for each table t of biasTables that the stage's layers need, the relative position bias of each
 * head, query and key, laid out by the caller (see position.ts); when masked, `mask` float32 [B, 1, 1, S], 0 for tokens
 * and a large negative number for padding. Outputs: `next` float32 [B, S, D]; or, where the stage ends the encoder,
 * `hidden` after the final norm, `cross_key_i` and `cross_value_i` float32 [B, H, S, K] (or one head). A LongT5 takes
 * longInputs' instead of biases and mask, with S padded to whole blocks, and `length` int64 [1] where it ends: the
 * outputs have that many positions.
 * @param taps more outputs, which the lowering may add to while the layers are laid out
 * @see T5Stack, modeling_t5.py
 */
export function encoderGraph(
  config: T5Config,
  lowering: Lowering,
  masked: boolean,
  stage: EncoderStage,
  taps: Readonly<Record<string, Value>> = {},
): Graph {
  const g = createGraphBuilder();
  const layers = layersOn(g, config, lowering);
  const { from, to, ends } = stage;
  const x =
    from === 0
      ? layers.embed(g.input("input_ids", "int32", ["B", "S"]), "encoder")
      : g.input("previous", "float32", ["B", "S", config.dModel]);
  const long = from < to ? longInputs(g, config, LONG_NAMES, "float32") : null;
  const biasOf = long ?? biasesOfStage(g, config, masked, stage);
  const states = layers.encoderStack(x, biasOf, undefined, stage); // [B, S, D]
  if (!ends) return g.build("encoder", { next: states, ...taps });
  const hidden = config.longAttention === null ? states : ofLength(g, states, g.input("length", "int64", [1]));
  const outputs: Record<string, Value> = { hidden };
  for (let layer = 0; layer < config.numDecoderLayers; layer += 1) {
    const { key, value } = layers.crossCache(layer, hidden);
    outputs[`cross_key_${layer}`] = key;
    outputs[`cross_value_${layer}`] = value;
  }
  return g.build("encoder", { ...outputs, ...taps });
}

/** The names of a LongT5's laid out tables in encoder graphs. */
export const LONG_NAMES = { window: "window", side: "side" } as const;

function ofLength(g: GraphBuilder, states: Value, length: Value): Value {
  return ops.slice(g, states, 1, g.constant("int64", [1], [0]), length, "length");
}

/** Declares the position biases and the mask that a stage's layers need. */
function biasesOfStage(g: GraphBuilder, config: T5Config, masked: boolean, { from, to }: EncoderStage): BiasOf {
  const tables = config.longAttention === null ? biasTables(config, "encoder") : [];
  const mask = masked && from < to && tables.length > 0 ? g.input("mask", "float32", ["B", 1, 1, "S"]) : null;
  const biases = tables.map((table, t) => {
    if (table.to <= from || to <= table.from) return null;
    const positions = g.input(`bias_${t}`, "float32", [1, table.numHeads, "S", "S"]);
    return mask === null ? positions : ops.add(g, positions, mask);
  });
  return biasOfTables(config, "encoder", biases);
}
