/**
 * The graph of a decoder step that returns logits (for beams, sampling, scoring), and what it shares with the greedy
 * loop.
 */
import { createGraphBuilder, type GraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import type { KeysAndValues } from "../graph/runtime-ops.ts";
import type { Dim, Graph, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import { layersOn } from "./layers.ts";
import { likeliest } from "./likeliest.ts";
import { biasOfTables } from "./lowering/biases.ts";
import type { GenerationLowering } from "./lowering/lowering.ts";
import { biasTables, layerWidths } from "./weights.ts";

/** The LM head of a graph, and the tokens that it scores. */
export interface Head {
  /** Number of tokens scored: V, or the name of a shortlist's extent. */
  readonly columns: Dim;
  /** x [R, T, D] -> [R, T, columns], in the graph the head belongs to or a body of it. */
  logits(g: GraphBuilder, x: Value): Value;
  /** The ids of tokens by their columns, integers of any shape. */
  ids(g: GraphBuilder, columns: Value): Value;
}

/**
 * Returns the head of a graph. Over a shortlist, the columns are those of `common` and then those of the input `own`
 * int32 [U], the ids that this run adds; over the whole vocabulary (null) a column is an id.
 */
export function headOf(
  g: GraphBuilder,
  config: T5Config,
  lowering: GenerationLowering,
  common: readonly number[] | null,
): Head {
  if (common === null) {
    return { columns: config.vocabSize, logits: (b, x) => lowering(b).logits(x), ids: (_, columns) => columns };
  }
  const own = g.input("own", "int32", ["U"]);
  const ids = ops.concat(g, [g.constant("int32", [common.length], common), own], 0, "C");
  const operations = lowering(g);
  const logits = operations.someLogits(common, operations.headRows(own));
  return { columns: "C", logits, ids: (b, columns) => ops.gather(b, ids, columns, 0) };
}

/**
 * Returns the graph that fetches the rows of the LM head for tokens that a run adds to a shortlist, once for all of its
 * steps: `own` int32 [U] -> `own_rows` float32 [U, D].
 */
export function ownRowsGraph(lowering: GenerationLowering): Graph {
  const g = createGraphBuilder();
  return g.build("own_rows", { own_rows: lowering(g).headRows(g.input("own", "int32", ["U"])) });
}

/** The bucket index of positions that may not be attended to (later ones): one more than T5's own. */
export function maskedBucket(config: T5Config): number {
  return config.relativeAttentionNumBuckets;
}

/**
 * Returns the graph of a step of any number of positions. R decoder rows, R0 rows of the cache, B encoder rows.
 *
 * Inputs: `tokens` int32 [R, T]; `position_buckets` int32 [T, P + T] (maskedBucket where the key comes later);
 * `reorder` int32 [R], the row of the cache that each row continues; `past_key_i`, `past_value_i` float32 [R0, H, P,
 * K]; `cross_key_i`, `cross_value_i` float32 [B, H, S, K], R a multiple of B; when masked, `mask` float32 [B, 1, 1, S];
 * over a shortlist, `own_rows` as in ownRowsGraph; in a METRO-T0, `positions` int32 [T], each token's; those of
 * `likeliest`. Outputs: `logits` float32 [R, T, V or C]; those of `likeliest`; `present_key_i`, `present_value_i`
 * float32 [R, H, P + T, K].
 */
export function stepGraph(
  config: T5Config,
  lowering: GenerationLowering,
  masked: boolean,
  common: readonly number[] | null = null,
): Graph {
  const g = createGraphBuilder();
  const layers = layersOn(g, config, lowering);
  const tokens = g.input("tokens", "int32", ["R", "T"]);
  const buckets = g.input("position_buckets", "int32", ["T", "L"]);
  const reorder = g.input("reorder", "int32", ["R"]);
  const caches = decoderCacheInputs(g, config, "R0").map(({ key, value }) => ({
    key: ops.gather(g, key, reorder, 0), // [R, H, P, K]
    value: ops.gather(g, value, reorder, 0),
  }));
  const { cross, crossOf, mask: padding } = encoderInputs(g, config, masked);
  const biases = biasTables(config, "decoder").map((table) => layers.positionBias(table, buckets)); // [1, H, T, P + T]

  // The positions of all rows that share an encoder row attend to it as one row.
  const width = g.constant("int64", [1], [0]); // as it is
  const batch = ops.shapeOf(g, cross.key, 0, 1);
  const positions = ops.mul(g, ops.shapeOf(g, tokens, 0, 1), ops.shapeOf(g, tokens, 1, 2));
  const shared = ops.div(g, positions, batch);
  const folding = {
    folded: ops.concat(g, [batch, shared, width], 0),
    unfolded: ops.concat(g, [ops.shapeOf(g, tokens, 0, 2), width], 0),
  };
  const one = g.constant("int64", [1], [1]);
  const extents = ops.concat(g, [one, one, shared, one], 0);
  const mask = padding === null ? null : ops.expand(g, padding, extents, ["B", 1, "folded", "S"]);

  const x = layers.embed(tokens, "decoder", () => g.input("positions", "int32", ["T"]));
  const biasOf = biasOfTables(config, "decoder", biases);
  const inputs = { biasOf, crossOf, mask, past: { caches, total: "L" }, folding };
  const { hidden, present } = layers.decoderStack(x, inputs); // [R, T, D]
  const logits =
    common === null
      ? lowering(g).logits(hidden)
      : lowering(g).someLogits(common, g.input("own_rows", "float32", ["U", config.dModel]))(g, hidden);
  return g.build("step", { logits, ...likeliest(g, logits), ...cacheOutputs(present) });
}

/** The width of a head's keys in the cache; Primer's has queries beside them. */
export function pastKeyWidth({ convolution, dKv }: T5Config): number {
  return convolution > 0 ? 2 * dKv : dKv;
}

/** Declares each layer's cache as inputs, [rows, H, P, K] (or one head). */
export function decoderCacheInputs(g: GraphBuilder, config: T5Config, rows: string): KeysAndValues[] {
  return cacheInputs(g, config, "past", rows, "P");
}

/** The encoder's results as inputs of a decoder. */
export interface EncoderInputs {
  /** The first layer's keys and values, [B, H, S, K]. */
  readonly cross: KeysAndValues;
  readonly crossOf: (layer: number) => KeysAndValues;
  /** Additive mask of padding, [B, 1, 1, S]. */
  readonly mask: Value | null;
}

/** Declares each layer's cross-attention keys and values and the mask of the encoder's padding as inputs. */
export function encoderInputs(g: GraphBuilder, config: T5Config, masked: boolean): EncoderInputs {
  const caches = cacheInputs(g, config, "cross", "B", "S");
  const crossOf = (layer: number) => layerCache(caches, layer);
  return { cross: crossOf(0), crossOf, mask: masked ? g.input("mask", "float32", ["B", 1, 1, "S"]) : null };
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

/** A layer's cache. @throws RangeError when there is none */
export function layerCache(caches: readonly KeysAndValues[], layer: number): KeysAndValues {
  const cache = caches[layer];
  if (cache === undefined) throw new RangeError(`the decoder has no layer ${layer}`);
  return cache;
}

function cacheInputs(g: GraphBuilder, config: T5Config, kind: string, rows: string, length: string): KeysAndValues[] {
  return Array.from({ length: config.numDecoderLayers }, (_, i) => {
    const shape = (width: number) => [rows, layerWidths(config, i).keyHeads, length, width];
    return {
      key: g.input(`${kind}_key_${i}`, "float32", shape(kind === "past" ? pastKeyWidth(config) : config.dKv)),
      value: g.input(`${kind}_value_${i}`, "float32", shape(config.dKv)),
    };
  });
}
