/** Attention in plain operators, with talking heads and with heads that share keys and values. */
import type { GraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import type { Value } from "../graph/types.ts";
import type { Attention, AttentionResult, Mixing } from "./lowering/lowering.ts";

/**
 * softmax(query key^T + bias) value for each head, unscaled, on a cache where there is one.
 * @see T5Attention, modeling_t5.py
 */
export function plainAttention(
  g: GraphBuilder,
  { query, key, value, bias, past, heads, mixing }: Attention,
): AttentionResult {
  const width = Number(query.shape.at(-1)) / heads;
  const q = splitHeads(g, query, width); // [B, H, T, K]
  let k = splitHeads(g, key, width); // [B, H or 1, S, K]
  let v = splitHeads(g, value, width);
  if (past !== undefined) {
    k = ops.concat(g, [past.key, k], 2, past.total);
    v = ops.concat(g, [past.value, v], 2, past.total);
  }
  const products = ops.matmul(g, q, ops.transpose(g, k, [0, 1, 3, 2])); // [B, H, T, S]
  const weights = attentionWeights(g, products, bias, mixing);
  const mixed = ops.transpose(g, ops.matmul(g, weights, v), [0, 2, 1, 3]); // [B, T, H, K]
  return { output: ops.reshape(g, mixed, query.shape), present: past === undefined ? null : { key: k, value: v } };
}

/**
 * Attention weights [B, H, T, S] from the products of queries and keys, [B, H, T, S].
 * @see TalkingHeadsSelfAttention.attention_internal, mesh_tensorflow: the bias comes after the first mixing
 */
export function attentionWeights(g: GraphBuilder, products: Value, bias: Value | null, mixing: Mixing | null): Value {
  const logits = mixing === null ? products : mixHeads(g, mixing.logits, products);
  const softmax = ops.softmax(g, bias === null ? logits : ops.add(g, logits, bias));
  return mixing === null ? softmax : mixHeads(g, mixing.weights, softmax);
}

/** The sum over heads h of weight[l, h] x[b, h, t, s] for each head l. */
function mixHeads(g: GraphBuilder, weight: Value, x: Value): Value {
  const [batch = 0, heads = 0] = x.shape;
  const flat = ops.reshape(g, x, [batch, heads, "T*S"]);
  return ops.reshapeTo(g, ops.matmul(g, weight, flat), ops.shapeOf(g, x, 0, 4), x.shape);
}

/** [B, S, H*K] -> [B, H, S, K]; a cache, which has this layout already, is returned as it is. */
function splitHeads(g: GraphBuilder, x: Value, width: number): Value {
  const [batch = 0, length = 0, all = 0] = x.shape;
  if (x.shape.length === 4) return x;
  return ops.transpose(g, ops.reshape(g, x, [batch, length, Number(all) / width, width]), [0, 2, 1, 3]);
}
