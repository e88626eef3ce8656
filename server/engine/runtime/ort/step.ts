/** The decoder: its cache, and single steps whose logits come out. */

import { pastKeyWidth } from "../../../../models/t5/decoder.ts";
import { layerWidths } from "../../../../models/t5/weights.ts";
import type { Candidates } from "../../search/candidates.ts";
import type { DecoderState, Likeliest } from "../../search/runner.ts";
import { bool, float32, float32Data, int32, int64, integerData } from "../session.ts";
import { positionFeeds, stepBuckets, treeBuckets, treeDepths } from "./feeds.ts";
import { greedySteps } from "./greedy.ts";
import { asPast, type Cache, disposeAll, type Memory, type OrtModel, type Tensors } from "./model.ts";

/** A decoder whose cache is empty. */
export function startDecoder(model: OrtModel, memory: Memory, rows: number, candidates: Candidates): DecoderState {
  const { config } = model;
  const past: Tensors = {};
  for (let i = 0; i < config.numDecoderLayers; i += 1) {
    const { keyHeads } = layerWidths(config, i);
    const empty = (width: number) => float32(new Float32Array(0), [rows, keyHeads, 0, width]);
    past[`past_key_${i}`] = empty(pastKeyWidth(config));
    past[`past_value_${i}`] = empty(config.dKv);
  }
  return decoderState(model, memory, { rows, length: 0, past, candidates });
}

function decoderState(model: OrtModel, memory: Memory, cache: Cache): DecoderState {
  const { rows, length, past } = cache;
  return {
    rows,
    length,
    async step(tokens, reorder, all = false) {
      const { logits, next } = await step(model, memory, cache, tokens, reorder, all);
      return { logits, state: decoderState(model, memory, next) };
    },
    async likeliest(tokens, reorder, apart, count) {
      const { likeliest, next } = await likeliestOf(model, memory, cache, { tokens, reorder, apart, count });
      return { likeliest, state: decoderState(model, memory, next) };
    },
    tree: (tokens, parents) => tree(model, memory, cache, tokens, parents),
    async greedy(tokens, history, chunk) {
      const { next, ...produced } = await greedySteps(model, memory, cache, tokens, history, chunk);
      return { ...produced, state: decoderState(model, memory, next) };
    },
    narrowed: (inputs) => decoderState(model, narrowedMemory(memory, inputs), cache),
    dispose: () => disposeAll(past),
  };
}

/** A memory with only some of its inputs, copied. */
function narrowedMemory({ feeds, ...memory }: Memory, inputs: readonly number[]): Memory {
  const narrowed = Object.entries(feeds).map(([name, tensor]) => {
    const [values, [, ...shape]] = [float32Data(tensor), tensor.dims];
    const size = shape.reduce((product, length) => product * length, 1);
    const kept = new Float32Array(inputs.length * size);
    for (const [i, input] of inputs.entries()) kept.set(values.subarray(input * size, (input + 1) * size), i * size);
    return [name, float32(kept, [inputs.length, ...shape])] as const;
  });
  return { ...memory, feeds: Object.fromEntries(narrowed) };
}

/** Outputs by name, and the cache after them. */
interface Stepped {
  readonly outputs: Tensors;
  readonly next: Cache;
}

/** The choice among logits that is not asked for. */
function notChoosing(): Tensors {
  return { choose: bool(Uint8Array.of(0), []), apart: int32([0], [1, 1]), count: int64([1]) };
}

/** Feeds tokens, [rows x n]. @param wanted the outputs beside the cache */
async function stepped(
  model: OrtModel,
  { feeds, masked, adapter }: Memory,
  { past, length, rows, candidates }: Cache,
  { tokens, reorder }: { readonly tokens: readonly number[]; readonly reorder: readonly number[] | null },
  wanted: readonly string[],
  choice: Tensors,
): Promise<Stepped> {
  const { session, own } = await model.decoder("step", masked, candidates, adapter);
  const rowsOut = reorder === null ? rows : reorder.length;
  const count = tokens.length / rowsOut;
  const order = reorder ?? Array.from({ length: rows }, (_, i) => i);
  const caches = Object.keys(past).map((name) => name.replace("past", "present"));
  const given = await session.run(
    {
      ...{ ...feeds, ...own, ...past, ...choice },
      tokens: int32(tokens, [rowsOut, count]),
      position_buckets: int32(stepBuckets(model.config, model.distances, length, count), [count, length + count]),
      reorder: int32(order, [rowsOut]),
      ...positionFeeds(model.config, length, Array(count).keys()),
    },
    undefined,
    [...wanted, ...caches],
  );
  const outputs = Object.fromEntries(wanted.flatMap((name) => (given[name] ? [[name, given[name]]] : [])));
  const present = Object.fromEntries(caches.flatMap((name) => (given[name] ? [[name, given[name]]] : [])));
  return { outputs, next: { rows: rowsOut, length: length + count, past: asPast(present), candidates } };
}

async function step(
  model: OrtModel,
  memory: Memory,
  cache: Cache,
  tokens: readonly number[],
  reorder: readonly number[] | null,
  all: boolean,
): Promise<{ logits: Float32Array; next: Cache }> {
  const { outputs, next } = await stepped(model, memory, cache, { tokens, reorder }, ["logits"], notChoosing());
  const values = float32Data(outputs["logits"]); // [R, T, C]
  const count = tokens.length / next.rows;
  return {
    logits: all || count === 1 ? values : lastPositions(values, next.rows, count, cache.candidates.count),
    next,
  };
}

interface Wanted {
  readonly tokens: readonly number[];
  readonly reorder: readonly number[] | null;
  readonly apart: readonly (readonly number[])[];
  readonly count: number;
}

async function likeliestOf(
  model: OrtModel,
  memory: Memory,
  cache: Cache,
  { apart, count, ...fed }: Wanted,
): Promise<{ likeliest: Likeliest; next: Cache }> {
  const width = apart[0]?.length ?? 0;
  const choice: Tensors = {
    choose: bool(Uint8Array.of(1), []),
    apart: int32(apart.flat(), [apart.length, width]),
    count: int64([Math.min(count, cache.candidates.count)]),
  };
  const wanted = ["likeliest", "likeliest_columns", "apart_log_probs"];
  const { outputs, next } = await stepped(model, memory, cache, fed, wanted, choice);
  return {
    likeliest: {
      logProbs: float32Data(outputs["likeliest"]),
      columns: integerData(outputs["likeliest_columns"]),
      apart: float32Data(outputs["apart_log_probs"]),
    },
    next,
  };
}

async function tree(
  model: OrtModel,
  { feeds, masked, adapter }: Memory,
  { past, length, candidates }: Cache,
  tokens: readonly number[],
  parents: readonly number[],
): Promise<Float32Array> {
  const { session, own } = await model.decoder("step", masked, candidates, adapter);
  const count = tokens.length;
  const { logits } = await session.run(
    {
      ...{ ...feeds, ...own, ...past, ...notChoosing() },
      tokens: int32(tokens, [1, count]),
      position_buckets: int32(treeBuckets(model.config, model.distances, length, parents), [count, length + count]),
      reorder: int32([0], [1]),
      ...positionFeeds(model.config, length, treeDepths(parents)),
    },
    undefined,
    ["logits"],
  );
  return float32Data(logits); // [N, C]
}

function lastPositions(logits: Float32Array, rows: number, count: number, width: number): Float32Array {
  const last = new Float32Array(rows * width);
  for (let row = 0; row < rows; row += 1) {
    const end = (row + 1) * count * width;
    last.set(logits.subarray(end - width, end), row * width);
  }
  return last;
}
