/** What a T5 layer computes, in terms of a lowering: one definition for inference and training. */
import type { GraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import type { Dim, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import type { Lowering, Mixing } from "./lowering.ts";
import { keyValueNames } from "./weights.ts";

/** A stack's running state: the sum of the residual stream so far, and the update that the next norm adds to it. */
export interface Residual {
  readonly x: Value;
  readonly update: Value | null;
}

/** Adds what is pending to the residual stream and returns its norm beside the new state. */
export function normed(
  g: GraphBuilder,
  lowering: Lowering,
  { x, update }: Residual,
  weight: string,
): { x: Value; input: Value } {
  if (update === null) return { x, input: lowering.norm(g, x, weight) };
  const { sum, normed: input } = lowering.addNorm(g, x, update, weight);
  return { x: sum, input };
}

/** Keys and values of one layer, float32 [B, H, S, K], or [B, S, H*K] where nothing is kept. */
export interface KeysAndValues {
  readonly key: Value;
  readonly value: Value;
}

/**
 * Self-attention sub-layer.
 * @param bias relative position bias and mask, [1 or B, H, T, past + T]
 * @param past cache of earlier positions and the name of the extent past + T
 * @see T5LayerSelfAttention, modeling_t5.py
 */
export function selfAttention(
  g: GraphBuilder,
  lowering: Lowering,
  config: T5Config,
  name: string,
  residual: Residual,
  bias: Value,
  past?: KeysAndValues & { readonly total: Dim },
): { residual: Residual; present: KeysAndValues | null } {
  const { x, input } = normed(g, lowering, residual, `${name}.layer_norm.weight`);
  const module = `${name}.SelfAttention`;
  const [query, key, value = key] = two(
    lowering.linears(g, input, [`${module}.q`, ...keyValueNames(config, module)], `${module}.qkv`),
  );
  const heads = Number(query.shape.at(-1)) / config.dKv;
  const mixing = mixingOf(g, lowering, config, module);
  const attended = lowering.attention(g, { query, key, value, bias, heads, mixing, ...(past && { past }) });
  const update = one(lowering.linears(g, attended.output, [`${module}.o`], `${module}.o`));
  return { residual: { x, update }, present: attended.present };
}

/** How decoder rows that share a row of the encoder's keys and values (beams) are attended as positions of that one row. */
export interface Folding {
  /** int64 [3]: [B, rows * positions / B, 0], the 0 for the width as it is */
  readonly folded: Value;
  /** int64 [3]: [rows, positions, 0] */
  readonly unfolded: Value;
}

/**
 * Cross-attention sub-layer on keys and values computed once from the encoder.
 * @param mask additive mask of the encoder's padding, [B, 1, positions that attend to one row, S], or null
 * @param folding null where there is one decoder row for each encoder row
 * @see T5LayerCrossAttention, modeling_t5.py
 */
export function crossAttention(
  g: GraphBuilder,
  lowering: Lowering,
  config: T5Config,
  name: string,
  residual: Residual,
  { key, value }: KeysAndValues,
  mask: Value | null,
  folding: Folding | null,
): Residual {
  const { x, input } = normed(g, lowering, residual, `${name}.layer_norm.weight`);
  const module = `${name}.EncDecAttention`;
  const query = one(lowering.linears(g, input, [`${module}.q`], `${module}.q`)); // [R, T, H*K]
  const width = Number(query.shape.at(-1));
  const folded = folding === null ? query : ops.reshapeTo(g, query, folding.folded, ["B", "folded", width]);
  const heads = width / config.dKv;
  const mixing = mixingOf(g, lowering, config, module);
  const { output } = lowering.attention(g, { query: folded, key, value, bias: mask, heads, mixing });
  const unfolded = folding === null ? output : ops.reshapeTo(g, output, folding.unfolded, query.shape);
  return { x, update: one(lowering.linears(g, unfolded, [`${module}.o`], `${module}.o`)) };
}

/** Feed-forward sub-layer: relu, or one of the gated forms. @see T5LayerFF, modeling_t5.py */
export function feedForward(
  g: GraphBuilder,
  lowering: Lowering,
  config: T5Config,
  name: string,
  residual: Residual,
): Residual {
  const { x, input } = normed(g, lowering, residual, `${name}.layer_norm.weight`);
  const module = `${name}.DenseReluDense`;
  const update = one(lowering.linears(g, hidden(g, lowering, config, module, input), [`${module}.wo`], `${module}.wo`));
  return { x, update };
}

/**
 * A decoder layer's keys and values of the encoder's states, as its linear layers give them: one and the same where they are shared.
 */
export function crossKeysAndValues(
  g: GraphBuilder,
  lowering: Lowering,
  config: T5Config,
  layer: number,
  states: Value,
): KeysAndValues {
  const module = `decoder.block.${layer}.layer.1.EncDecAttention`;
  const [key, value = key] = lowering.linears(g, states, keyValueNames(config, module), `${module}.kv`);
  if (key === undefined || value === undefined) throw new RangeError("a lowering returned no value");
  return { key, value };
}

function mixingOf(g: GraphBuilder, lowering: Lowering, config: T5Config, module: string): Mixing | null {
  if (!config.talkingHeads) return null;
  return {
    logits: lowering.weight(g, `${module}.logits.weight`),
    weights: lowering.weight(g, `${module}.weights.weight`),
  };
}

function hidden(g: GraphBuilder, lowering: Lowering, config: T5Config, module: string, x: Value): Value {
  if (config.feedForward === "relu") {
    return ops.unary(g, "Relu", one(lowering.linears(g, x, [`${module}.wi`], `${module}.wi`)));
  }
  const [gate, linear] = two(lowering.linears(g, x, [`${module}.wi_0`, `${module}.wi_1`], `${module}.wi`));
  const activated =
    config.feedForward === "gated-gelu" ? ops.geluTanh(g, gate) : ops.mul(g, gate, ops.unary(g, "Sigmoid", gate));
  return ops.mul(g, activated, linear);
}

function one(values: readonly Value[]): Value {
  const [a] = values;
  if (a === undefined) throw new RangeError("a lowering returned no value");
  return a;
}

function two(values: readonly Value[]): [Value, Value, Value?] {
  const [a, b, c] = values;
  if (a === undefined || b === undefined) throw new RangeError("a lowering returned fewer than two values");
  return c === undefined ? [a, b] : [a, b, c];
}
