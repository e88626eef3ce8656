/**
 * Primer's convolutions: each channel of self-attention's queries, keys and values is a weighted sum of its values at
 * the token and the ones before it. B rows, T new and P cached positions, H heads, K head width, W positions read.
 * @see So et al. 2021, "Primer: Searching for Efficient Transformers for Language Modeling"; causal_depthwise_conv and
 *   MDHA of primer/t5_models.py, google-research
 */
import type { GraphBuilder } from "../../graph/builder.ts";
import * as ops from "../../graph/ops.ts";
import { shift } from "../../graph/pad-ops.ts";
import type { KeysAndValues } from "../../graph/runtime-ops.ts";
import type { Dim, Value } from "../../graph/types.ts";
import type { T5Config } from "../config.ts";
import type { AttentionResult, Operations } from "../lowering/lowering.ts";

/** The weights of a module's convolutions, [H*K] each: of q, k and v, for the token itself and those before it. */
export function convolutionNames({ convolution }: Pick<T5Config, "convolution">, module: string): string[] {
  return ["q", "k", "v"].flatMap((part) =>
    Array.from({ length: convolution }, (_, distance) => weightName(module, part, distance)),
  );
}

/** Attention of a query [B, T, H*K], which returns the grown cache where there is one. */
export type Attend = (
  query: Value,
  memory: KeysAndValues,
  past?: KeysAndValues & { readonly total: Dim },
) => AttentionResult;

/**
 * Attention of queries, keys and values after their convolutions.
 * @param past the cache, and the name of P + T
 * @param attend attends without convolutions
 */
export function attendConvolved(
  g: GraphBuilder,
  t5: Operations,
  config: Pick<T5Config, "convolution" | "dKv">,
  module: string,
  inputs: KeysAndValues & { readonly query: Value },
  past: (KeysAndValues & { readonly total: Dim }) | undefined,
  attend: Attend,
): AttentionResult {
  if (past !== undefined) {
    const { query, present, ...memory } = convolvedWithPast(g, t5, config, module, inputs, past);
    return { ...attend(query, memory), present };
  }
  const after = (part: "query" | "key" | "value") => convolved(g, t5, config, module, part.charAt(0), inputs[part]);
  return attend(after("query"), { key: after("key"), value: after("value") });
}

/** The convolution of q, k or v [.., H*K] over the positions of each row. */
function convolved(
  g: GraphBuilder,
  t5: Operations,
  { convolution }: Pick<T5Config, "convolution">,
  module: string,
  part: string,
  x: Value,
): Value {
  const weights = Array.from({ length: convolution }, (_, i) => t5.weight(weightName(module, part, i)));
  return t5.ofRows(x, (rows) => weightedSum(g, rows, 1, weights));
}

/**
 * Queries, keys and values that continue a cache. The cache holds them before the convolution, a head's key and query
 * side by side, [B, H, P, 2K].
 * @param past the cache, and the name of P + T
 * @returns the new positions' query [B, T, H*K], all keys and values [B, H, P + T, K], and the grown cache
 */
function convolvedWithPast(
  g: GraphBuilder,
  t5: Operations,
  { convolution, dKv: K }: Pick<T5Config, "convolution" | "dKv">,
  module: string,
  { query, key, value }: KeysAndValues & { readonly query: Value },
  past: KeysAndValues & { readonly total: Dim },
): KeysAndValues & { readonly query: Value; readonly present: KeysAndValues } {
  const [B = 0, T = 0, all] = query.shape;
  const H = Number(all) / K;
  const heads = (x: Value) => ops.transpose(g, ops.reshape(g, x, [B, T, H, K]), [0, 2, 1, 3]);
  const present = {
    key: ops.concat(g, [past.key, ops.concat(g, [heads(key), heads(query)], 3)], 2, past.total),
    value: ops.concat(g, [past.value, heads(value)], 2, past.total),
  };
  const perHead = (part: string, i: number) => ops.reshape(g, t5.weight(weightName(module, part, i)), [H, 1, K]);
  const distances = Array.from({ length: convolution }, (_, i) => i);
  const beside = distances.map((i) => ops.concat(g, [perHead("k", i), perHead("q", i)], 2));
  const [keys, queries] = ops.splitLast(g, weightedSum(g, present.key, 2, beside), [K, K]);
  const values = weightedSum(
    g,
    present.value,
    2,
    distances.map((i) => perHead("v", i)),
  );
  if (keys === undefined || queries === undefined) throw new RangeError("keys and queries lie side by side");
  const begin = ops.shapeOf(g, past.key, 2, 3);
  const latest = ops.slice(g, queries, 2, begin, g.constant("int64", [1], [Number.MAX_SAFE_INTEGER]), T);
  const newest = ops.reshape(g, ops.transpose(g, latest, [0, 2, 1, 3]), query.shape);
  return { query: newest, key: keys, value: values, present };
}

/** The sum of x, moved by 0, 1, .. positions along an axis, times a weight for each distance. */
function weightedSum(g: GraphBuilder, x: Value, axis: number, weights: readonly Value[]): Value {
  let moved = x;
  let sum: Value | undefined;
  for (const [distance, weight] of weights.entries()) {
    if (distance > 0) moved = shift(g, moved, axis, 1);
    const part = ops.mul(g, moved, weight);
    sum = sum === undefined ? part : ops.add(g, sum, part);
  }
  return sum ?? x;
}

function weightName(module: string, part: string, distance: number): string {
  return `${module}.${part}_conv_${distance}.weight`;
}
