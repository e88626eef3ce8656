/** The graph of a training step's loss and gradients, and of the loss alone for validation. */
import { backward, type Segment } from "../graph/backward.ts";
import { createGraphBuilder, type GraphBuilder } from "../graph/builder.ts";
import { withFloat64Norms } from "../graph/float64.ts";
import * as ops from "../graph/ops.ts";
import type { DType, Graph, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import { crossAttention, crossKeysAndValues, feedForward, normed, type Residual, selfAttention } from "./layers.ts";
import { crossEntropy, type LossOptions } from "./loss.ts";
import type { Lowering } from "./lowering.ts";
import {
  adapterNames,
  type DropoutMask,
  type LoraGraph,
  learnedShapes,
  type Method,
  PROMPT,
  type Rows,
  trainableLowering,
} from "./trainable.ts";
import { biasTables, LM_HEAD, type Stack, tensorShapes } from "./weights.ts";

/** What a training graph computes with. */
export interface TrainingOptions extends LossOptions {
  /** Whether it takes dropout masks. */
  readonly dropout: boolean;
  /** Whether it gives gradients beside the loss. */
  readonly gradients: boolean;
  /** What gradients are given of. */
  readonly method: Method;
  /** Keep each layer's input alone and compute the rest again on the way back: less memory, a third more time. Default false. */
  readonly checkpointing?: boolean;
  /** Into how many chunks the loss cuts the target's positions, to bound its memory. Default 1. */
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
 * Returns the graph of a batch's loss, whatever the architecture. B rows, S source and T target positions, H heads; float values are of `dtype`.
 *
 * Inputs: every tensor of tensorShapes(config) by its name, LoRA's by theirs; `input_ids` int32 [B * S]; `decoder_ids` int32 [B * T], the labels shifted
 * right; `extents` int64 [3], B, S and T; `labels` int32 [B * T]; `label_weights` [B * T], 0 for padding; `mask` [B, 1, 1, S], 0 for tokens and a
 * large negative number for padding; each table of biases laid out, under laidOutName: [1, H, S, S], or the decoder's [1, H, T, T],
 * causal; dropout's masks, 0 or 1 / (1 - rate).
 *
 * Outputs: `loss` [] and `nll` [] (see crossEntropy). With gradients also, of what learns, `d <name>` for each tensor but those that are
 * looked up in alone (the biases' tables, an untied embedding); the same of the tables as laid out, to be summed into them; and
 * rows [.., D] to be added to the embedding's gradient: `source_rows` at input_ids, `target_rows` at decoder_ids, and to the head's:
 * `label_rows` at labels. A soft prompt has `source_rows`, and `d prompt.weight` where the head is tied.
 */
export function trainingGraph(config: T5Config, options: TrainingOptions): TrainingGraph {
  const g = createGraphBuilder();
  const dtype: DType = options.dtype ?? "float32";
  const weights = new Map<string, Value>();
  for (const [name, shape] of tensorShapes(config)) {
    if (!name.endsWith(BIAS_TABLE)) weights.set(name, g.input(name, dtype, shape));
  }
  const { method } = options;
  const learned = learnedShapes(config, method);
  if (method.kind === "lora") {
    for (const [name, shape] of learned) weights.set(name, g.input(name, dtype, shape));
  }
  const weight = (name: string): Value => {
    const value = weights.get(name);
    if (value === undefined) throw new RangeError(`the model has no tensor ${name}`);
    return value;
  };
  const extents = g.input("extents", "int64", [3]);
  const source = stackRows(g, extents, "source", "S", 1);
  const target = stackRows(g, extents, "target", "T", 2);
  const { lowering, masks, embedded } = trainableLowering(
    config,
    weight,
    [source, target],
    options.dropout,
    loraGraph(method, weights, options.gradients),
  );
  const mask = g.input("mask", dtype, ["B", 1, 1, "S"]);
  /** Each layer's biases. */
  const biases = (stack: Stack, length: string): Value[] =>
    biasTables(config, stack).flatMap(({ name, numHeads, from, to }) => {
      const bias = g.input(laidOutName(name), dtype, [1, numHeads, length, length]);
      if (method.kind === "full") wanted.set(`d ${bias.name}`, bias);
      return Array<Value>(to - from).fill(stack === "encoder" ? ops.add(g, bias, mask) : bias);
    });
  const wanted = new Map<string, Value>();
  const sourceIds = g.input("input_ids", "int32", [source.rows]);
  const targetIds = g.input("decoder_ids", "int32", [target.rows]);
  const layers: Segment[] = [];
  const layer: LayerMarker = (inputs, make) => {
    const begin = g.nodes.length;
    const made = make();
    layers.push({ begin, end: g.nodes.length, inputs: inputs.filter((value) => value !== null) });
    return made;
  };
  const memory = encoder(g, config, lowering, lowering.embed(g, sourceIds), biases("encoder", "S"), layer);
  const states = decoder(
    g,
    config,
    lowering,
    lowering.embed(g, targetIds),
    memory,
    biases("decoder", "T"),
    mask,
    layer,
  );
  const scale = g.constant(dtype, [], [config.dModel ** -0.5]);
  const hidden = config.scaleDecoderOutputs ? ops.mul(g, states, scale) : states;
  const head = config.tieWordEmbeddings ? "shared.weight" : LM_HEAD;
  const loss = crossEntropy(
    g,
    {
      hidden,
      table: weight(head),
      labels: g.input("labels", "int32", [target.rows]),
      weights: g.input("label_weights", dtype, [target.rows]),
    },
    options,
    options.lossChunks ?? LOSS_CHUNKS,
  );
  const outputs: Record<string, Value> = { loss: loss.loss, nll: loss.nll };
  if (options.gradients) {
    const made = loss.gradients();
    for (const name of learned.keys()) {
      const value = weights.get(name);
      if (value !== undefined && name !== "shared.weight" && name !== LM_HEAD) wanted.set(`d ${name}`, value);
    }
    const [sourceRows, targetRows] = embedded;
    if (sourceRows === undefined || targetRows === undefined) throw new RangeError("both stacks look tokens up");
    const looksUp = learned.has("shared.weight");
    if (looksUp || method.kind === "prompt") wanted.set("source_rows", sourceRows);
    if (looksUp) wanted.set("target_rows", targetRows);
    const seed = { value: hidden, gradient: made.hidden() };
    const gradients = backward(g, [seed], [...wanted.values()], options.checkpointing === true ? layers : []);
    for (const [i, name] of [...wanted.keys()].entries()) outputs[name] = gradients[i] ?? seed.gradient;
    if (learned.has(head)) {
      outputs[`d ${head}`] = made.table();
      outputs["label_rows"] = made.labelRows();
    }
    if (method.kind === "prompt" && config.tieWordEmbeddings) {
      outputs[`d ${PROMPT}`] = made.tableRows(method.firstId, method.tokens);
    }
  }
  const graph = g.build("training", outputs);
  return { graph: dtype === "float64" ? withFloat64Norms(graph) : graph, masks };
}

/** LoRA's matrices by the layer they stand beside; without dropout where only the loss is wanted. */
function loraGraph(method: Method, weights: ReadonlyMap<string, Value>, training: boolean): LoraGraph | undefined {
  if (method.kind !== "lora") return undefined;
  return {
    matrices(name) {
      const names = adapterNames(name);
      const [a, b] = [weights.get(names.a), weights.get(names.b)];
      return a === undefined || b === undefined ? undefined : { a, b };
    },
    scale: method.alpha / method.rank,
    dropout: training && method.dropoutRate > 0,
  };
}

/** What a training graph calls a table of position biases that is laid out for every query and key. */
export function laidOutName(table: string): string {
  return `laid out ${table}`;
}

const BIAS_TABLE = "relative_attention_bias.weight";

/** Measured: two take 4% of a step more, since the second's gradient of the table is added to the first's. */
const LOSS_CHUNKS = 1;

function stackRows(g: GraphBuilder, extents: Value, stack: string, length: string, axis: number): Rows {
  const indices = g.constant("int64", [2], [0, axis]);
  return { rows: `${stack}_tokens`, batch: "B", length, extents: ops.gather(g, extents, indices, 0) };
}

/** Told of each layer as it is added. */
type LayerMarker = (inputs: readonly (Value | null)[], make: () => Residual) => Residual;

function encoder(
  g: GraphBuilder,
  config: T5Config,
  lowering: Lowering,
  x: Value,
  biases: readonly Value[],
  layer: LayerMarker,
): Value {
  let residual: Residual = { x, update: null };
  for (let i = 0; i < config.numLayers; i += 1) {
    const before = residual;
    residual = layer([before.x, before.update], () => {
      const attended = selfAttention(
        g,
        lowering,
        config,
        `encoder.block.${i}.layer.0`,
        before,
        biasOf(biases, i),
      ).residual;
      return feedForward(g, lowering, config, `encoder.block.${i}.layer.1`, attended);
    });
  }
  return normed(g, lowering, residual, "encoder.final_layer_norm.weight").input;
}

function biasOf(biases: readonly Value[], layer: number): Value {
  const bias = biases[layer];
  if (bias === undefined) throw new RangeError(`layer ${layer} has no biases`);
  return bias;
}

function decoder(
  g: GraphBuilder,
  config: T5Config,
  lowering: Lowering,
  x: Value,
  memory: Value,
  biases: readonly Value[],
  mask: Value,
  layer: LayerMarker,
): Value {
  let residual: Residual = { x, update: null };
  for (let i = 0; i < config.numDecoderLayers; i += 1) {
    const block = `decoder.block.${i}`;
    const before = residual;
    residual = layer([before.x, before.update, memory], () => {
      const attended = selfAttention(g, lowering, config, `${block}.layer.0`, before, biasOf(biases, i)).residual;
      const seen = crossKeysAndValues(g, lowering, config, i, memory);
      const crossed = crossAttention(g, lowering, config, `${block}.layer.1`, attended, seen, mask, null);
      return feedForward(g, lowering, config, `${block}.layer.2`, crossed);
    });
  }
  return normed(g, lowering, residual, "decoder.final_layer_norm.weight").input;
}
