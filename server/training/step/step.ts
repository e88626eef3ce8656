/** One training step's loss and gradients: batches of tokens in, gradients added up in memory that is kept from step to step. */
import { ModelError } from "../../../models/errors.ts";
import type { DType, Shape } from "../../../models/graph/types.ts";
import { seededRandom } from "../../../models/random.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import type { LossOptions } from "../../../models/t5/loss.ts";
import { learnedShapes, type Method, PROMPT } from "../../../models/t5/trainable.ts";
import { laidOutName, type TrainingGraph, trainingGraph } from "../../../models/t5/training.ts";
import { biasTables, LM_HEAD, tensorShapes } from "../../../models/t5/weights.ts";
import {
  createSession,
  type Floats,
  floats,
  floatsData,
  int32,
  int64,
  type RuntimeTensor,
  type Session,
} from "../../engine/runtime/session.ts";
import { layBiases, sumBiases } from "./biases.ts";
import { beside, kernels } from "./kernels.ts";

/** One example as token ids, both sides with their eos. */
export interface Example {
  readonly input: readonly number[];
  readonly target: readonly number[];
}

/** A model's weights in memory, by Hugging Face's names. */
export type Weights = ReadonlyMap<string, Floats>;

/** What a step computes with. */
export interface StepOptions extends LossOptions {
  /** Share of values dropped, 0 to below 1. */
  readonly dropoutRate: number;
  readonly threads: number;
  /** Compute layers again on the way back instead of keeping them: less memory, more time. Default false. */
  readonly checkpointing?: boolean;
}

/** What learns. */
export interface Learner {
  readonly method: Method;
  /** learnedShapes' tensors. full: those of the weights themselves; prompt: a part of the embedding's memory. */
  readonly tensors: Weights;
}

/** The mean loss of a batch's target tokens. */
export interface StepLoss {
  /** With label smoothing and z-loss. */
  readonly loss: number;
  /** Negative log-likelihood a token, natural logarithm. */
  readonly nll: number;
}

/** Computes losses and gradients of a model's weights. */
export interface Stepper {
  /** The last call's gradients, of the learner's names and sizes. */
  readonly gradients: Weights;
  /**
   * Computes the mean loss of all the examples' target tokens, and its gradients, one batch after the other.
   * @param batches together the examples of one step; each is one run of the graph
   * @param seed decides dropout: the same seed and batches drop the same
   */
  train(batches: readonly (readonly Example[])[], seed: number): Promise<StepLoss>;
  /** The mean loss without dropout. */
  evaluate(batches: readonly (readonly Example[])[]): Promise<StepLoss>;
  dispose(): Promise<void>;
}

/**
 * Returns a stepper on weights, which it reads anew in every call.
 * @param learner what gradients are of; every weight when absent
 * @throws ModelError "runtime" when the runtime refuses the graph
 */
export async function createStepper(
  config: T5Config,
  weights: Weights,
  options: StepOptions,
  learner: Learner = { method: { kind: "full", freezeEmbedding: false }, tensors: weights },
): Promise<Stepper> {
  const { method, tensors } = learner;
  const dtype: DType = weights.get("shared.weight") instanceof Float64Array ? "float64" : "float32";
  const open = async (training: boolean): Promise<TrainingGraph & { session: Session }> => {
    const made = trainingGraph(config, {
      ...options,
      method,
      dropout: training && options.dropoutRate > 0,
      gradients: training,
      dtype,
    });
    return { ...made, session: await createSession(made.graph, { folder: ".", threads: options.threads, spin: true }) };
  };
  const trainer = await open(true);
  const given = new Set(trainer.graph.outputs.map(({ name }) => name));
  let evaluator: Awaited<ReturnType<typeof open>> | undefined;
  const newFloats = (count: number): Floats =>
    dtype === "float64" ? new Float64Array(count) : new Float32Array(count);
  const like = (companion: number) =>
    new Map(
      [...tensors].map(([name, values]): [string, Floats] => [
        name,
        values instanceof Float32Array ? beside(values, companion) : newFloats(values.length),
      ]),
    );
  const shapes = new Map([...tensorShapes(config), ...learnedShapes(config, method)]);
  const gradients = like(0);
  let further: Map<string, Floats> | undefined;
  const head = config.tieWordEmbeddings ? "shared.weight" : LM_HEAD;
  const tables = (["encoder", "decoder"] as const).flatMap((stack) =>
    biasTables(config, stack).map((table) => ({ ...table, stack })),
  );

  /** The weights as the graph takes them; the memory is shared. */
  const weightFeeds = (): Record<string, RuntimeTensor> =>
    Object.fromEntries(
      [...new Map([...weights, ...(method.kind === "lora" ? tensors : [])])]
        .filter(([name]) => !isTable(name))
        .map(([name, values]) => [name, floats(values, dims(shapes, name))]),
    );

  function isTable(name: string): boolean {
    return tables.some((table) => table.name === name);
  }

  function batchFeeds(examples: readonly Example[], share: number) {
    const B = examples.length;
    const S = Math.max(1, ...examples.map(({ input }) => input.length));
    const T = Math.max(1, ...examples.map(({ target }) => target.length));
    const inputIds = new Int32Array(B * S).fill(config.padTokenId);
    const decoderIds = new Int32Array(B * T).fill(config.padTokenId);
    const labels = new Int32Array(B * T).fill(config.padTokenId);
    const labelWeights = newFloats(B * T);
    const mask = newFloats(B * S);
    for (const [row, { input, target }] of examples.entries()) {
      inputIds.set(input, row * S);
      mask.fill(-1e9, row * S + input.length, (row + 1) * S);
      decoderIds.set([config.decoderStartTokenId, ...target.slice(0, -1)], row * T);
      labels.set(target, row * T);
      labelWeights.fill(share, row * T, row * T + target.length);
    }
    const biases = tables.map(({ name, stack, numHeads }): [string, RuntimeTensor] => {
      const length = stack === "encoder" ? S : T;
      const values = newFloats(numHeads * length * length);
      layBiases(config, stack, weights.get(name) ?? newFloats(0), length, values);
      return [laidOutName(name), floats(values, [1, numHeads, length, length])];
    });
    const feeds: Record<string, RuntimeTensor> = {
      extents: int64([B, S, T]),
      input_ids: int32(inputIds, [B * S]),
      decoder_ids: int32(decoderIds, [B * T]),
      labels: int32(labels, [B * T]),
      label_weights: floats(labelWeights, [B * T]),
      mask: floats(mask, [B, 1, 1, S]),
      ...Object.fromEntries(biases),
    };
    return { feeds, extents: { B, S, T }, inputIds, decoderIds, labels };
  }

  function dropoutFeeds(extents: Readonly<Record<string, number>>, seed: number): Record<string, RuntimeTensor> {
    const feeds: Record<string, RuntimeTensor> = {};
    for (const [place, { name, shape, adapter }] of trainer.masks.entries()) {
      const rate = adapter && method.kind === "lora" ? method.dropoutRate : options.dropoutRate;
      const known = shape.map((dim) => (typeof dim === "number" ? dim : (extents[dim] ?? 0)));
      const random = seededRandom(mixSeeds(seed, place));
      const values = newFloats(known.reduce((product, dim) => product * dim, 1));
      for (let i = 0; i < values.length; i += 1) values[i] = random() < rate ? 0 : 1 / (1 - rate);
      feeds[name] = floats(values, known);
    }
    return feeds;
  }

  /** Runs one batch and writes its gradients over `made`. */
  async function backward(examples: readonly Example[], share: number, seed: number, made: Map<string, Floats>) {
    const { feeds, extents, inputIds, decoderIds, labels } = batchFeeds(examples, share);
    const into: Record<string, RuntimeTensor> = {};
    for (const [name, values] of made) {
      if (given.has(`d ${name}`)) into[`d ${name}`] = floats(values, dims(shapes, name));
      else values.fill(0); // looked up in alone: rows are added below
    }
    const outputs = await trainer.session.run({ ...weightFeeds(), ...feeds, ...dropoutFeeds(extents, seed) }, into);
    const scatter = (rows: string, ids: Int32Array, name: string, first = 0) => {
      const [table, values] = [made.get(name), outputs[rows]];
      if (table !== undefined && values !== undefined) addRows(floatsData(values), ids, table, config.dModel, first);
    };
    scatter("label_rows", labels, head);
    scatter("source_rows", inputIds, "shared.weight");
    scatter("target_rows", decoderIds, "shared.weight");
    if (method.kind === "prompt") scatter("source_rows", inputIds, PROMPT, method.firstId);
    for (const { name, stack } of tables) {
      const table = made.get(name);
      if (table === undefined) continue;
      const length = stack === "encoder" ? extents.S : extents.T;
      sumBiases(config, stack, floatsData(outputs[`d ${laidOutName(name)}`]), length, table);
    }
    const result = lossOf(outputs);
    for (const [name, tensor] of Object.entries(outputs)) if (into[name] === undefined) tensor.dispose();
    return result;
  }

  return {
    gradients,
    async train(batches, seed) {
      const share = 1 / targetTokens(batches);
      let total: StepLoss = { loss: 0, nll: 0 };
      for (const [i, examples] of batches.entries()) {
        if (i > 0) further ??= like(1);
        const made = i === 0 ? gradients : (further ?? gradients);
        total = sum(total, await backward(examples, share, mixSeeds(seed, i), made));
        if (i > 0) for (const [name, values] of gradients) addTo(values, made.get(name) ?? values);
      }
      return total;
    },
    async evaluate(batches) {
      evaluator ??= await open(false);
      const share = 1 / targetTokens(batches);
      let total: StepLoss = { loss: 0, nll: 0 };
      for (const examples of batches) {
        total = sum(
          total,
          lossOf(await evaluator.session.run({ ...weightFeeds(), ...batchFeeds(examples, share).feeds })),
        );
      }
      return total;
    },
    async dispose() {
      await trainer.session.dispose();
      await evaluator?.session.dispose();
    },
  };
}

/** A seed made of two numbers, so that near ones give unlike sequences. @see MurmurHash3's finalizer */
export function mixSeeds(a: number, b: number): number {
  let bits = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) + b;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

function targetTokens(batches: readonly (readonly Example[])[]): number {
  return batches.flat().reduce((sum, { target }) => sum + target.length, 0);
}

function lossOf(outputs: Record<string, RuntimeTensor>): StepLoss {
  return { loss: floatsData(outputs["loss"])[0] ?? Number.NaN, nll: floatsData(outputs["nll"])[0] ?? Number.NaN };
}

function sum(a: StepLoss, b: StepLoss): StepLoss {
  return { loss: a.loss + b.loss, nll: a.nll + b.nll };
}

/** Adds each row to the table's row of its id less `first`; ids outside the table are passed over. */
function addRows(
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

function addTo(values: Floats, others: Floats): void {
  if (values instanceof Float32Array && others instanceof Float32Array) kernels(values).add(values, others);
  else for (let i = 0; i < values.length; i += 1) values[i] = (values[i] ?? 0) + (others[i] ?? 0);
}

function dims(shapes: ReadonlyMap<string, Shape>, name: string): number[] {
  const shape = shapes.get(name);
  if (shape === undefined) throw new ModelError("checkpoint", `The model has no tensor named ${name}.`);
  return shape.map(Number);
}
