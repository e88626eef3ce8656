/**
 * The self-attention of LongT5's encoder in plain operators: each block of tokens attends to itself, its two neighbors,
 * and to global tokens, which are sums of tokens. B rows, N blocks of L tokens, windows of W = 3L keys, G global tokens
 * of g tokens, H heads, K head width, D model width. Time and memory grow linearly with N, but for the products of
 * queries and global tokens.
 * @see LongT5LocalAttention and LongT5TransientGlobalAttention, modeling_longt5.py
 */
import type { GraphBuilder } from "../../graph/builder.ts";
import { at } from "../../graph/node.ts";
import * as ops from "../../graph/ops.ts";
import { shift } from "../../graph/pad-ops.ts";
import type { DType, Shape, Value } from "../../graph/types.ts";
import type { T5Config } from "../config.ts";
import type { BlockAttention, LongInputs, Operations } from "../lowering/lowering.ts";
import { keyValueNames } from "../weights.ts";

/** The extent of a batch's global tokens as rows, B * G. */
export const GLOBAL_ROWS = "global_tokens";

/**
 * Declares the inputs of a LongT5's encoder.
 * @param names of the two tables of biases as they are laid out
 * @returns null for a model whose encoder has no blocks
 */
export function longInputs(
  g: GraphBuilder,
  { longAttention, numHeads: H }: T5Config,
  names: { readonly window: string; readonly side: string },
  dtype: DType,
): LongInputs | null {
  if (longAttention === null) return null;
  const size = longAttention.globalBlockSize;
  return {
    blocks: g.input("blocks", "int64", [2]),
    window: g.input(names.window, dtype, [1, H, "L", "W"]),
    mask: g.input("window_mask", dtype, ["B", "N", 1, 1, "W"]),
    side:
      size === null
        ? null
        : {
            members: g.input("members", dtype, ["B", "G", 1, size]),
            carried: g.input("carried", dtype, ["B", "G", 1]),
            bias: g.input(names.side, dtype, ["B", "N", H, "L/g", 1, "G"]),
          },
  };
}

/** Attention of normed states x, rows or [B, S, D], before its output layer: of x's shape, with H*K values. */
export function longSelfAttention(
  g: GraphBuilder,
  t5: Operations,
  config: T5Config,
  module: string,
  x: Value,
  long: LongInputs,
): Value {
  const keysAndValues = (states: Value) => {
    const projections = t5.linears(states, keyValueNames(config, module), `${module}.kv`);
    return { key: at(projections, 0), value: at(projections, 1) };
  };
  const query = t5.linear(x, `${module}.q`);
  const own = keysAndValues(x);
  const norm = (sums: Value) => t5.norm(sums, `${module}.global_input_layer_norm.weight`);
  const global = long.side === null ? null : keysAndValues(norm(globalSums(g, x, long.blocks, long.side)));
  return t5.blockAttention({ query, ...own, heads: config.numHeads, long, global });
}

/** The sum of the tokens of each global token, [B * G, D]; tokens left over are in the last full one's. */
function globalSums(g: GraphBuilder, x: Value, blocks: Value, { members, carried }: NonNullable<LongInputs["side"]>) {
  const D = Number(x.shape.at(-1));
  const size = Number(members.shape[3]);
  const batch = ops.gather(g, blocks, g.constant("int64", [1], [0]), 0);
  const tokens = ops.reshapeTo(g, x, ops.concat(g, [batch, g.constant("int64", [3], [-1, size, D])], 0), [
    "B",
    "G",
    size,
    D,
  ]);
  const sums = ops.reshape(g, ops.matmul(g, members, tokens), ["B", "G", D]);
  const after = ops.mul(g, carried, shift(g, sums, 1, -1));
  return ops.reshape(g, ops.add(g, sums, after), [GLOBAL_ROWS, D]);
}

/**
 * softmax(query key^T + bias) value of each block, unscaled.
 * @param drop drops values by a mask of the shape, in training
 */
export function plainBlockAttention(
  g: GraphBuilder,
  inputs: BlockAttention,
  drop: (values: Value, shape: Shape) => Value = (values) => values,
): Value {
  return joined(g, inputs, mixed(g, operandsOf(g, inputs, drop)));
}

/** The same, one block after the other, so that no more than one block's weights are in memory. */
export function loopedBlockAttention(g: GraphBuilder, inputs: BlockAttention): Value {
  const { global, ...operands } = operandsOf(g, inputs, (values) => values);
  const body = g.body();
  const index = ops.unsqueeze(body, body.input("iteration", "int64", []), 0);
  const condition = ops.unary(body, "Identity", body.input("condition", "bool", []));
  const one = (x: Value) => ops.gather(body, x, index, 1);
  const block: Operands = {
    ...{ q: one(operands.q), keys: one(operands.keys), values: one(operands.values) },
    ...{ window: operands.window, mask: one(operands.mask) },
    global: global === null ? null : { ...global, bias: one(global.bias) },
  };
  const trips = ops.gather(g, inputs.long.blocks, g.constant("int64", [], [1]), 0);
  const { stacked } = ops.loop(g, trips, body.build("block", { condition, output: mixed(body, block) }), [], [], "N");
  const all = ops.transpose(g, at(stacked, 0), [1, 0, 3, 4, 5, 2]); // [N, B, 1, H, L, K] -> [B, N, H, L, K, 1]
  return joined(g, inputs, ops.reshapeTo(g, all, ops.shapeOf(g, all, 0, 5), all.shape.slice(0, 5)));
}

/** Attention's operands by block. */
interface Operands {
  /** [B, N, H, L, K] */
  readonly q: Value;
  /** [B, N, H, K, W] */
  readonly keys: Value;
  /** [B, N, H, W, K] */
  readonly values: Value;
  readonly window: Value;
  readonly mask: Value;
  /** [B, 1, H, K, G], [B, 1, H, G, K], and the biases and mask of {@link LongInputs}. */
  readonly global: { readonly keys: Value; readonly values: Value; readonly bias: Value } | null;
}

function operandsOf(
  g: GraphBuilder,
  { query, key, value, heads: H, long, global }: BlockAttention,
  drop: (values: Value, shape: Shape) => Value,
): Operands {
  const K = Number(query.shape.at(-1)) / H;
  const inBlocks = (x: Value) =>
    ops.reshapeTo(g, x, ops.concat(g, [long.blocks, g.constant("int64", [3], [-1, H, K])], 0), ["B", "N", "L", H, K]);
  return {
    q: ops.transpose(g, inBlocks(query), [0, 1, 3, 2, 4]),
    keys: ops.transpose(g, windows(g, inBlocks(key)), [0, 1, 3, 4, 2]),
    values: ops.transpose(g, windows(g, drop(inBlocks(value), ["B", "N", "L", H, 1])), [0, 1, 3, 2, 4]),
    window: long.window,
    mask: long.mask,
    global:
      global === null || long.side === null
        ? null
        : { ...globalsOf(g, global, long.blocks, [H, K], drop), bias: long.side.bias },
  };
}

/** The weighted values of each block, [B, N, H, L, K]. */
function mixed(g: GraphBuilder, { q, keys, values, window, mask, global }: Operands): Value {
  const near = ops.add(g, ops.add(g, ops.matmul(g, q, keys), window), mask); // [B, N, H, L, W]
  return global === null ? ops.matmul(g, ops.softmax(g, near), values) : withGlobals(g, q, near, values, global);
}

/** The blocks' values, [B, N, H, L, K], in the query's shape. */
function joined(g: GraphBuilder, { query }: BlockAttention, x: Value): Value {
  return ops.reshape(g, ops.transpose(g, x, [0, 1, 3, 2, 4]), query.shape);
}

/** The keys of a block's window: [B, N, L, H, K] -> [B, N, W, H, K]. */
function windows(g: GraphBuilder, x: Value): Value {
  return ops.concat(g, [shift(g, x, 1, 1), x, shift(g, x, 1, -1)], 2, "W");
}

/** Keys and values of global tokens by head: [B, 1, H, K, G] and [B, 1, H, G, K]. */
function globalsOf(
  g: GraphBuilder,
  { key, value }: { readonly key: Value; readonly value: Value },
  blocks: Value,
  [H, K]: readonly [number, number],
  drop: (values: Value, shape: Shape) => Value,
): { keys: Value; values: Value } {
  const batch = ops.gather(g, blocks, g.constant("int64", [1], [0]), 0);
  const target = ops.concat(g, [batch, g.constant("int64", [4], [1, -1, H, K])], 0);
  const split = (x: Value) => ops.reshapeTo(g, x, target, ["B", 1, "G", H, K]);
  return {
    keys: ops.transpose(g, split(key), [0, 1, 3, 4, 2]),
    values: ops.transpose(g, drop(split(value), ["B", 1, "G", H, 1]), [0, 1, 3, 2, 4]),
  };
}

/** Attention to the window's keys, whose logits are `near`, and to global tokens: [B, N, H, L, K]. */
function withGlobals(
  g: GraphBuilder,
  q: Value,
  near: Value,
  values: Value,
  global: NonNullable<Operands["global"]>,
): Value {
  const { bias } = global;
  const [B = 0, N = 0, H = 0] = near.shape;
  const products = ops.matmul(g, q, global.keys); // [B, N, H, L, G]
  // The queries of one global token share a row of biases.
  const grouped = ops.concat(
    g,
    [ops.shapeOf(g, bias, 0, 4), g.constant("int64", [1], [-1]), ops.shapeOf(g, bias, 5, 6)],
    0,
  );
  const biased = ops.add(g, ops.reshapeTo(g, products, grouped, [B, N, H, "L/g", "g", "G"]), bias);
  const far = ops.reshapeTo(g, biased, ops.shapeOf(g, products, 0, 5), products.shape);
  const weights = ops.softmax(g, ops.concat(g, [near, far], 4, "W + G"));
  const [begin, middle] = [g.constant("int64", [1], [0]), ops.shapeOf(g, near, 4, 5)];
  const end = ops.shapeOf(g, weights, 4, 5);
  const local = ops.matmul(g, ops.slice(g, weights, 4, begin, middle, "W"), values);
  return ops.add(g, local, ops.matmul(g, ops.slice(g, weights, 4, middle, end, "G"), global.values));
}
