/** A model's graphs as Optimum lays them out, which transformers.js and others run: names, inputs and outputs are theirs. */
import { createGraphBuilder, type GraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import type { Graph, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import { decoderLayers } from "./decoder.ts";
import { crossKeysAndValues, feedForward, type KeysAndValues, normed, type Residual, selfAttention } from "./layers.ts";
import { plainLowering } from "./plain.ts";
import { relativePositionBucket } from "./position.ts";
import { biasTables, layerWidths, type Stack, tensorShapes } from "./weights.ts";

/** The files, without ".onnx". */
export const OPTIMUM_GRAPHS = [
  "encoder_model",
  "decoder_model",
  "decoder_with_past_model",
  "decoder_model_merged",
] as const;

/** A file of {@link OPTIMUM_GRAPHS}. */
export type OptimumGraph = (typeof OPTIMUM_GRAPHS)[number];

/** Names of the extents, as Optimum gives them. */
const [B, S, T, P] = [
  "batch_size",
  "encoder_sequence_length",
  "decoder_sequence_length",
  "past_decoder_sequence_length",
];
const TOTAL = "past_decoder_sequence_length + decoder_sequence_length";

/**
 * Returns one of the graphs, with its weights inside. Ids and masks are int64, states and caches float32; caches [B, H, length, K].
 * - encoder_model: `input_ids`, `attention_mask` -> `last_hidden_state`
 * - decoder_model: `encoder_attention_mask`, `input_ids`, `encoder_hidden_states` -> `logits`, `present.i.{decoder,encoder}.{key,value}`
 * - decoder_with_past_model: `past_key_values.i.{decoder,encoder}.{key,value}` instead of the states -> `logits`, `present.i.decoder.*`
 * - decoder_model_merged: both, by `use_cache_branch` bool [1]
 * @param weights float32, of tensorShapes(config)
 * @see optimum/exporters/onnx/model_configs.py (T5OnnxConfig), optimum/exporters/onnx/base.py (OnnxSeq2SeqConfigWithPast)
 */
export function optimumGraph(config: T5Config, weights: ReadonlyMap<string, Float32Array>, which: OptimumGraph): Graph {
  const g = createGraphBuilder();
  const shapes = tensorShapes(config);
  const lowering = plainLowering(config, (_, name) =>
    g.external(name, "float32", shapes.get(name) ?? [], { path: name, offset: 0, length: 0 }),
  );
  const graph = which === "encoder_model" ? encoder(g, config, lowering) : decoder(g, config, lowering, which);
  return {
    ...graph,
    initializers: graph.initializers.map((one) => {
      if (one.data instanceof Uint8Array) return one;
      const values = weights.get(one.value.name);
      if (values === undefined) throw new RangeError(`there is no weight ${one.value.name}`);
      return { ...one, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
    }),
  };
}

type Plain = ReturnType<typeof plainLowering>;

function encoder(g: GraphBuilder, config: T5Config, lowering: Plain): Graph {
  const ids = g.input("input_ids", "int64", [B, S]);
  const mask = additive(g, g.input("attention_mask", "int64", [B, S]), S);
  const length = ops.shapeOf(g, ids, 1, 2);
  const biases = tableBiases(g, config, lowering, "encoder", length, length, [S, S]).map((bias) =>
    ops.add(g, bias, mask),
  );
  const tables = biasTables(config, "encoder");
  let residual: Residual = { x: lowering.embed(g, ids), update: null };
  for (let i = 0; i < config.numLayers; i += 1) {
    const bias = biases[tables.findIndex(({ to }) => i < to)];
    if (bias === undefined) throw new RangeError(`the encoder's layer ${i} has no biases`);
    residual = selfAttention(g, lowering, config, `encoder.block.${i}.layer.0`, residual, bias).residual;
    residual = feedForward(g, lowering, config, `encoder.block.${i}.layer.1`, residual);
  }
  return g.build("encoder_model", {
    last_hidden_state: normed(g, lowering, residual, "encoder.final_layer_norm.weight").input,
  });
}

function decoder(g: GraphBuilder, config: T5Config, lowering: Plain, which: OptimumGraph): Graph {
  const [first, later] = [which === "decoder_model", which === "decoder_with_past_model"];
  const mask = additive(g, g.input("encoder_attention_mask", "int64", [B, S]), S);
  const tokens = g.input("input_ids", "int64", [B, T]);
  const states = later ? null : g.input("encoder_hidden_states", "float32", [B, S, config.dModel]);
  const layers = Array.from({ length: config.numDecoderLayers }, (_, i) => i);
  const heads = (i: number) => layerWidths(config, i).keyHeads;
  const pastOf = (stack: Stack, length: string): KeysAndValues[] =>
    layers.map((i) => {
      const input = (part: string) =>
        g.input(`past_key_values.${i}.${stack}.${part}`, "float32", [B, heads(i), length, config.dKv]);
      return { key: input("key"), value: input("value") };
    });
  const cache = first ? null : pastOf("decoder", P);
  const kept = first ? null : pastOf("encoder", later ? S : `${S}_out`);
  const computed = (b: GraphBuilder): KeysAndValues[] => {
    if (states === null) throw new RangeError("keys and values are computed from the encoder's states");
    return layers.map((i) => {
      const made = crossKeysAndValues(b, lowering, config, i, states);
      const split = (x: Value) => ops.transpose(b, ops.reshape(b, x, [B, S, heads(i), config.dKv]), [0, 2, 1, 3]);
      return { key: split(made.key), value: split(made.value) };
    });
  };
  const cross = kept === null ? computed(g) : later ? kept : either(g, kept, computed);
  const past = cache ?? cross.map(({ key }) => empty(g, key));
  const before = past[0]?.key;
  if (before === undefined) throw new RangeError("a decoder has at least one layer");
  const length = ops.shapeOf(g, tokens, 1, 2);
  const total = ops.add(g, ops.shapeOf(g, before, 2, 3), length);
  const { hidden, present } = decoderLayers(g, config, lowering, {
    tokens,
    biases: tableBiases(g, config, lowering, "decoder", length, total, [T, TOTAL]),
    past,
    total: TOTAL,
    cross,
    mask,
    folding: null,
  });
  const outputs: Record<string, Value> = { logits: lowering.logits(g, hidden) };
  for (const [i, { key, value }] of present.entries()) {
    outputs[`present.${i}.decoder.key`] = key;
    outputs[`present.${i}.decoder.value`] = value;
    const encoded = cross[i];
    if (later || encoded === undefined) continue;
    outputs[`present.${i}.encoder.key`] = encoded.key;
    outputs[`present.${i}.encoder.value`] = encoded.value;
  }
  return g.build(which, outputs);
}

/** The kept keys and values where the run goes on from a cache, else computed ones. */
function either(
  g: GraphBuilder,
  kept: readonly KeysAndValues[],
  computed: (b: GraphBuilder) => KeysAndValues[],
): KeysAndValues[] {
  const flat = (all: readonly KeysAndValues[]) => all.flatMap(({ key, value }) => [key, value]);
  const named = (all: readonly KeysAndValues[]) =>
    Object.fromEntries(flat(all).map((value, i) => [`cross_${i}`, value]));
  const [going, fresh] = [g.body(), g.body()];
  const passed = kept.map(({ key, value }) => ({
    key: ops.unary(going, "Identity", key),
    value: ops.unary(going, "Identity", value),
  }));
  const results = flat(kept).map(({ dtype, shape }) => ({
    dtype,
    shape: [shape[0] ?? B, shape[1] ?? 1, S, shape[3] ?? 1],
  }));
  const made = g.add("If", [g.input("use_cache_branch", "bool", [1])], results, {
    then_branch: { graph: going.build("going", named(passed)) },
    else_branch: { graph: fresh.build("fresh", named(computed(fresh))) },
  });
  return kept.map((_, i) => {
    const [key, value] = [made[2 * i], made[2 * i + 1]];
    if (key === undefined || value === undefined) throw new RangeError("an If gives what its branches do");
    return { key, value };
  });
}

/** No positions of something that has some, [B, H, 0, K]. */
function empty(g: GraphBuilder, key: Value): KeysAndValues {
  const nothing = g.constant("int64", [1], [0]);
  const none = ops.slice(g, key, 2, nothing, nothing, 0);
  return { key: none, value: none };
}

/** 0 where a mask is 1 and a large negative number where it is 0, [B, 1, 1, length]. */
function additive(g: GraphBuilder, mask: Value, length: string): Value {
  const float = (value: number) => g.constant("float32", [], [value]);
  const away = ops.mul(g, ops.sub(g, float(1), ops.cast(g, mask, "float32")), float(-1e9));
  return ops.reshape(g, away, [B, 1, 1, length]);
}

/**
 * The biases of each table for the last `length` positions of `total`, [1, H, length, total]; later positions masked in the decoder.
 * Offsets are clipped to where the last bucket begins, and looked up.
 */
function tableBiases(
  g: GraphBuilder,
  config: T5Config,
  lowering: Plain,
  stack: Stack,
  length: Value,
  total: Value,
  names: readonly [string, string],
): Value[] {
  const { relativeAttentionNumBuckets: buckets, relativeAttentionMaxDistance: far } = config;
  const causal = stack === "decoder";
  const table = Array.from({ length: 2 * far + 1 }, (_, i) =>
    causal && i > far ? buckets : relativePositionBucket(i - far, !causal, buckets, far),
  );
  const whole = (value: number, shape: readonly number[] = []) => g.constant("int64", shape, [value]);
  const scalar = (x: Value) => ops.reshapeTo(g, x, g.constant("int64", [0], []), []);
  const range = (from: Value, to: Value, name: string): Value => {
    const [made] = g.add("Range", [scalar(from), scalar(to), whole(1)], [{ dtype: "int64", shape: [name] }]);
    if (made === undefined) throw new RangeError("a range is one value");
    return made;
  };
  const keys = range(whole(0, [1]), total, names[1]);
  const queries = ops.unsqueeze(g, range(ops.sub(g, total, length), total, names[0]), 1); // [length, 1]
  const offset = ops.sub(g, keys, queries); // [length, total]
  const [clipped] = g.add("Clip", [offset, whole(-far), whole(far)], [{ dtype: "int64", shape: offset.shape }]);
  if (clipped === undefined) throw new RangeError("a clip is one value");
  const bucket = ops.gather(g, g.constant("int64", [table.length], table), ops.add(g, clipped, whole(far)), 0);
  return biasTables(config, stack).map(({ name, numHeads }) => {
    const never = g.constant("float32", [1, numHeads], Array(numHeads).fill(-1e9));
    const rows = ops.concat(g, [lowering.weight(g, name), never], 0);
    return ops.unsqueeze(g, ops.transpose(g, ops.gather(g, rows, bucket, 0), [2, 0, 1]), 0);
  });
}
