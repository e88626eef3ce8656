/** The decoder's layers on a cache, and the graph of one step that gives logits back (beam search, sampling, scoring). */
import { createGraphBuilder, type GraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import type { Dim, Graph, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import {
  crossAttention,
  type Folding,
  feedForward,
  type KeysAndValues,
  normed,
  type Residual,
  selfAttention,
} from "./layers.ts";
import type { GenerationLowering, Lowering } from "./lowering.ts";
import { biasTables, layerWidths } from "./weights.ts";

/** What the decoder's layers work on. R rows, T new positions, P cached ones, S encoder positions. */
export interface DecoderInputs {
  /** Integer ids [R, T]. */
  readonly tokens: Value;
  /** Relative position bias and causal mask of each table of biasTables, [1, H, T, P + T]. */
  readonly biases: readonly Value[];
  /** Each layer's cache, [R, H, P, K] (or one head, where all share it), and the name of the extent P + T. */
  readonly past: readonly KeysAndValues[];
  readonly total: Dim;
  /** Each layer's cross-attention keys and values, [B, H, S, K]. */
  readonly cross: readonly KeysAndValues[];
  /** Additive mask of the encoder's padding, [B, 1, positions that attend to one row, S], or null. */
  readonly mask: Value | null;
  readonly folding: Folding | null;
}

/** Hidden states after the final norm [R, T, D], and each layer's grown cache [R, H, P + T, K]. */
export function decoderLayers(
  g: GraphBuilder,
  config: T5Config,
  lowering: Lowering,
  inputs: DecoderInputs,
): { hidden: Value; present: KeysAndValues[] } {
  let residual: Residual = { x: lowering.embed(g, inputs.tokens), update: null };
  const present: KeysAndValues[] = [];
  const tables = biasTables(config, "decoder");
  for (const [i, cross] of inputs.cross.entries()) {
    const block = `decoder.block.${i}`;
    const cache = inputs.past[i];
    const past = cache === undefined ? undefined : { ...cache, total: inputs.total };
    const bias = inputs.biases[tables.findIndex((table) => i < table.to)];
    if (bias === undefined) throw new RangeError(`the decoder's layer ${i} has no biases`);
    const self = selfAttention(g, lowering, config, `${block}.layer.0`, residual, bias, past);
    if (self.present !== null) present.push(self.present);
    residual = crossAttention(
      g,
      lowering,
      config,
      `${block}.layer.1`,
      self.residual,
      cross,
      inputs.mask,
      inputs.folding,
    );
    residual = feedForward(g, lowering, config, `${block}.layer.2`, residual);
  }
  return { hidden: normed(g, lowering, residual, "decoder.final_layer_norm.weight").input, present };
}

/** Where logits come from, and which tokens they are of. */
export interface Head {
  /** Tokens scored: V, or the name of a shortlist's extent. */
  readonly columns: Dim;
  /** x [R, T, D] -> [R, T, columns], in the graph the head was made in or a body of it. */
  logits(g: GraphBuilder, x: Value): Value;
  /** The ids of tokens given by their columns, integers of any shape. */
  ids(g: GraphBuilder, columns: Value): Value;
}

/**
 * The head of a graph. Over a shortlist, columns are those of `common` and after them those of the input `own` int32 [U], the
 * ids that this run wants besides; over the whole vocabulary (null) a column is an id.
 */
export function headOf(
  g: GraphBuilder,
  config: T5Config,
  lowering: GenerationLowering,
  common: readonly number[] | null,
): Head {
  if (common === null) return { columns: config.vocabSize, logits: lowering.logits, ids: (_, columns) => columns };
  const own = g.input("own", "int32", ["U"]);
  const ids = ops.concat(g, [g.constant("int32", [common.length], common), own], 0, "C");
  const logits = lowering.someLogits(g, common, own);
  return { columns: "C", logits, ids: (b, columns) => ops.gather(b, ids, columns, 0) };
}

/** The bucket index that stands for "may not be attended" (a later position): one more than T5's own. */
export function maskedBucket(config: T5Config): number {
  return config.relativeAttentionNumBuckets;
}

/**
 * Returns the graph of a step of any number of positions.
 *
 * Inputs: `tokens` int32 [R, T]; `position_buckets` int32 [T, P + T] (maskedBucket where the key comes later); `reorder` int32
 * [R], the row of the cache that each row continues; `past_key_i`, `past_value_i` float32 [R0, H, P, K]; `cross_key_i`,
 * `cross_value_i` float32 [B, H, S, K], R a multiple of B; when masked, `mask` float32 [B, 1, 1, S]; over a shortlist, `own` as in
 * headOf.
 * Outputs: `logits` float32 [R, T, V or C]; `present_key_i`, `present_value_i` float32 [R, H, P + T, K].
 */
export function stepGraph(
  config: T5Config,
  lowering: GenerationLowering,
  masked: boolean,
  common: readonly number[] | null = null,
): Graph {
  const g = createGraphBuilder();
  const tokens = g.input("tokens", "int32", ["R", "T"]);
  const buckets = g.input("position_buckets", "int32", ["T", "L"]);
  const reorder = g.input("reorder", "int32", ["R"]);
  const kept = decoderCacheInputs(g, config, "R0");
  const past = kept.map(({ key, value }) => ({
    key: ops.gather(g, key, reorder, 0),
    value: ops.gather(g, value, reorder, 0),
  }));
  const { cross, mask: padding } = encoderInputs(g, config, masked);

  const head = headOf(g, config, lowering, common);

  const biases = biasTables(config, "decoder").map(({ name, numHeads }) => {
    const never = g.constant("float32", [1, numHeads], Array(numHeads).fill(-1e9));
    const table = ops.concat(g, [lowering.weight(g, name), never], 0); // [33, H]
    return ops.unsqueeze(g, ops.transpose(g, ops.gather(g, table, buckets, 0), [2, 0, 1]), 0);
  });

  const first = cross[0];
  if (first === undefined) throw new RangeError("a decoder has at least one layer");
  const asItIs = g.constant("int64", [1], [0]);
  const batch = ops.shapeOf(g, first.key, 0, 1);
  const positions = ops.mul(g, ops.shapeOf(g, tokens, 0, 1), ops.shapeOf(g, tokens, 1, 2));
  const shared = ops.div(g, positions, batch); // how many positions attend to one row of the encoder
  const folding = {
    folded: ops.concat(g, [batch, shared, asItIs], 0),
    unfolded: ops.concat(g, [ops.shapeOf(g, tokens, 0, 2), asItIs], 0),
  };
  const one = g.constant("int64", [1], [1]);
  const extents = ops.concat(g, [one, one, shared, one], 0);
  const mask = padding === null ? null : ops.expand(g, padding, extents, ["B", 1, "folded", "S"]);
  const { hidden, present } = decoderLayers(g, config, lowering, {
    tokens,
    biases,
    past,
    total: "L",
    cross,
    mask,
    folding,
  });
  return g.build("step", { logits: head.logits(g, hidden), ...cacheOutputs(present) });
}

/** Declares each layer's cache as inputs, [rows, H, P, K] (or one head). */
export function decoderCacheInputs(g: GraphBuilder, config: T5Config, rows: string): KeysAndValues[] {
  return Array.from({ length: config.numDecoderLayers }, (_, i) => {
    const shape = [rows, layerWidths(config, i).keyHeads, "P", config.dKv];
    return { key: g.input(`past_key_${i}`, "float32", shape), value: g.input(`past_value_${i}`, "float32", shape) };
  });
}

/** Declares what the encoder gave: each layer's keys and values, and the mask of its padding. */
export function encoderInputs(
  g: GraphBuilder,
  config: T5Config,
  masked: boolean,
): { cross: KeysAndValues[]; mask: Value | null } {
  const cross = Array.from({ length: config.numDecoderLayers }, (_, i) => {
    const shape = ["B", layerWidths(config, i).keyHeads, "S", config.dKv];
    return { key: g.input(`cross_key_${i}`, "float32", shape), value: g.input(`cross_value_${i}`, "float32", shape) };
  });
  return { cross, mask: masked ? g.input("mask", "float32", ["B", 1, 1, "S"]) : null };
}

/** Names each layer's grown cache as outputs. */
export function cacheOutputs(present: readonly KeysAndValues[]): Record<string, Value> {
  return Object.fromEntries(
    present.flatMap(({ key, value }, i) => [
      [`present_key_${i}`, key],
      [`present_value_${i}`, value],
    ]),
  );
}
