/**
 * A plain T5 in loops over float64 numbers: slow, independent of ONNX and of the graph code, so that it can check both.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseConfig, type T5Config } from "../../../models/t5/config.ts";
import { relativePositionBucket } from "../../../models/t5/position.ts";
import type { DecoderState, Runner } from "../../../server/engine/search/runner.ts";
import { plainlyBanned } from "../plain-bans.ts";

/** A runner that also shows the encoder's states. */
export interface ReferenceRunner extends Runner {
  readonly config: T5Config;
  /** Encoder states of each input, unpadded: float32 [length, D] each. */
  encoderStates(inputs: readonly (readonly number[])[]): Promise<Float32Array[]>;
}

/** Cached keys and values of one layer, one vector of H*K values a position. */
interface LayerCache {
  readonly keys: readonly Float64Array[];
  readonly values: readonly Float64Array[];
}

/** cache[row][layer] */
type Caches = readonly (readonly LayerCache[])[];

type Weights = (name: string) => Float32Array;

/** Opens a folder with config.json and model.safetensors (float32). */
export function openReferenceRunner(directory: string): ReferenceRunner {
  const config = parseConfig(JSON.parse(readFileSync(join(directory, "config.json"), "utf8")));
  const weights = readWeights(readFileSync(join(directory, "model.safetensors")));
  const { vocabSize: V } = config;

  /** Encoder states by input: one test asks for the same ones several times. */
  const known = new Map<string, Float64Array[]>();

  function encodeRow(input: readonly number[]): Float64Array[] {
    const key = input.join(" ");
    const states = known.get(key) ?? encodeAnew(input);
    known.set(key, states);
    return states;
  }

  function encodeAnew(input: readonly number[]): Float64Array[] {
    let hidden = input.map((id) => embedding(id));
    const bias = biasTable("encoder", input.length);
    for (let layer = 0; layer < config.numLayers; layer += 1) {
      const block = `encoder.block.${layer}.layer`;
      const normed = hidden.map((x) => norm(x, weights(`${block}.0.layer_norm.weight`)));
      const cache = keysAndValues(`${block}.0.SelfAttention`, normed);
      hidden = hidden.map((x, i) => {
        const query = linear(normed[i] ?? x, weights(`${block}.0.SelfAttention.q.weight`));
        const attended = attend(query, cache, (head, j) => bias(head, j - i));
        return add(x, linear(attended, weights(`${block}.0.SelfAttention.o.weight`)));
      });
      hidden = hidden.map((x) => add(x, feedForward(`${block}.1`, x)));
    }
    return hidden.map((x) => norm(x, weights("encoder.final_layer_norm.weight")));
  }

  /** Feeds one token at one position; returns the layers' caches with it and the logits. */
  function decodeToken(
    token: number,
    cache: readonly LayerCache[],
    cross: readonly LayerCache[],
  ): { cache: LayerCache[]; logits: Float64Array } {
    let x = embedding(token);
    const position = cache[0]?.keys.length ?? 0;
    const bias = biasTable("decoder", position + 1);
    const next = cache.map((past, layer): LayerCache => {
      const block = `decoder.block.${layer}.layer`;
      const normed = norm(x, weights(`${block}.0.layer_norm.weight`));
      const now = keysAndValues(`${block}.0.SelfAttention`, [normed]);
      const all = { keys: [...past.keys, ...now.keys], values: [...past.values, ...now.values] };
      const query = linear(normed, weights(`${block}.0.SelfAttention.q.weight`));
      const attended = attend(query, all, (head, j) => bias(head, j - position));
      x = add(x, linear(attended, weights(`${block}.0.SelfAttention.o.weight`)));
      const crossNormed = norm(x, weights(`${block}.1.layer_norm.weight`));
      const crossQuery = linear(crossNormed, weights(`${block}.1.EncDecAttention.q.weight`));
      const seen = attend(crossQuery, cross[layer] ?? past, () => 0);
      x = add(x, linear(seen, weights(`${block}.1.EncDecAttention.o.weight`)));
      x = add(x, feedForward(`${block}.2`, x));
      return all;
    });
    x = norm(x, weights("decoder.final_layer_norm.weight"));
    if (config.scaleDecoderOutputs) x = x.map((value) => value * config.dModel ** -0.5);
    return { cache: next, logits: linear(x, weights(config.tieWordEmbeddings ? "shared.weight" : "lm_head.weight")) };
  }

  function embedding(id: number): Float64Array {
    return Float64Array.from(weights("shared.weight").subarray(id * config.dModel, (id + 1) * config.dModel));
  }

  function keysAndValues(name: string, states: readonly Float64Array[]): LayerCache {
    return {
      keys: states.map((x) => linear(x, weights(`${name}.k.weight`))),
      values: states.map((x) => linear(x, weights(`${name}.v.weight`))),
    };
  }

  /** The bias of a head for key position minus query position, for up to `length` positions. */
  function biasTable(stack: "encoder" | "decoder", length: number): (head: number, relative: number) => number {
    const table = weights(`${stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`);
    const { relativeAttentionNumBuckets: buckets, relativeAttentionMaxDistance: maxDistance, numHeads } = config;
    const rows = Array.from({ length: 2 * length - 1 }, (_, i) =>
      relativePositionBucket(i - length + 1, stack === "encoder", buckets, maxDistance),
    );
    return (head, relative) => table[(rows[relative + length - 1] ?? 0) * numHeads + head] ?? 0;
  }

  function attend(query: Float64Array, cache: LayerCache, bias: (head: number, j: number) => number): Float64Array {
    const K = config.dKv;
    const result = new Float64Array(query.length);
    for (let head = 0; head < config.numHeads; head += 1) {
      const from = head * K;
      const weightsOfKeys = new Float64Array(cache.keys.length);
      for (let j = 0; j < weightsOfKeys.length; j += 1) {
        const key = cache.keys[j] ?? query;
        let sum = bias(head, j);
        for (let d = from; d < from + K; d += 1) sum += (query[d] ?? 0) * (key[d] ?? 0);
        weightsOfKeys[j] = sum;
      }
      const max = weightsOfKeys.reduce((a, b) => Math.max(a, b), -Infinity);
      let total = 0;
      for (let j = 0; j < weightsOfKeys.length; j += 1) {
        const weight = Math.exp((weightsOfKeys[j] ?? 0) - max);
        const value = cache.values[j] ?? query;
        total += weight;
        for (let d = from; d < from + K; d += 1) result[d] = (result[d] ?? 0) + weight * (value[d] ?? 0);
      }
      for (let d = from; d < from + K; d += 1) result[d] = (result[d] ?? 0) / total;
    }
    return result;
  }

  function feedForward(name: string, x: Float64Array): Float64Array {
    const normed = norm(x, weights(`${name}.layer_norm.weight`));
    const inner = `${name}.DenseReluDense`;
    if (config.feedForward === "relu") {
      const wide = linear(normed, weights(`${inner}.wi.weight`)).map((value) => Math.max(0, value));
      return linear(wide, weights(`${inner}.wo.weight`));
    }
    const activate = config.feedForward === "gated-gelu" ? gelu : silu;
    const linearPart = linear(normed, weights(`${inner}.wi_1.weight`));
    const wide = linear(normed, weights(`${inner}.wi_0.weight`)).map(
      (value, i) => activate(value) * (linearPart[i] ?? 0),
    );
    return linear(wide, weights(`${inner}.wo.weight`));
  }

  function norm(x: Float64Array, weight: Float32Array): Float64Array {
    const meanSquare = x.reduce((sum, value) => sum + value * value, 0) / x.length;
    const scale = 1 / Math.sqrt(meanSquare + config.layerNormEpsilon);
    return x.map((value, i) => value * scale * (weight[i] ?? 0));
  }

  /** @param cross cross[input][layer] */
  function stateOf(cache: Caches, cross: Caches): DecoderState {
    const state: DecoderState = {
      rows: cache.length,
      length: cache[0]?.[0]?.keys.length ?? 0,
      async step(tokens, reorder, all = false) {
        const continued = reorder === null ? cache : reorder.map((row) => cache[row] ?? []);
        const n = tokens.length / continued.length;
        const logits: Float64Array[] = [];
        const rows = continued.map((own, row) => {
          let layers = own;
          for (let i = 0; i < n; i += 1) {
            const input = cross[Math.floor(row / (continued.length / cross.length))] ?? [];
            const result = decodeToken(tokens[row * n + i] ?? 0, layers, input);
            layers = result.cache;
            if (all || i === n - 1) logits.push(result.logits);
          }
          return layers;
        });
        const joined = new Float32Array(logits.length * V);
        for (const [i, row] of logits.entries()) joined.set(row, i * V);
        return { logits: joined, state: stateOf(rows, cross) };
      },
      async tree(tokens, parents) {
        const joined = new Float32Array(tokens.length * V);
        const paths: Caches[number][] = [];
        for (const [i, token] of tokens.entries()) {
          const result = decodeToken(token, paths[parents[i] ?? -1] ?? cache[0] ?? [], cross[0] ?? []);
          paths.push(result.cache);
          joined.set(result.logits, i * V);
        }
        return joined;
      },
      greedy: (tokens, history, chunk) => greedySteps(state, tokens, history, chunk),
      dispose() {},
    };
    return state;
  }

  const greedySteps = async (begun: DecoderState, ...[tokens, history, chunk]: Parameters<DecoderState["greedy"]>) => {
    const past = history.map((row) => [...row]);
    const ended = past.map(() => false);
    const ids: number[][] = past.map(() => []);
    const logProbs: number[][] = past.map(() => []);
    let current = [...tokens];
    let state = begun;
    for (let step = 0; step < chunk.steps && ended.includes(false); step += 1) {
      const result = await state.step(current, null);
      state = result.state;
      current = past.map((row, i) => {
        const logits = result.logits.subarray(i * V, (i + 1) * V);
        const scores = Float32Array.from(logits);
        for (const banned of plainlyBanned([chunk.startTokenId, ...row], chunk)) scores[banned] = -Infinity;
        const best = scores.reduce((a, b) => Math.max(a, b), -Infinity);
        const token = ended[i] ? config.padTokenId : scores.indexOf(best);
        row.push(token);
        ids[i]?.push(token);
        logProbs[i]?.push((logits[token] ?? 0) - logSum(logits));
        ended[i] ||= chunk.stopTokens.includes(token);
        return token;
      });
    }
    return { ids, logProbs, state };
  };

  return {
    config,
    vocabSize: V,
    timing: {},
    async encoderStates(inputs) {
      return inputs.map((input) => Float32Array.from(encodeRow(input).flatMap((x) => Array.from(x))));
    },
    async encode(inputs) {
      const cross = inputs.map((input) => {
        const states = encodeRow(input);
        return Array.from({ length: config.numDecoderLayers }, (_, layer) =>
          keysAndValues(`decoder.block.${layer}.layer.1.EncDecAttention`, states),
        );
      });
      return {
        batch: inputs.length,
        start(beams) {
          const layers = Array.from({ length: config.numDecoderLayers }, () => ({ keys: [], values: [] }));
          return stateOf(
            Array.from({ length: inputs.length * beams }, () => layers),
            cross,
          );
        },
        dispose() {},
      };
    },
    async dispose() {},
  };
}

/** The logarithm of the sum of the exponentials. */
function logSum(values: Float32Array): number {
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}

/** x times the transpose of a [out, in] weight. */
function linear(x: Float64Array, weight: Float32Array): Float64Array {
  const result = new Float64Array(weight.length / x.length);
  for (let o = 0; o < result.length; o += 1) {
    let sum = 0;
    for (let i = 0; i < x.length; i += 1) sum += (x[i] ?? 0) * (weight[o * x.length + i] ?? 0);
    result[o] = sum;
  }
  return result;
}

function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + (b[i] ?? 0));
}

function gelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

function readWeights(file: Buffer): Weights {
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + headerBytes));
  const tensors = new Map<string, Float32Array>();
  for (const [name, entry] of Object.entries<{ data_offsets: [number, number] }>(header)) {
    if (name === "__metadata__") continue;
    const [from, to] = entry.data_offsets.map((offset) => offset + 8 + headerBytes);
    tensors.set(name, new Float32Array(new Uint8Array(file.subarray(from, to)).buffer));
  }
  return (name) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`the fixture has no tensor ${name}`);
    return tensor;
  };
}
