/**
 * The layers of a T5, in terms of a lowering: one definition for inference and training.
 * Shapes: B batch, S source, T target and P cached positions, D model width, H heads, K head width, F feed-forward
 * width.
 */
import { defined } from "../../base/defined.ts";
import type { Segment } from "../graph/backward.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import { at } from "../graph/node.ts";
import * as ops from "../graph/ops.ts";
import type { KeysAndValues } from "../graph/runtime-ops.ts";
import type { Dim, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import { type Attend, attendConvolved } from "./convolution/convolution.ts";
import { sparseFeedForward } from "./experts/routing.ts";
import { feedForwardModule, isSparse } from "./experts/shapes.ts";
import { positioned, scaledQuery } from "./fairseq/layers.ts";
import { isGated } from "./feed-forward.ts";
import { longSelfAttention } from "./long/attention.ts";
import { type BiasOf, biasRows } from "./lowering/biases.ts";
import type { AttentionResult, Folding, LongInputs, Lowering, Operations } from "./lowering/lowering.ts";
import { type BiasTable, keyValueNames, layerWidths, type Stack, selfAttentionName } from "./weights.ts";

/** The layers of one graph. Batch and length may be folded into one axis, as training does. */
export interface Layers {
  /**
   * The embedding of tokens: integer ids [B, S] -> [B, S, D]; METRO-T0 adds that of their positions and norms the sum.
   * @param positionsOf returns the tokens' positions, integers [S]; without it they are the first ones
   */
  embed(ids: Value, stack: Stack, positionsOf?: () => Value): Value;
  /**
   * Layers from..to of the encoder, or all of them, on x [B, S, D].
   * @param biasOf position biases and mask of a layer, [1 or B, H, S, S]; or the inputs of a LongT5
   * @param onLayer receives the nodes of each layer
   * @returns [B, S, D]: the hidden states after the final norm, or the next stage's x where the encoder does not end
   * @see T5Stack, modeling_t5.py
   */
  encoderStack(x: Value, biasOf: BiasOf | LongInputs, onLayer?: OnLayer, range?: LayerRange): Value;
  /**
   * The decoder on x [B, T, D].
   * @returns `hidden` [B, T, D] after the final norm, and each layer's grown cache [B, H, P + T, K]; none without a
   *   cache
   * @see T5Stack, modeling_t5.py
   */
  decoderStack(x: Value, inputs: DecoderInputs, onLayer?: OnLayer): { hidden: Value; present: KeysAndValues[] };
  /**
   * The keys and values of the encoder's states [B, S, D] for a decoder layer, [B, S, H*K]; one value where they are
   * shared.
   */
  crossKeysAndValues(layer: number, states: Value): KeysAndValues;
  /** The same, laid out as a cache: [B, H, S, K], or one head that all share. */
  crossCache(layer: number, states: Value): KeysAndValues;
  /** The bias of each head by bucket: integers [T, L] -> [1, H, T, L]. A bucket past the last is masked. */
  positionBias(table: BiasTable, buckets: Value): Value;
}

/** Receives the nodes of a layer, as a segment that depends on the residual stream. */
export type OnLayer = (segment: Segment) => void;

/** Layers from..to of a stack. */
export interface LayerRange {
  readonly from: number;
  readonly to: number;
  /** Whether they end the stack, so that its final norm follows. */
  readonly ends: boolean;
}

/** The inputs that the decoder attends to. */
export interface DecoderInputs {
  /** Relative position bias and causal mask of a layer, [1, H, T, P + T]. */
  readonly biasOf: BiasOf;
  /** Keys and values of the encoder's states for a layer: [B, S, H*K], or [B, H, S, K]. */
  readonly crossOf: (layer: number) => KeysAndValues;
  /** Additive mask of the encoder's padding, [B, 1, positions that attend to one row, S], or null. */
  readonly mask: Value | null;
  /** Each layer's cache, [B, H, P, K] (or one head that all share), and the name of the extent P + T. */
  readonly past?: { readonly caches: readonly KeysAndValues[]; readonly total: Dim };
  /** Given where several decoder rows attend to one encoder row. */
  readonly folding?: Folding;
}

/** Returns the layers of a model, which add their nodes to `g`. */
export function layersOn(g: GraphBuilder, config: T5Config, lowering: Lowering): Layers {
  const t5: Context = { ...lowering(g), g, config };
  return {
    embed(ids, stack, positionsOf) {
      return t5.dropout("embedding", positioned(g, t5, config, stack, t5.embed(ids), positionsOf));
    },

    encoderStack(x, biasOf, onLayer, { from, to, ends } = { from: 0, to: config.numLayers, ends: true }) {
      let stream: Residual = { x, update: null };
      for (let layer = from; layer < to; layer += 1) {
        const [begin, before] = [g.nodes.length, stream];
        stream =
          typeof biasOf === "function"
            ? selfAttention(t5, `encoder.block.${layer}.layer.0`, before, biasOf(layer)).stream
            : encoderBlocks(t5, layer, before, biasOf);
        stream = feedForward(t5, "encoder", layer, stream);
        onLayer?.(segment(g, begin, before));
      }
      return ends ? finalNorm(t5, "encoder", stream) : total(t5, stream);
    },

    decoderStack(x, inputs, onLayer) {
      let stream: Residual = { x, update: null };
      const present: KeysAndValues[] = [];
      for (let layer = 0; layer < config.numDecoderLayers; layer += 1) {
        const [begin, before] = [g.nodes.length, stream];
        const self = decoderSelfAttention(t5, layer, before, inputs);
        if (self.present !== null) present.push(self.present);
        stream = crossAttention(t5, `decoder.block.${layer}.layer.1`, self.stream, inputs.crossOf(layer), inputs);
        stream = feedForward(t5, "decoder", layer, stream);
        onLayer?.(segment(g, begin, before));
      }
      return { hidden: finalNorm(t5, "decoder", stream), present };
    },

    crossKeysAndValues: (layer, states) => crossKeysAndValues(t5, layer, states),

    crossCache(layer, states) {
      const { key, value } = crossKeysAndValues(t5, layer, states);
      const { keyHeads } = layerWidths(config, layer);
      const split = (x: Value) =>
        ops.transpose(g, ops.reshape(g, x, [...x.shape.slice(0, 2), keyHeads, config.dKv]), [0, 2, 1, 3]);
      return { key: split(key), value: split(value) };
    },

    positionBias(table, buckets) {
      const { numHeads: heads } = table;
      const never = g.constant("float32", [1, heads], Array<number>(heads).fill(-1e9));
      const rows = ops.concat(g, [biasRows(g, config, t5, table), never], 0); // [buckets + 1, H]
      return ops.unsqueeze(g, ops.transpose(g, ops.gather(g, rows, buckets, 0), [2, 0, 1]), 0);
    },
  };
}

interface Context extends Operations {
  readonly g: GraphBuilder;
  readonly config: T5Config;
}

/** The residual stream: its sum so far [B, T, D], and the last sub-layer's output, which the next norm adds to it. */
interface Residual {
  readonly x: Value;
  readonly update: Value | null;
}

/** @see T5LayerSelfAttention, modeling_t5.py */
function selfAttention(
  t5: Context,
  name: string,
  stream: Residual,
  bias: Value,
  past?: KeysAndValues & { readonly total: Dim },
): { stream: Residual; present: KeysAndValues | null } {
  const { x, input } = normed(t5, stream, `${name}.layer_norm.weight`); // [B, T, D]
  const module = `${name}.SelfAttention`;
  const names = [`${module}.q`, ...keyValueNames(t5.config, module)];
  const projections = t5.linears(input, names, `${module}.qkv`); // [B, T, H*K]
  const [query, key] = [at(projections, 0), at(projections, 1)];
  const value = projections[2] ?? key;
  const attendTo: Attend = (q, memory, cache) => attend(t5, module, q, memory, bias, cache);
  const attended =
    t5.config.convolution > 0
      ? attendConvolved(t5.g, t5, t5.config, module, { query, key, value }, past, attendTo)
      : attendTo(query, { key, value }, past);
  const update = t5.dropout("attention.output", t5.linear(attended.output, `${module}.o`)); // [B, T, D]
  return { stream: adapted(t5, name, x, update), present: attended.present };
}

/** @see LongT5LayerLocalSelfAttention and LongT5LayerTransientGlobalSelfAttention, modeling_longt5.py */
function encoderBlocks(t5: Context, layer: number, stream: Residual, long: LongInputs): Residual {
  const module = selfAttentionName(t5.config, "encoder", layer);
  const name = `encoder.block.${layer}.layer.0`;
  const { x, input } = normed(t5, stream, `${name}.layer_norm.weight`);
  const output = longSelfAttention(t5.g, t5, t5.config, module, input, long);
  return adapted(t5, name, x, t5.dropout("attention.output", t5.linear(output, `${module}.o`)));
}

function decoderSelfAttention(t5: Context, layer: number, stream: Residual, { biasOf, past }: DecoderInputs) {
  const cache = past?.caches[layer];
  const own = past === undefined || cache === undefined ? undefined : { ...cache, total: past.total };
  return selfAttention(t5, `decoder.block.${layer}.layer.0`, stream, biasOf(layer), own);
}

/** @see T5LayerCrossAttention, modeling_t5.py */
function crossAttention(
  t5: Context,
  name: string,
  stream: Residual,
  memory: KeysAndValues,
  { mask, folding }: DecoderInputs,
): Residual {
  const { x, input } = normed(t5, stream, `${name}.layer_norm.weight`); // [R, T, D]
  const module = `${name}.EncDecAttention`;
  const query = t5.linear(input, `${module}.q`); // [R, T, H*K]
  const shape = ["B", "folded", Number(query.shape.at(-1))];
  const folded = folding === undefined ? query : ops.reshapeTo(t5.g, query, folding.folded, shape);
  const { output } = attend(t5, module, folded, memory, mask);
  const unfolded = folding === undefined ? output : ops.reshapeTo(t5.g, output, folding.unfolded, query.shape);
  return adapted(t5, name, x, t5.dropout("attention.output", t5.linear(unfolded, `${module}.o`)));
}

/** Attention of a query [B, T, H*K], with the heads that its width makes. */
function attend(
  t5: Context,
  module: string,
  query: Value,
  { key, value }: KeysAndValues,
  bias: Value | null,
  past?: KeysAndValues & { readonly total: Dim },
): AttentionResult {
  const heads = Number(query.shape.at(-1)) / t5.config.dKv;
  const mixing = t5.config.talkingHeads
    ? { logits: t5.weight(`${module}.logits.weight`), weights: t5.weight(`${module}.weights.weight`) }
    : null;
  return t5.attention({
    query: scaledQuery(t5.g, t5.config, query),
    key,
    value,
    bias,
    heads,
    mixing,
    ...defined({ past }),
  });
}

function crossKeysAndValues(t5: Context, layer: number, states: Value): KeysAndValues {
  const module = `decoder.block.${layer}.layer.1.EncDecAttention`;
  const projections = t5.linears(states, keyValueNames(t5.config, module), `${module}.kv`);
  const key = at(projections, 0);
  return { key, value: projections[1] ?? key };
}

/** @see T5LayerFF, modeling_t5.py; SwitchTransformersLayerFF, modeling_switch_transformers.py */
function feedForward(t5: Context, stack: Stack, layer: number, stream: Residual): Residual {
  const name = `${stack}.block.${layer}.layer.${stack === "encoder" ? 1 : 2}`;
  const { x, input } = normed(t5, stream, `${name}.layer_norm.weight`); // [B, T, D]
  const module = `${name}.${feedForwardModule(t5.config)}`;
  const output = isSparse(t5.config, stack, layer)
    ? sparseFeedForward(t5.g, t5, t5.config, module, input)
    : dense(t5, module, input);
  return adapted(t5, name, x, t5.dropout("feedForward.output", output));
}

function dense(t5: Context, module: string, x: Value): Value {
  const hidden = isGated(t5.config.feedForward) ? gated(t5, module, x) : plain(t5, module, x); // [B, T, F]
  return t5.linear(hidden, `${module}.wo`);
}

/** The residual stream after a sublayer, whose output an adapter may change. */
function adapted(t5: Context, layer: string, x: Value, update: Value): Residual {
  const changed = t5.adapt?.(layer, x, update) ?? update;
  if (t5.config.fairseq === null) return { x, update: changed };
  return { x: t5.addNorm(x, changed, `${layer}.layer_norm.weight`).normed, update: null };
}

/** @see T5DenseActDense, modeling_t5.py; So et al. 2021, "Primer", for the square */
function plain(t5: Context, module: string, x: Value): Value {
  // Dropout before the relu has the same result as after it, and the way back needs only what is left.
  const passed = ops.unary(t5.g, "Relu", t5.dropout("feedForward.hidden", t5.linear(x, `${module}.wi`)));
  return t5.config.feedForward === "squared-relu" ? ops.mul(t5.g, passed, passed) : passed;
}

/** @see T5DenseGatedActDense, modeling_t5.py */
function gated({ g, ...t5 }: Context, module: string, x: Value): Value {
  const projections = t5.linears(x, [`${module}.wi_0`, `${module}.wi_1`], `${module}.wi`); // [B, T, F]
  const [gate, linear] = [at(projections, 0), at(projections, 1)];
  const activated =
    t5.config.feedForward === "gated-gelu" ? ops.geluTanh(g, gate) : ops.mul(g, gate, ops.unary(g, "Sigmoid", gate));
  return t5.dropout("feedForward.hidden", ops.mul(g, activated, linear));
}

function finalNorm(t5: Context, stack: Stack, stream: Residual): Value {
  if (t5.config.fairseq !== null) return stream.x;
  return t5.dropout("finalNorm", normed(t5, stream, `${stack}.final_layer_norm.weight`).input);
}

/** The residual stream with its pending update added, and the norm of that sum; METRO-T0's is normed already. */
function normed(t5: Context, { x, update }: Residual, weight: string): { x: Value; input: Value } {
  if (t5.config.fairseq !== null) return { x, input: x };
  if (update === null) return { x, input: t5.norm(x, weight) };
  const { sum, normed: input } = t5.addNorm(x, update, weight);
  return { x: sum, input };
}

function total(t5: Context, { x, update }: Residual): Value {
  return update === null ? x : ops.add(t5.g, x, update);
}

/** The nodes added since `begin`, which depend on the residual stream before them. */
function segment(g: GraphBuilder, begin: number, { x, update }: Residual): Segment {
  return { begin, end: g.nodes.length, inputs: update === null ? [x] : [x, update] };
}
