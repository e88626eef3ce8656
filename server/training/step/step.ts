/**
 * One training step's loss and gradients: batches of tokens in, gradients added up in memory that is kept from step to
 * step.
 */
import { ModelError } from "../../../models/errors.ts";
import type { Shape } from "../../../models/graph/types.ts";
import type { Batch } from "../../../models/t5/batch.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { sideBuckets, sumSide } from "../../../models/t5/long/layout.ts";
import type { LossOptions } from "../../../models/t5/loss.ts";
import {
  type DropoutMask,
  isBeside,
  learnedShapes,
  type Method,
  PROMPT,
} from "../../../models/t5/lowering/trainable.ts";
import { laidOutName, type TrainingGraph, trainingGraph } from "../../../models/t5/training.ts";
import { biasTables, LM_HEAD, sideTable, tensorShapes } from "../../../models/t5/weights.ts";
import {
  createSession,
  type Floats,
  floats,
  floatsData,
  type RuntimeTensor,
  type Session,
} from "../../engine/runtime/session.ts";
import { sumBiases } from "./biases.ts";
import { batchFeeds, biasFeeds, dropoutFeeds, type LaidTable, type NewFloats, outputRoom } from "./feeds.ts";
import type { ParameterMemory, View } from "./parameter-memory.ts";

/** A model's weights in memory, by Hugging Face's names. */
export type Weights = ReadonlyMap<string, Floats>;

/** How a step is computed. */
export interface StepOptions extends LossOptions {
  /** Share of values dropped, 0 to below 1. */
  readonly dropoutRate: number;
  readonly threads: number;
  /** Compute layers again on the way back instead of keeping them: less memory, more time. Default false. */
  readonly checkpointing?: boolean;
}

/** The part of a model that learns. */
export interface Learner {
  readonly method: Method;
  /** learnedShapes' tensors. full: those of the weights themselves; prompt: a part of the embedding's memory. */
  readonly memory: ParameterMemory;
}

/** The mean loss of a batch's target tokens. */
export interface StepLoss {
  /** With label smoothing and z-loss. */
  readonly loss: number;
  /** Negative log-likelihood a token, natural logarithm. */
  readonly nll: number;
}

/** Computes losses, and writes gradients to the learner's memory. */
export interface Stepper {
  /**
   * Computes the mean loss of all the examples' target tokens, and its gradients, one batch after the other.
   * @param batches together the examples of one step; each is one run of the graph
   * @param seed decides dropout: the same seed and batches drop the same
   */
  train(batches: readonly Batch[], seed: number): Promise<StepLoss>;
  /** The mean loss without dropout. */
  evaluate(batches: readonly Batch[]): Promise<StepLoss>;
  dispose(): Promise<void>;
}

/** A training graph that is ready to run. */
interface OpenGraph extends TrainingGraph {
  readonly session: Session;
}

/** The model as its training graphs take it. */
interface TrainedModel {
  readonly config: T5Config;
  readonly options: StepOptions;
  readonly learner: Learner;
  readonly shapes: ReadonlyMap<string, Shape>;
  /** The weights that are inputs of the graph; their memory is shared with the learner. */
  readonly weightFeeds: Readonly<Record<string, RuntimeTensor>>;
  readonly tables: readonly LaidTable[];
  readonly tableValues: (table: LaidTable) => Floats;
  readonly newFloats: NewFloats;
}

/**
 * Returns a stepper on weights, which it reads anew in every call.
 * @param learner its tensors are among the weights, or LoRA's beside them
 * @throws ModelError "runtime" when the runtime refuses the graph
 */
export async function createStepper(
  config: T5Config,
  weights: Weights,
  options: StepOptions,
  learner: Learner,
): Promise<Stepper> {
  const model = describeModel(config, weights, options, learner);
  const graph = await openGraph(model, true);
  let evaluator: OpenGraph | undefined;
  return {
    async train(batches, seed) {
      const share = 1 / targetTokens(batches);
      let total: StepLoss = { loss: 0, nll: 0 };
      for (const [index, batch] of batches.entries()) {
        total = sum(total, await backward(model, graph, { batch, index, share, seed }));
        if (index > 0) addScratch(learner.memory);
      }
      return total;
    },
    async evaluate(batches) {
      evaluator ??= await openGraph(model, false);
      const share = 1 / targetTokens(batches);
      let total: StepLoss = { loss: 0, nll: 0 };
      for (const batch of batches)
        total = sum(total, lossOf(await evaluator.session.run(feedsOf(model, batch, share))));
      return total;
    },
    async dispose() {
      await graph.session.dispose();
      await evaluator?.session.dispose();
    },
  };
}

function describeModel(config: T5Config, weights: Weights, options: StepOptions, learner: Learner): TrainedModel {
  const shapes = new Map([...tensorShapes(config), ...learnedShapes(config, learner.method)]);
  const tables: LaidTable[] = (["encoder", "decoder"] as const).flatMap((place) =>
    biasTables(config, place).map((table) => ({ ...table, place, laidOut: laidOutName(table.name) })),
  );
  const side = sideTable(config);
  if (shapes.has(side))
    tables.push({ name: side, numHeads: config.numHeads, place: "global", laidOut: laidOutName(side), learned: true });
  const isTable = new Set(tables.map(({ name }) => name));
  const inputs = new Map([...weights, ...(isBeside(learner.method) ? learner.memory.tensors : [])]);
  const fed = [...inputs].filter(([name]) => !isTable.has(name));
  const float64 = weights.get("shared.weight") instanceof Float64Array;
  return {
    config,
    options,
    learner,
    shapes,
    weightFeeds: Object.fromEntries(fed.map(([name, values]) => [name, floats(values, dims(shapes, name))])),
    tables,
    tableValues: ({ name }) => weights.get(name) ?? missing(name),
    newFloats: (count) => (float64 ? new Float64Array(count) : new Float32Array(count)),
  };
}

async function openGraph(model: TrainedModel, training: boolean): Promise<OpenGraph> {
  const { config, options, learner, newFloats } = model;
  const made = trainingGraph(config, {
    ...options,
    method: learner.method,
    dropout: training && options.dropoutRate > 0,
    gradients: training,
    dtype: newFloats(0) instanceof Float64Array ? "float64" : "float32",
  });
  const session = { folder: ".", threads: options.threads, spin: true, givenOutputs: givesOutputs(config, training) };
  return { ...made, session: await createSession(made.graph, session) };
}

/** Whether a run's outputs are written where it says, all of them; those of a LongT5 have extents of its layout. */
function givesOutputs({ longAttention }: T5Config, training: boolean): boolean {
  return training && longAttention === null;
}

function feedsOf(model: TrainedModel, batch: Batch, share: number): Record<string, RuntimeTensor> {
  const { config, weightFeeds, tables, tableValues, newFloats } = model;
  const biases = biasFeeds(config, batch, tables, tableValues, newFloats);
  return { ...weightFeeds, ...batchFeeds(batch, share, newFloats), ...biases };
}

/** One batch of a step. */
interface Pass {
  readonly batch: Batch;
  readonly index: number;
  /** The weight of each target token in the loss. */
  readonly share: number;
  readonly seed: number;
}

/** Runs one batch, and overwrites gradients: the step's own with the first batch, else those in `scratch`. */
async function backward(
  model: TrainedModel,
  { graph, masks, session }: OpenGraph,
  { batch, index, share, seed }: Pass,
): Promise<StepLoss> {
  const view = index === 0 ? "gradient" : "scratch";
  const { options, learner, shapes, newFloats } = model;
  const { method, memory } = learner;
  const rateOf = ({ adapter }: DropoutMask) =>
    adapter && method.kind === "lora" ? method.dropoutRate : options.dropoutRate;
  const { long } = batch;
  const blocks = long === null ? {} : { N: long.blocks, L: long.length, G: long.globals };
  const dropped = dropoutFeeds(masks, { ...batch.extents, ...blocks }, rateOf, [seed, index], newFloats);
  const outputNames = new Set(graph.outputs.map(({ name }) => name));
  const { config } = model;
  const into: Record<string, RuntimeTensor> = givesOutputs(config, true) ? outputRoom(graph, batch, newFloats) : {};
  for (const name of memory.tensors.keys()) {
    const gradient = memory.view(name, view);
    if (outputNames.has(`d ${name}`)) into[`d ${name}`] = floats(gradient, dims(shapes, name));
    else gradient.fill(0); // only looked up: rows are added below
  }
  const outputs = await session.run({ ...feedsOf(model, batch, share), ...dropped }, into);
  addLookups(model, batch, outputs, view);
  const loss = lossOf(outputs);
  for (const [name, tensor] of Object.entries(outputs)) if (into[name] === undefined) tensor.dispose();
  return loss;
}

/** Adds what the graph leaves to be summed: rows of the embedding and the head, and tables of position biases. */
function addLookups(
  { config, learner: { method, memory }, tables }: TrainedModel,
  batch: Batch,
  outputs: Readonly<Record<string, RuntimeTensor>>,
  view: View,
): void {
  const addTo = (name: string, rows: string, ids: Int32Array, first = 0) => {
    const values = outputs[rows];
    if (!memory.tensors.has(name) || values === undefined) return;
    addRows(floatsData(values), ids, memory.view(name, view), config.dModel, first);
  };
  addTo(config.tieWordEmbeddings ? "shared.weight" : LM_HEAD, "label_rows", batch.labels);
  addTo("shared.weight", "source_rows", batch.inputIds);
  addTo("shared.weight", "target_rows", batch.decoderIds);
  if (method.kind === "prompt") addTo(PROMPT, "source_rows", batch.inputIds, method.firstId);
  for (const table of tables) {
    if (!memory.tensors.has(table.name)) continue;
    const gradient = floatsData(outputs[`d ${table.laidOut}`]);
    addBiases(config, batch, table, gradient, memory.view(table.name, view));
  }
}

/** Adds the gradient of laid out biases to that of their table. */
function addBiases(
  config: T5Config,
  batch: Batch,
  { place, numHeads }: LaidTable,
  laidOut: ArrayLike<number>,
  table: Floats,
) {
  const { long, extents, buckets } = batch;
  if (place !== "global") {
    const rows = place === "decoder" ? extents.T : (long?.length ?? extents.S);
    sumBiases(laidOut, buckets[place], numHeads, rows, table);
  } else if (long !== null) sumSide(config, laidOut, sideBuckets(config, long), long, table);
}

/** Adds each row to the table's row of its id less `first`; ids outside the table are passed over. */
export function addRows(
  rows: Float32Array | Float64Array,
  ids: Int32Array,
  table: Floats,
  width: number,
  first: number,
): void {
  for (let i = 0; i < ids.length; i += 1) {
    const to = ((ids[i] ?? 0) - first) * width;
    if (to < 0 || to >= table.length) continue;
    for (let d = 0, from = i * width; d < width; d += 1, from += 1)
      table[to + d] = (table[to + d] ?? 0) + (rows[from] ?? 0);
  }
}

/** Adds the gradients of a further batch to those of the step. */
export function addScratch(memory: ParameterMemory): void {
  for (const name of memory.tensors.keys()) {
    const [gradient, scratch] = [memory.view(name, "gradient"), memory.view(name, "scratch")];
    if (gradient instanceof Float32Array && scratch instanceof Float32Array)
      memory.kernels(name).add(gradient, scratch);
    else for (let i = 0; i < gradient.length; i += 1) gradient[i] = (gradient[i] ?? 0) + (scratch[i] ?? 0);
  }
}

function targetTokens(batches: readonly Batch[]): number {
  return batches.flatMap(({ targetLengths }) => targetLengths).reduce((tokens, length) => tokens + length, 0);
}

function lossOf(outputs: Record<string, RuntimeTensor>): StepLoss {
  return { loss: floatsData(outputs["loss"])[0] ?? Number.NaN, nll: floatsData(outputs["nll"])[0] ?? Number.NaN };
}

function sum(a: StepLoss, b: StepLoss): StepLoss {
  return { loss: a.loss + b.loss, nll: a.nll + b.nll };
}

function dims(shapes: ReadonlyMap<string, Shape>, name: string): number[] {
  return (shapes.get(name) ?? missing(name)).map(Number);
}

function missing(name: string): never {
  throw new ModelError("checkpoint", `The model has no tensor named ${name}.`);
}
