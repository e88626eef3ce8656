/** The graph of a training step's loss and gradients, and of the loss alone for validation. */
import { backward } from "../graph/backward.ts";
import { createGraphBuilder, type GraphBuilder } from "../graph/builder.ts";
import { withFloat64Norms } from "../graph/float64.ts";
import * as ops from "../graph/ops.ts";
import type { DType, Graph, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import { crossAttention, feedForward, normed, type Residual, selfAttention } from "./layers.ts";
import { crossEntropy, type LossOptions } from "./loss.ts";
import type { Lowering } from "./lowering.ts";
import { type DropoutMask, type Rows, trainableLowering } from "./trainable.ts";
import { LM_HEAD, tensorShapes } from "./weights.ts";

/** What a training graph computes with. */
export interface TrainingOptions extends LossOptions {
  /** Whether it takes dropout masks. */
  readonly dropout: boolean;
  /** Whether it gives gradients beside the loss. */
  readonly gradients: boolean;
  /** Into how many chunks the loss cuts the target's positions, to bound its memory. Default 2. */
  readonly lossChunks?: number;
  /** float64 is for checking gradients. Default float32. */
  readonly dtype?: "float32" | "float64";
}

/** A training graph, and the dropout masks that are among its inputs. */
export interface TrainingGraph {
  readonly graph: Graph;
  readonly masks: readonly DropoutMask[];
}

/**
 * Returns the graph of a batch's loss. B rows, S source and T target positions, H heads; float values are of `dtype`.
 *
 * Inputs: every tensor of tensorShapes(config) by its name; `input_ids` int32 [B * S]; `decoder_ids` int32 [B * T], the labels shifted
 * right; `extents` int64 [3], B, S and T; `labels` int32 [B * T]; `label_weights` [B * T], 0 for padding; `mask` [B, 1, 1, S], 0 for tokens and a
 * large negative number for padding; `encoder_bias` [1, H, S, S] and `decoder_bias` [1, H, T, T], the latter causal; dropout's masks,
 * 0 or 1 / (1 - rate).
 *
 * Outputs: `loss` [] and `nll` [] (see crossEntropy). With gradients also `d <name>` for each tensor but those that are looked up in
 * alone (the biases' tables, an untied embedding); `d encoder_bias`, `d decoder_bias`, to be summed into the tables; and
 * rows [.., D] to be added to the embedding's gradient: `source_rows` at input_ids, `target_rows` at decoder_ids, and to the head's: `label_rows`
 * at labels.
 */
export function trainingGraph(config: T5Config, options: TrainingOptions): TrainingGraph {
  const g = createGraphBuilder();
  const dtype: DType = options.dtype ?? "float32";
  const weights = new Map<string, Value>();
  for (const [name, shape] of tensorShapes(config)) {
    if (!name.endsWith(BIAS_TABLE)) weights.set(name, g.input(name, dtype, shape));
  }
  const weight = (_: GraphBuilder, name: string): Value => {
    const value = weights.get(name);
    if (value === undefined) throw new RangeError(`the model has no tensor ${name}`);
    return value;
  };
  const extents = g.input("extents", "int64", [3]);
  const source = stackRows(g, extents, "source", "S", 1);
  const target = stackRows(g, extents, "target", "T", 2);
  const { lowering, masks, embedded } = trainableLowering(config, weight, [source, target], options.dropout);
  const { numHeads: H } = config;
  const mask = g.input("mask", dtype, ["B", 1, 1, "S"]);
  const encoderBias = g.input("encoder_bias", dtype, [1, H, "S", "S"]);
  const decoderBias = g.input("decoder_bias", dtype, [1, H, "T", "T"]);
  const sourceIds = g.input("input_ids", "int32", [source.rows]);
  const targetIds = g.input("decoder_ids", "int32", [target.rows]);
  const memory = encoder(g, config, lowering, lowering.embed(g, sourceIds), ops.add(g, encoderBias, mask));
  const states = decoder(g, config, lowering, lowering.embed(g, targetIds), memory, decoderBias, mask);
  const scale = g.constant(dtype, [], [config.dModel ** -0.5]);
  const hidden = config.scaleDecoderOutputs ? ops.mul(g, states, scale) : states;
  const head = config.tieWordEmbeddings ? "shared.weight" : LM_HEAD;
  const loss = crossEntropy(
    g,
    {
      hidden,
      table: weight(g, head),
      labels: g.input("labels", "int32", [target.rows]),
      weights: g.input("label_weights", dtype, [target.rows]),
    },
    options,
    options.lossChunks ?? LOSS_CHUNKS,
  );
  const outputs: Record<string, Value> = { loss: loss.loss, nll: loss.nll };
  if (options.gradients) {
    const wanted = new Map([["encoder_bias", encoderBias], ["decoder_bias", decoderBias], ...weights]);
    wanted.delete("shared.weight");
    wanted.delete(LM_HEAD);
    const made = loss.gradients();
    const values = [...wanted.values(), ...embedded];
    const gradients = backward(g, [{ value: hidden, gradient: made.hidden }], values);
    const names = [...[...wanted.keys()].map((name) => `d ${name}`), "source_rows", "target_rows"];
    for (const [i, name] of names.entries()) outputs[name] = gradients[i] ?? made.hidden;
    outputs[`d ${head}`] = made.table;
    outputs["label_rows"] = made.labelRows;
  }
  const graph = g.build("training", outputs);
  return { graph: dtype === "float64" ? withFloat64Norms(graph) : graph, masks };
}

const BIAS_TABLE = "relative_attention_bias.weight";

/** Measured: two cost no time, eight a tenth more. */
const LOSS_CHUNKS = 2;

function stackRows(g: GraphBuilder, extents: Value, stack: string, length: string, axis: number): Rows {
  const indices = g.constant("int64", [2], [0, axis]);
  return { rows: `${stack}_tokens`, batch: "B", length, extents: ops.gather(g, extents, indices, 0) };
}

function encoder(g: GraphBuilder, config: T5Config, lowering: Lowering, x: Value, bias: Value): Value {
  let residual: Residual = { x, update: null };
  for (let i = 0; i < config.numLayers; i += 1) {
    residual = selfAttention(g, lowering, config, `encoder.block.${i}.layer.0`, residual, bias).residual;
    residual = feedForward(g, lowering, config, `encoder.block.${i}.layer.1`, residual);
  }
  return normed(g, lowering, residual, "encoder.final_layer_norm.weight").input;
}

function decoder(
  g: GraphBuilder,
  config: T5Config,
  lowering: Lowering,
  x: Value,
  memory: Value,
  bias: Value,
  mask: Value,
): Value {
  let residual: Residual = { x, update: null };
  for (let i = 0; i < config.numDecoderLayers; i += 1) {
    const block = `decoder.block.${i}`;
    residual = selfAttention(g, lowering, config, `${block}.layer.0`, residual, bias).residual;
    const module = `${block}.layer.1.EncDecAttention`;
    const [key, value] = lowering.linears(g, memory, [`${module}.k`, `${module}.v`], `${module}.kv`);
    if (key === undefined || value === undefined) throw new RangeError("a lowering returned fewer than two values");
    residual = crossAttention(g, lowering, config, `${block}.layer.1`, residual, { key, value }, mask, null);
    residual = feedForward(g, lowering, config, `${block}.layer.2`, residual);
  }
  return normed(g, lowering, residual, "decoder.final_layer_norm.weight").input;
}
