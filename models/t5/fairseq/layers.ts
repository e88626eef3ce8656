/** The parts of METRO-T0's layers that T5's lack, for every lowering. D model width, T positions. */
import type { GraphBuilder } from "../../graph/builder.ts";
import * as ops from "../../graph/ops.ts";
import type { Dim, Value } from "../../graph/types.ts";
import type { T5Config } from "../config.ts";
import type { Operations } from "../lowering/lowering.ts";
import type { Stack } from "../weights.ts";
import { hasBias } from "./shapes.ts";

/** A linear layer's products with its bias, where it has one. */
export function plusBias(
  g: GraphBuilder,
  config: T5Config,
  weight: (name: string) => Value,
  products: Value,
  layer: string,
): Value {
  return hasBias(config, layer) ? ops.add(g, products, weight(`${layer}.bias`)) : products;
}

/**
 * The embedding of tokens; in a METRO-T0, with that of their positions added, and normed. @see FairseqT5Stack.forward
 * @param x [B, T, D], or as rows
 * @param positionsOf returns the T tokens' positions, integers [T] from 0 on; without it they are the first ones
 * @returns x itself in a T5
 */
export function positioned(
  g: GraphBuilder,
  operations: Operations,
  { padTokenId, fairseq }: T5Config,
  stack: Stack,
  x: Value,
  positionsOf?: () => Value,
): Value {
  if (fairseq === null) return x;
  const positions = positionsOf?.();
  const table = operations.weight(`${stack}.pos_embed.weight`);
  const first = padTokenId + 1; // rows up to the padding's stand for no position
  const sum = operations.ofRows(x, (rows) => {
    if (positions !== undefined) {
      const places = ops.add(g, positions, g.constant(positions.dtype, [], [first]));
      return ops.add(g, rows, ops.gather(g, table, places, 0)); // [T, D]
    }
    const begin = g.constant("int64", [1], [first]);
    const end = ops.add(g, begin, ops.shapeOf(g, rows, 1, 2));
    return ops.add(g, rows, ops.slice(g, table, 0, begin, end, rows.shape[1] as Dim));
  });
  return operations.norm(sum, `${stack}.first_layer_norm.weight`);
}

/** A query times d^-0.5, d = D / H. @see T5Attention.forward of modeling_fairseq_t5.py */
export function scaledQuery(g: GraphBuilder, { fairseq, dModel, numHeads }: T5Config, query: Value): Value {
  if (fairseq === null) return query;
  return ops.mul(g, query, g.constant(query.dtype, [], [Math.floor(dModel / numHeads) ** -0.5]));
}
