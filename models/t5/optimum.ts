/** A model's graphs with Optimum's files, inputs and outputs, which transformers.js and others run. */
import { ModelError } from "../errors.ts";
import { createGraphBuilder, type GraphBuilder } from "../graph/builder.ts";
import { at } from "../graph/node.ts";
import * as ops from "../graph/ops.ts";
import type { KeysAndValues } from "../graph/runtime-ops.ts";
import type { Graph, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import { layerCache } from "./decoder.ts";
import { layersOn } from "./layers.ts";
import { biasOfTables } from "./lowering/biases.ts";
import { additiveMask, emptyCache, positionBiases, positionBuckets } from "./lowering/in-graph.ts";
import type { Lowering } from "./lowering/lowering.ts";
import { plainLowering } from "./lowering/plain.ts";
import { layerWidths, type Stack, tensorShapes } from "./weights.ts";

/** The files, without ".onnx". */
export const OPTIMUM_GRAPHS = [
  "encoder_model",
  "decoder_model",
  "decoder_with_past_model",
  "decoder_model_merged",
] as const;

/** A file of {@link OPTIMUM_GRAPHS}. */
export type OptimumGraph = (typeof OPTIMUM_GRAPHS)[number];

/** Optimum's names of the extents. */
const [B, S, T, P] = [
  "batch_size",
  "encoder_sequence_length",
  "decoder_sequence_length",
  "past_decoder_sequence_length",
];
const TOTAL = "past_decoder_sequence_length + decoder_sequence_length";

/**
 * Returns one of the graphs, with its weights inside. Ids and masks are int64, states and caches [B, H, length, K]
 * float32.
 * - encoder_model: `input_ids`, `attention_mask` -> `last_hidden_state`
 * - decoder_model: `encoder_attention_mask`, `input_ids`, `encoder_hidden_states` -> `logits`,
 *   `present.i.{decoder,encoder}.{key,value}`
 * - decoder_with_past_model: `past_key_values.i.{decoder,encoder}.{key,value}` instead of the states -> `logits`,
 *   `present.i.decoder.*`
 * - decoder_model_merged: both, by `use_cache_branch` bool [1]
 * @param weights float32, of tensorShapes(config)
 * @throws ModelError "config" for a LongT5, whose blocks are laid out outside its graph, and a Switch Transformer
 * @throws RangeError when a weight is missing
 * @see optimum/exporters/onnx/model_configs.py (T5OnnxConfig), optimum/exporters/onnx/base.py
 *   (OnnxSeq2SeqConfigWithPast)
 */
export function optimumGraph(config: T5Config, weights: ReadonlyMap<string, Float32Array>, which: OptimumGraph): Graph {
  refuseForOptimum(config);
  const g = createGraphBuilder();
  const shapes = tensorShapes(config);
  const lowering = plainLowering(config, (_, name) =>
    g.external(name, "float32", shapes.get(name) ?? [], { path: name, offset: 0, length: 0 }),
  );
  const graph = which === "encoder_model" ? encoder(g, config, lowering) : decoder(g, config, lowering, which);
  return {
    ...graph,
    initializers: graph.initializers.map((initializer) => {
      if (initializer.data instanceof Uint8Array) return initializer;
      const values = weights.get(initializer.value.name);
      if (values === undefined) throw new RangeError(`there is no weight ${initializer.value.name}`);
      return { ...initializer, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
    }),
  };
}

/** @throws ModelError "config" for a model that {@link optimumGraph} does not write */
export function refuseForOptimum({ longAttention, experts, convolution, fairseq }: T5Config): void {
  if (fairseq !== null)
    throw new ModelError(
      "config",
      "Optimum has no METRO-T0 (fairseq_t5), so there is no layout for one. Export it to hf.",
    );
  if (convolution > 0)
    throw new ModelError("config", "Primer's convolutions have no graph in Optimum's layout here. Export it to hf.");
  if (experts !== null)
    throw new ModelError(
      "config",
      "A Switch Transformer's experts have no graph in Optimum's layout. Export it to hf.",
    );
  if (longAttention === null) return;
  throw new ModelError(
    "config",
    "LongT5's attention in blocks has no graph in Optimum's layout here. Export it to hf, and from there with Optimum.",
  );
}

function encoder(g: GraphBuilder, config: T5Config, lowering: Lowering): Graph {
  const layers = layersOn(g, config, lowering);
  const ids = g.input("input_ids", "int64", [B, S]);
  const mask = additiveMask(g, g.input("attention_mask", "int64", [B, S]));
  const length = ops.shapeOf(g, ids, 1, 2);
  const biases = positionBiases(
    layers,
    config,
    "encoder",
    positionBuckets(g, config, "encoder", { length, total: length, extents: [S, S] }),
  );
  const masked = biases.map((bias) => ops.add(g, bias, mask)); // [B, H, S, S]
  const states = layers.encoderStack(layers.embed(ids, "encoder"), biasOfTables(config, "encoder", masked));
  return g.build("encoder_model", { last_hidden_state: states });
}

function decoder(
  g: GraphBuilder,
  config: T5Config,
  lowering: Lowering,
  which: Exclude<OptimumGraph, "encoder_model">,
): Graph {
  const layers = layersOn(g, config, lowering);
  const mask = additiveMask(g, g.input("encoder_attention_mask", "int64", [B, S]));
  const tokens = g.input("input_ids", "int64", [B, T]);
  const { past, cross } = cachesOf(g, config, lowering, which);
  const length = ops.shapeOf(g, tokens, 1, 2);
  const total = ops.add(g, ops.shapeOf(g, layerCache(past, 0).key, 2, 3), length);
  const biases = positionBiases(
    layers,
    config,
    "decoder",
    positionBuckets(g, config, "decoder", { length, total, extents: [T, TOTAL] }),
  );
  const { hidden, present } = layers.decoderStack(layers.embed(tokens, "decoder"), {
    biasOf: biasOfTables(config, "decoder", biases),
    crossOf: (layer) => layerCache(cross, layer),
    mask,
    past: { caches: past, total: TOTAL },
  });
  const outputs: Record<string, Value> = { logits: lowering(g).logits(hidden) };
  for (const [layer, cache] of present.entries()) {
    const named = { decoder: cache, ...(which !== "decoder_with_past_model" && { encoder: layerCache(cross, layer) }) };
    for (const [stack, { key, value }] of Object.entries(named)) {
      outputs[`present.${layer}.${stack}.key`] = key;
      outputs[`present.${layer}.${stack}.value`] = value;
    }
  }
  return g.build(which, outputs);
}

/** Each layer's cache, and the encoder's keys and values: inputs of the graph, computed, or both behind a branch. */
function cachesOf(
  g: GraphBuilder,
  config: T5Config,
  lowering: Lowering,
  which: Exclude<OptimumGraph, "encoder_model">,
): { past: readonly KeysAndValues[]; cross: readonly KeysAndValues[] } {
  const everyLayer = Array.from({ length: config.numDecoderLayers }, (_, layer) => layer);
  const inputs = (stack: Stack, length: string): KeysAndValues[] =>
    everyLayer.map((layer) => {
      const shape = [B, layerWidths(config, layer).keyHeads, length, config.dKv];
      const input = (part: string) => g.input(`past_key_values.${layer}.${stack}.${part}`, "float32", shape);
      return { key: input("key"), value: input("value") };
    });
  if (which === "decoder_with_past_model") return { past: inputs("decoder", P), cross: inputs("encoder", S) };
  const states = g.input("encoder_hidden_states", "float32", [B, S, config.dModel]);
  const computed = (b: GraphBuilder) => {
    const layers = layersOn(b, config, lowering);
    return everyLayer.map((layer) => layers.crossCache(layer, states));
  };
  if (which === "decoder_model_merged") {
    return { past: inputs("decoder", P), cross: cachedOrComputed(g, inputs("encoder", `${S}_out`), computed) };
  }
  const cross = computed(g);
  return { past: cross.map(({ key }) => emptyCache(g, key)), cross };
}

/** Keys and values from a cache where `use_cache_branch` holds, else computed ones. */
function cachedOrComputed(
  g: GraphBuilder,
  cached: readonly KeysAndValues[],
  computed: (b: GraphBuilder) => KeysAndValues[],
): KeysAndValues[] {
  const named = (caches: readonly KeysAndValues[]) =>
    Object.fromEntries(caches.flatMap(({ key, value }) => [key, value]).map((value, i) => [`cross_${i}`, value]));
  const [then, otherwise] = [g.body(), g.body()];
  const passed = cached.map(({ key, value }) => ({
    key: ops.unary(then, "Identity", key),
    value: ops.unary(then, "Identity", value),
  }));
  const chosen = ops.branch(
    g,
    g.input("use_cache_branch", "bool", [1]),
    then.build("going", named(passed)),
    otherwise.build("fresh", named(computed(otherwise))),
  );
  return cached.map((_, layer) => ({ key: at(chosen, 2 * layer), value: at(chosen, 2 * layer + 1) }));
}
