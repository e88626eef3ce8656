/** The graph of a training step's loss and gradients, and of only the loss for validation. */
import { backward, type Seed, type Segment } from "../graph/backward.ts";
import { createGraphBuilder, type GraphBuilder } from "../graph/builder.ts";
import { withFloat64Norms } from "../graph/float64.ts";
import { at, dimAt } from "../graph/node.ts";
import * as ops from "../graph/ops.ts";
import { inReleaseOrder } from "../graph/release-order.ts";
import type { DType, Graph, Value } from "../graph/types.ts";
import { bottleneckGraph } from "./adapters/bottleneck.ts";
import type { T5Config } from "./config.ts";
import { routerLoss } from "./experts/router-loss.ts";
import { layersOn } from "./layers.ts";
import { GLOBAL_ROWS, longInputs } from "./long/attention.ts";
import { crossEntropy, type Loss, type LossOptions } from "./loss.ts";
import { biasOfTables } from "./lowering/biases.ts";
import type { Routing } from "./lowering/lowering.ts";
import {
  adapterNames,
  type DropoutMask,
  isBeside,
  type LoraGraph,
  learnedShapes,
  type Method,
  PROMPT,
  type Rows,
  trainableLowering,
} from "./lowering/trainable.ts";
import { detection, maskedRows } from "./metro/detector.ts";
import { DETECTOR, metroShapes } from "./metro/shapes.ts";
import { biasTables, LM_HEAD, type Stack, sideTable, tensorShapes } from "./weights.ts";

/** Options of a training graph. */
export interface TrainingOptions extends LossOptions {
  /** Whether dropout masks are inputs. */
  readonly dropout: boolean;
  /** Whether gradients are outputs, in addition to the loss. */
  readonly gradients: boolean;
  /** The parameters that have gradients. */
  readonly method: Method;
  /**
   * Keep only each layer's input and recompute the rest in the backward pass: less memory, a third more time. Default
   * false.
   */
  readonly checkpointing?: boolean;
  /** Number of chunks into which the loss cuts the target's positions, to bound its memory. Default 1. */
  readonly lossChunks?: number;
  /** float64 is for checking gradients. Default float32. */
  readonly dtype?: "float32" | "float64";
}

/** A training graph, and the dropout masks among its inputs. */
export interface TrainingGraph {
  readonly graph: Graph;
  readonly masks: readonly DropoutMask[];
}

/**
 * Returns the graph of a batch's loss. B rows, S source and T target positions, H heads; float values are of `dtype`.
 *
 * Inputs: every tensor of tensorShapes(config) and of LoRA by its name; `input_ids` int32 [B * S]; `decoder_ids` int32
 * [B * T], the labels shifted right; `extents` int64 [3], B, S and T; `labels` int32 [B * T]; `label_weights` [B * T],
 * 0 for padding; `mask` [B, 1, 1, S], 0 for tokens and a large negative number for padding; each table of biases, laid
 * out, under laidOutName: [1, H, S, S] in the encoder, [1, H, T, T] and causal in the decoder; the dropout masks, 0 or
 * 1 / (1 - rate). A LongT5 takes longInputs' in place of the encoder's tables. METRO's pre-training adds the inputs of
 * maskedRows and detection; `labels`, `label_weights` and `label_rows` are those of masked positions then.
 *
 * Outputs: `loss` [] and `nll` [] (see crossEntropy). Gradients add `d <name>` for each learned tensor that enters a
 * product, and for each table as laid out, to be summed into the table. Rows [.., D] are to be added to the embedding's
 * gradient, `source_rows` at input_ids and `target_rows` at decoder_ids, and to the head's, `label_rows` at labels. A
 * soft prompt has `source_rows`, and `d prompt.weight` where the head is tied.
 */
export function trainingGraph(config: T5Config, options: TrainingOptions): TrainingGraph {
  const g = createGraphBuilder();
  const pass = forward(g, config, options);
  const total = pass.routers.reduce((sum, { loss }) => ops.add(g, sum, loss), pass.loss.loss);
  const outputs = { loss: total, nll: pass.loss.nll };
  const gradients = options.gradients ? gradientsOf(g, config, options, pass) : {};
  const graph = inReleaseOrder(g.build("training", { ...outputs, ...gradients }));
  return { graph: options.dtype === "float64" ? withFloat64Norms(graph) : graph, masks: pass.masks };
}

/** The forward pass: the loss, and the values that the backward pass needs. */
interface ForwardPass {
  readonly loss: Loss;
  /** The decoder's states as the head takes them, [N, D]. */
  readonly hidden: Value;
  /** The gradient of `hidden` from that of the positions that count in the loss. */
  readonly spread: (gradient: Value) => Value;
  readonly weights: ReadonlyMap<string, Value>;
  /** Tables of position biases, laid out. */
  readonly biases: readonly Value[];
  /** The rows of the embedding that each stack looked up, [N, D]. */
  readonly embedded: readonly Value[];
  readonly layers: readonly Segment[];
  /** The routers' and the detector's losses, and the functions that add their gradients. */
  readonly routers: readonly { readonly loss: Value; readonly seeds: () => Seed[] }[];
  readonly masks: readonly DropoutMask[];
}

function forward(g: GraphBuilder, config: T5Config, options: TrainingOptions): ForwardPass {
  const { dtype = "float32", method } = options;
  const weights = weightInputs(g, config, method, dtype);
  const weight = (name: string) => tensorOf(weights, name);
  const extents = g.input("extents", "int64", [3]);
  const source = stackRows(g, extents, "source", "S", 1);
  const target = stackRows(g, extents, "target", "T", 2);
  const lora = loraGraph(method, weights, options.gradients);
  const bottlenecks = method.kind === "bottleneck" ? bottleneckGraph(method, weights) : undefined;
  const { dropout } = options;
  const long = longInputs(g, config, longNames(config), dtype);
  const stacks = [source, target, ...(long === null ? [] : [globalRows(g, long.blocks)])];
  const beside = { dropout, lora, bottlenecks };
  const { lowering, masks, embedded, routings } = trainableLowering(config, weight, stacks, beside);
  const t5 = layersOn(g, config, lowering);
  const mask = g.input("mask", dtype, ["B", 1, 1, "S"]);
  const inputIds = g.input("input_ids", "int32", [source.rows]);
  const decoderIds = g.input("decoder_ids", "int32", [target.rows]);
  const biases = long === null ? [] : [long.window, ...(long.side === null ? [] : [long.side.bias])];
  const biasOf = (stack: Stack, length: string) => {
    const tables = biasTables(config, stack).map(({ name, numHeads, learned }) => {
      const bias = g.input(laidOutName(name), dtype, [1, numHeads, length, length]);
      if (learned) biases.push(bias);
      return stack === "encoder" ? ops.add(g, bias, mask) : bias;
    });
    return biasOfTables(config, stack, tables);
  };
  const layers: Segment[] = [];
  const onLayer = (layer: Segment) => layers.push(layer);
  const memory = t5.encoderStack(t5.embed(inputIds, "encoder"), long ?? biasOf("encoder", "S"), onLayer);
  const crossOf = (layer: number) => t5.crossKeysAndValues(layer, memory);
  const { hidden: states } = t5.decoderStack(
    t5.embed(decoderIds, "decoder"),
    { biasOf: biasOf("decoder", "T"), crossOf, mask },
    (layer) => layers.push({ ...layer, inputs: [...layer.inputs, memory] }),
  );
  const scale = g.constant(dtype, [], [config.dModel ** -0.5]);
  const hidden = config.scaleDecoderOutputs ? ops.mul(g, states, scale) : states;
  const masked = isMetro(method) ? maskedRows(g, hidden) : undefined;
  const { rows = hidden, spread = (gradient: Value) => gradient } = masked ?? {};
  const positions = dimAt(rows.shape, 0);
  const labels = g.input("labels", "int32", [positions]);
  const labelWeights = g.input("label_weights", dtype, [positions]);
  const inputs = { hidden: rows, table: weight(headName(config)), labels, weights: labelWeights };
  const detected = masked && detection(g, memory, weight(DETECTOR.weight), weight(DETECTOR.bias), masked.places);
  // A validation's loss is that of each masked token alike.
  if (detected !== undefined && options.gradients) inputs.weights = ops.mul(g, labelWeights, detected.chances);
  const loss = crossEntropy(g, inputs, options, options.lossChunks ?? LOSS_CHUNKS);
  const routers = routerLosses(g, config, routings, [source, target], mask, labelWeights);
  if (detected !== undefined) routers.push(detected);
  return { loss, hidden, spread, weights, biases, embedded, layers, routers, masks };
}

/** The losses of the routers of both stacks, of which the step's batches have shares by their target tokens. */
function routerLosses(
  g: GraphBuilder,
  config: T5Config,
  routings: readonly Routing[],
  stacks: readonly Rows[],
  mask: Value,
  labelWeights: Value,
): ForwardPass["routers"][number][] {
  const { experts } = config;
  if (experts === null) return [];
  const { dtype } = labelWeights;
  const flat = (x: Value, rows: string) => ops.reshapeTo(g, x, g.constant("int64", [2], [-1, 1]), [rows, 1]);
  const isToken = [
    ops.equal(g, mask, g.constant(dtype, [], [0])),
    ops.less(g, g.constant(dtype, [], [0]), labelWeights),
  ];
  const share = ops.reduceSum(g, labelWeights, [0], false);
  return stacks.flatMap(({ rows, extents }, i) => {
    const own = routings.filter(({ logits }) => logits.shape[0] === rows);
    if (own.length === 0) return [];
    const tokens = ops.cast(g, flat(isToken[i] ?? mask, rows), dtype);
    const byRow = ops.concat(g, [extents, g.constant("int64", [1], [-1])], 0);
    return [routerLoss(g, { routings: own, tokens, extents: byRow }, experts, share)];
  });
}

/** The backward pass: the gradients as outputs, under the names that trainingGraph lists. */
function gradientsOf(
  g: GraphBuilder,
  config: T5Config,
  { method, checkpointing = false }: TrainingOptions,
  { loss, hidden, spread, weights, biases, embedded, layers, routers }: ForwardPass,
): Record<string, Value> {
  const head = headName(config);
  const learned = learnedShapes(config, method);
  const wanted = new Map<string, Value>();
  if (method.kind === "full") for (const bias of biases) wanted.set(`d ${bias.name}`, bias);
  const made = loss.gradients();
  for (const name of learned.keys()) {
    const value = weights.get(name);
    if (value !== undefined && name !== "shared.weight" && name !== LM_HEAD) wanted.set(`d ${name}`, value);
  }
  const looksUp = learned.has("shared.weight");
  if (looksUp || method.kind === "prompt") wanted.set("source_rows", at(embedded, 0));
  if (looksUp) wanted.set("target_rows", at(embedded, 1));
  const seed = { value: hidden, gradient: spread(made.hidden()) };
  const seeds = [seed, ...routers.flatMap((router) => router.seeds())];
  const gradients = backward(g, seeds, [...wanted.values()], checkpointing ? layers : []);
  const outputs = Object.fromEntries([...wanted.keys()].map((name, i) => [name, at(gradients, i)]));
  if (learned.has(head)) {
    outputs[`d ${head}`] = made.table();
    outputs["label_rows"] = made.labelRows();
  }
  if (method.kind === "prompt" && config.tieWordEmbeddings) {
    outputs[`d ${PROMPT}`] = made.tableRows(method.firstId, method.tokens);
  }
  return outputs;
}

/** Declares every tensor except the tables of position biases, and an adapter's arrays, as inputs. */
function weightInputs(g: GraphBuilder, config: T5Config, method: Method, dtype: DType): Map<string, Value> {
  const tensors = [...tensorShapes(config)].filter(([name]) => !name.endsWith(BIAS_TABLE));
  const adapters = isBeside(method) ? learnedShapes(config, method) : [];
  const detector = [...(isMetro(method) ? metroShapes(config) : [])].filter(([name]) => name.startsWith("detector."));
  return new Map([...tensors, ...adapters, ...detector].map(([name, shape]) => [name, g.input(name, dtype, shape)]));
}

function tensorOf(weights: ReadonlyMap<string, Value>, name: string): Value {
  const value = weights.get(name);
  if (value === undefined) throw new RangeError(`the model has no tensor ${name}`);
  return value;
}

function isMetro(method: Method): boolean {
  return method.kind === "full" && method.metro !== undefined;
}

/** The tensor that scores tokens. */
function headName(config: T5Config): string {
  return config.tieWordEmbeddings ? "shared.weight" : LM_HEAD;
}

/** LoRA's matrices by the layer that they adapt; without dropout where only the loss is computed. */
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

/** A training graph's name for a table of position biases, laid out for every query and key. */
export function laidOutName(table: string): string {
  return `laid out ${table}`;
}

/** A training graph's names for the tables of a LongT5's encoder, laid out (see longInputs). */
export function longNames(config: T5Config): { readonly window: string; readonly side: string } {
  const [table] = biasTables(config, "encoder");
  return { window: laidOutName(table?.name ?? ""), side: laidOutName(sideTable(config)) };
}

const BIAS_TABLE = "relative_attention_bias.weight";

/** Measured: with two, a step takes 4% longer, since the second one's gradient of the table is added to the first's. */
const LOSS_CHUNKS = 1;

/** The global tokens of a LongT5 as rows; adapters drop their channels. */
function globalRows(g: GraphBuilder, blocks: Value): Rows {
  const batch = ops.gather(g, blocks, g.constant("int64", [1], [0]), 0);
  const extents = ops.concat(g, [batch, g.constant("int64", [1], [-1])], 0);
  return { rows: GLOBAL_ROWS, batch: "B", length: "G", extents };
}

/** The rows of a stack's tokens, one a row. @param axis of its length in `extents` */
export function stackRows(g: GraphBuilder, extents: Value, stack: string, length: string, axis: number): Rows {
  const indices = g.constant("int64", [2], [0, axis]);
  return { rows: `${stack}_tokens`, batch: "B", length, extents: ops.gather(g, extents, indices, 0) };
}
