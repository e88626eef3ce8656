/** One loaded model on ONNX Runtime: builds the graphs its shape needs, each when it is first used, and keeps them. */
import { availableParallelism } from "node:os";
import { ModelError } from "../../../models/errors.ts";
import type { DType, Graph } from "../../../models/graph/types.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { stepGraph } from "../../../models/t5/decoder.ts";
import { type EncoderStage, encoderGraph, encoderStages } from "../../../models/t5/encoder.ts";
import { fusedLowering, weightOf } from "../../../models/t5/fused.ts";
import { greedyGraph } from "../../../models/t5/generation.ts";
import type { StoredTensor, TensorSource } from "../../../models/t5/lowering.ts";
import { plainLowering } from "../../../models/t5/plain.ts";
import { layerWidths } from "../../../models/t5/weights.ts";
import { type PreparedWeights, prepareWeights } from "../../catalog/folder/prepare.ts";
import { onceFor } from "../../files/once.ts";
import type { Device } from "../device.ts";
import type { Precision } from "../engine.ts";
import { type Candidates, type CommonTokens, wholeVocabulary } from "../search/candidates.ts";
import type { DecoderState, Encoded, Runner } from "../search/runner.ts";
import { type EncoderBiases, readEncoderBiases } from "./encoder-biases.ts";
import { checkFits } from "./fit.ts";
import { distanceBuckets, maxPositions, paddingMask, processingFeeds, stepBuckets } from "./ort-feeds.ts";
import { int8ProductsSaturate } from "./saturation.ts";
import {
  bool,
  createSession,
  float32,
  float32Data,
  int32,
  int64Scalar,
  integerData,
  type RuntimeTensor,
  type Session,
} from "./session.ts";

/** Weights in one stage of the encoder: about 20 ms of work for 512 tokens on two cores, so that a cancel is soon noticed. */
const STAGE_PARAMETERS = 6.5e6;

/** A runner and what is known of its model. */
export interface OrtRunner extends Runner {
  readonly config: T5Config;
  /** What a person should know of how the weights were read. */
  readonly notes: readonly string[];
  /** The encoder's hidden states after the final norm, float32 [B, S, D] row-major. */
  hiddenStates(encoded: Encoded): Float32Array;
}

/**
 * Returns a runner of the model in a folder.
 * @param stageParameters weights that the encoder runs in one go
 * @param device another one than the CPU takes float32 weights
 * @param check throws when the weights on the disk are no longer those of the folder: graphs that are made later would mix them
 * @throws ModelError "config", "checkpoint" or "runtime"
 */
export async function openRunner(
  directory: string,
  precision: Precision,
  threads = defaultThreads(),
  stageParameters = STAGE_PARAMETERS,
  device: Device = "cpu",
  check: () => void = () => undefined,
): Promise<OrtRunner> {
  const weights = await prepareWeights(directory, precision, { accept: (config) => checkFits(config, precision) });
  const biases = await readEncoderBiases(weights);
  const unsignedColumns = precision === "int8" && (await int8ProductsSaturate());
  const stages = encoderStages(weights.config, stageParameters);
  return createRunner(weights, biases, { threads, stages, device, unsignedColumns }, check);
}

/** Threads that serve a small model best: every core of a small machine, half the logical ones of a larger. */
export function defaultThreads(): number {
  const cores = availableParallelism();
  return cores <= 4 ? cores : Math.floor(cores / 2);
}

type Tensors = Record<string, RuntimeTensor>;

interface OrtEncoded extends Encoded {
  readonly hidden: RuntimeTensor;
  /** cross_key_i, cross_value_i and, where rows are padded, mask. */
  readonly feeds: Tensors;
  readonly masked: boolean;
}

interface OrtState extends DecoderState {
  /** past_key_i, past_value_i. */
  readonly past: Tensors;
  readonly candidates: Candidates;
}

/** How a runner's graphs are laid out and run. */
interface Layout {
  readonly threads: number;
  readonly stages: readonly EncoderStage[];
  readonly device: Device;
  readonly unsignedColumns: boolean;
}

function createRunner(
  weights: PreparedWeights,
  biasesOf: EncoderBiases,
  { threads, stages, device, unsignedColumns }: Layout,
  check: () => void,
): OrtRunner {
  const { config, folder } = weights;
  const tensors = tensorSource(weights);
  // Plain operators are what every device has kernels for.
  const lowering =
    device === "cpu" ? fusedLowering(config, tensors, unsignedColumns) : plainLowering(config, weightOf(tensors));
  const sessions = new Map<string, Promise<Session>>();
  const encodedStates = new WeakMap<Encoded, OrtEncoded>();
  const decoderStates = new WeakMap<DecoderState, OrtState>();
  const shortlists: CommonTokens[] = [];
  const whole = wholeVocabulary(config.vocabSize);
  const distances = distanceBuckets(config);

  /** The session of a graph, made when it is first asked for; one that could not be made, for want of memory perhaps, the next time. */
  function session(key: string, graph: () => Graph): Promise<Session> {
    return onceFor(sessions, key, async () => {
      // The encoder's large operators don't miss spinning threads, nor the memory that each of many stages would keep; the decoder's
      // small ones do.
      const spin = !key.startsWith("encoder");
      const keepMemory = spin || stages.length === 1;
      const made = await createSession(graph(), { folder, threads, spin, keepMemory, device });
      try {
        check();
        return made;
      } catch (error) {
        await made.dispose();
        throw error;
      }
    });
  }

  /** The session of a decoder graph over some candidates, and what it is fed because of them. */
  async function decoderSession(
    name: "step" | "greedy",
    masked: boolean,
    { shortlist }: Candidates,
  ): Promise<{ session: Session; own: Tensors }> {
    const graphOf = name === "step" ? stepGraph : greedyGraph;
    if (shortlist === null) {
      const made = session(`${name} ${masked}`, () => graphOf(config, lowering, masked, null));
      return { session: await made, own: {} };
    }
    const { common, own } = shortlist;
    if (!shortlists.includes(common)) shortlists.push(common);
    const key = `${name} ${masked} ${shortlists.indexOf(common)}`;
    const made = session(key, () => graphOf(config, lowering, masked, common.ids));
    return { session: await made, own: { own: int32(own, [own.length]) } };
  }

  function newState(past: Tensors, rows: number, length: number, candidates: Candidates): OrtState {
    const state = { rows, length, past, candidates, dispose: () => disposeAll(past) };
    decoderStates.set(state, state);
    return state;
  }

  return {
    config,
    vocabSize: config.vocabSize,
    notes: weights.notes,

    async encode(inputs, signal) {
      const batch = inputs.length;
      const length = Math.max(1, ...inputs.map((ids) => ids.length));
      const masked = inputs.some((ids) => ids.length !== length);
      const ids = new Int32Array(batch * length).fill(config.padTokenId);
      for (const [i, row] of inputs.entries()) ids.set(row, i * length);
      checkIds(ids, config);
      const mask: Tensors = masked ? { mask: paddingMask(inputs, length) } : {};
      let made: Tensors = { input_ids: int32(ids, [batch, length]) };
      for (const [i, stage] of stages.entries()) {
        signal?.throwIfAborted();
        const encoder = await session(`encoder ${i} ${masked}`, () => encoderGraph(config, lowering, masked, stage));
        const previous = made;
        made = await encoder.run({ ...previous, ...biasesOf(stage, length), ...(stage.from < stage.to && mask) });
        if (made["next"] !== undefined) made = { previous: made["next"] };
        disposeAll(previous);
      }
      const { hidden, ...cross } = made;
      if (hidden === undefined) throw new ModelError("runtime", "The encoder graph gave no hidden states.");
      const feeds = { ...cross, ...mask };
      const encoded: OrtEncoded = {
        batch,
        hidden,
        feeds,
        masked,
        dispose() {
          disposeAll(feeds);
          hidden.dispose();
        },
      };
      encodedStates.set(encoded, encoded);
      return encoded;
    },

    hiddenStates: (encoded) => float32Data(ours(encodedStates, encoded).hidden),

    start(encoded, beams, candidates = whole) {
      const rows = encoded.batch * beams;
      const past: Tensors = {};
      for (let i = 0; i < config.numDecoderLayers; i += 1) {
        const { keyHeads } = layerWidths(config, i);
        const empty = () => float32(new Float32Array(0), [rows, keyHeads, 0, config.dKv]);
        past[`past_key_${i}`] = empty();
        past[`past_value_${i}`] = empty();
      }
      return newState(past, rows, 0, candidates);
    },

    async step(encoded, state, tokens, reorder, all = false) {
      const { feeds, masked } = ours(encodedStates, encoded);
      const { past, length, rows, candidates } = ours(decoderStates, state);
      const step = await decoderSession("step", masked, candidates);
      const rowsOut = reorder === null ? rows : reorder.length;
      const count = tokens.length / rowsOut;
      const order = reorder ?? Array.from({ length: rows }, (_, i) => i);
      const { logits, ...present } = await step.session.run({
        ...feeds,
        ...step.own,
        ...past,
        tokens: int32(tokens, [rowsOut, count]),
        position_buckets: int32(stepBuckets(config, distances, length, count), [count, length + count]),
        reorder: int32(order, [rowsOut]),
      });
      const values = float32Data(logits); // [R, T, C]
      return {
        logits: all || count === 1 ? values : lastPositions(values, rowsOut, count, candidates.count),
        state: newState(renamed(present), rowsOut, length + count, candidates),
      };
    },

    async greedy(encoded, state, tokens, history, chunk) {
      const { feeds, masked } = ours(encodedStates, encoded);
      const { past, length, rows, candidates } = ours(decoderStates, state);
      if (length + chunk.steps > maxPositions) {
        throw new ModelError(
          "input",
          `An output cannot be longer than ${maxPositions} tokens; ask for fewer new tokens.`,
        );
      }
      const greedy = await decoderSession("greedy", masked, candidates);
      const column = (id: number) => candidates.columnOf(id) ?? missingCandidate(id);
      const stops = new Uint8Array(candidates.count);
      for (const id of chunk.stopTokens) stops[column(id)] = 1;
      const {
        columns,
        log_probabilities: logProbabilities,
        ...present
      } = await greedy.session.run({
        ...feeds,
        ...greedy.own,
        ...past,
        ...processingFeeds(config, candidates, history, chunk),
        steps: int64Scalar(chunk.steps),
        tokens: int32(tokens.map(column), [rows, 1]),
        // The positions' far end is cut off so that what is laid out in each run stays small.
        position_buckets: int32(distances.subarray(maxPositions - length - chunk.steps), [length + chunk.steps]),
        ended: bool(new Uint8Array(rows), [rows, 1]),
        stops: bool(stops, [candidates.count]),
      });
      const flatIds = integerData(columns).map(candidates.idOf); // [steps, R, 1]
      const flatLogs = float32Data(logProbabilities);
      const made = flatIds.length / rows;
      const byRow = <T>(at: (place: number) => T) =>
        Array.from({ length: rows }, (_, row) => Array.from({ length: made }, (_, i) => at(i * rows + row)));
      return {
        ids: byRow((place) => flatIds[place] ?? config.padTokenId),
        logProbs: byRow((place) => flatLogs[place] ?? 0),
        state: newState(renamed(present), rows, length + made, candidates),
      };
    },

    async dispose() {
      const all = await Promise.allSettled(sessions.values());
      sessions.clear();
      for (const made of all) if (made.status === "fulfilled") await made.value.dispose();
    },
  };
}

const elementTypes: Readonly<Record<string, DType>> = { F32: "float32", U8: "uint8", I8: "int8" };

/** The prepared weights as the graphs refer to them. */
export function tensorSource(weights: PreparedWeights): TensorSource {
  const source = new Map<string, StoredTensor>();
  for (const [name, { file, dtype, shape, offset, length }] of weights.tensors) {
    const type = elementTypes[dtype];
    if (type === undefined)
      throw new ModelError("checkpoint", `${name} in ${file} is ${dtype}, which the engine cannot run.`);
    source.set(name, { dtype: type, shape, data: { path: file, offset, length } });
  }
  return source;
}

function lastPositions(logits: Float32Array, rows: number, count: number, width: number): Float32Array {
  const last = new Float32Array(rows * width);
  for (let row = 0; row < rows; row += 1) {
    const end = (row + 1) * count * width;
    last.set(logits.subarray(end - width, end), row * width);
  }
  return last;
}

function missingCandidate(id: number): never {
  throw new ModelError(
    "runtime",
    `Token ${id} continues or ends a text but is not on its shortlist. Please report it.`,
  );
}

function checkIds(ids: Int32Array, { vocabSize }: T5Config): void {
  const bad = ids.find((id) => id < 0 || id >= vocabSize);
  if (bad !== undefined) {
    throw new ModelError("input", `Token ${bad} is outside the model's vocabulary of ${vocabSize}.`);
  }
}

/** present_* of one step is past_* of the next. */
function renamed(present: Tensors): Tensors {
  return Object.fromEntries(Object.entries(present).map(([name, tensor]) => [name.replace("present", "past"), tensor]));
}

function ours<K extends object, V>(known: WeakMap<K, V>, key: K): V {
  const value = known.get(key);
  if (value === undefined) throw new ModelError("runtime", "A state of another model was given to this one.");
  return value;
}

function disposeAll(tensors: Tensors): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}
