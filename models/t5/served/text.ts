/** A text in a graph for servers: its ids and mask, the encoder's states, and what the decoder attends to. */
import type { GraphBuilder } from "../../graph/builder.ts";
import * as ops from "../../graph/ops.ts";
import type { Value } from "../../graph/types.ts";
import type { T5Config } from "../config.ts";
import { layerCache } from "../decoder.ts";
import type { Layers } from "../layers.ts";
import { biasOfTables } from "../lowering/biases.ts";
import { additiveMask, positionBiases, positionBuckets } from "../lowering/in-graph.ts";
import type { GenerationLowering } from "../lowering/lowering.ts";

/** A graph under construction, and the model that it computes. */
export interface Served {
  readonly g: GraphBuilder;
  readonly config: T5Config;
  readonly lowering: GenerationLowering;
  readonly layers: Layers;
}

/** A text's inputs, its additive mask [B, 1, 1, S] and the encoder's states [B, S, D]. */
export function encodedText({ g, config, layers }: Served) {
  const ids = g.input("input_ids", "int32", ["B", "S"]);
  const given = g.input("attention_mask", "int32", ["B", "S"]);
  const mask = additiveMask(g, given);
  const length = ops.shapeOf(g, ids, 1, 2);
  const buckets = positionBuckets(g, config, "encoder", { length, total: length, extents: ["S", "S"] });
  const masked = positionBiases(layers, config, "encoder", buckets).map((bias) => ops.add(g, bias, mask));
  const states = layers.encoderStack(layers.embed(ids, "encoder"), biasOfTables(config, "encoder", masked));
  return { ids, given, mask, states };
}

/** Each decoder layer's keys and values of the encoder's states, [B, H, S, K]. */
export function crossOf({ config, layers }: Served, states: Value) {
  const caches = Array.from({ length: config.numDecoderLayers }, (_, layer) => layers.crossCache(layer, states));
  return (layer: number) => layerCache(caches, layer);
}
