/** The exported graphs beside transformers' logits: at once, on from a cache, and both in the merged one. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseConfig, type T5Config } from "../../models/t5/config.ts";
import { type OptimumGraph, optimumGraph } from "../../models/t5/optimum.ts";
import { layerWidths } from "../../models/t5/weights.ts";
import {
  bool,
  createSession,
  float32,
  float32Data,
  int64,
  type RuntimeTensor,
} from "../../server/engine/runtime/session.ts";
import { largestError, type ParityCase, parityModels, parityWeights } from "../support/models/parity-model.ts";

type Feeds = Record<string, RuntimeTensor>;

/** int64 [rows, columns]. */
function whole(rows: readonly (readonly number[])[]): RuntimeTensor {
  return int64(rows.flat()).reshape([rows.length, rows[0]?.length ?? 0]);
}

/** A model's exported graphs, opened when they are asked for. */
function opened(config: T5Config, weights: ReadonlyMap<string, Float32Array>) {
  return async (which: OptimumGraph, feeds: Feeds): Promise<Feeds> => {
    const graph = optimumGraph(config, weights, which);
    const session = await createSession(graph, { folder: ".", threads: 1, spin: false });
    assert.deepEqual(Object.keys(feeds).sort(), graph.inputs.map(({ name }) => name).sort(), which);
    const outputs = await session.run(feeds);
    await session.dispose();
    return outputs;
  };
}

/** What one run gave as the next one's past. */
function pastOf(outputs: Feeds, only: RegExp): Feeds {
  return Object.fromEntries(
    Object.entries(outputs).flatMap(([name, value]) =>
      only.test(name) ? [[name.replace("present", "past_key_values"), value]] : [],
    ),
  );
}

/** Logits [B, T, V] of two runs, one after the other in T. */
function joined(parts: readonly RuntimeTensor[]): Float32Array {
  const [batch = 0, , columns = 0] = parts[0]?.dims ?? [];
  const all = new Float32Array(parts.reduce((sum, { size }) => sum + size, 0));
  for (let row = 0, at = 0; row < batch; row += 1) {
    for (const part of parts) {
      const length = (part.dims[1] ?? 0) * columns;
      all.set(float32Data(part).subarray(row * length, (row + 1) * length), at);
      at += length;
    }
  }
  return all;
}

async function logitsOf(config: T5Config, weights: ReadonlyMap<string, Float32Array>, expected: ParityCase) {
  const run = opened(config, weights);
  const S = Math.max(...expected.inputs.map(({ length }) => length));
  const padded = expected.inputs.map((ids) => [...ids, ...Array(S - ids.length).fill(config.padTokenId)]);
  const mask = whole(expected.inputs.map((ids) => Array.from({ length: S }, (_, i) => Number(i < ids.length))));
  const { last_hidden_state: states } = await run("encoder_model", { input_ids: whole(padded), attention_mask: mask });
  assert.ok(states !== undefined);
  const tokens = expected.targets.map((target) => [config.decoderStartTokenId, ...target.slice(0, -1)]);
  const cut = Math.max(1, Math.floor((tokens[0]?.length ?? 0) / 2));
  const [begin, rest] = [whole(tokens.map((row) => row.slice(0, cut))), whole(tokens.map((row) => row.slice(cut)))];
  const encoded = { encoder_attention_mask: mask };
  const at = { ...encoded, encoder_hidden_states: states };
  const first = await run("decoder_model", { ...at, input_ids: begin });
  const later = await run("decoder_with_past_model", { ...encoded, input_ids: rest, ...pastOf(first, /^present/) });
  const nothing = Object.fromEntries(
    Array.from({ length: config.numDecoderLayers }, (_, i) =>
      ["decoder.key", "decoder.value", "encoder.key", "encoder.value"].map((part) => [
        `past_key_values.${i}.${part}`,
        float32(new Float32Array(0), [tokens.length, layerWidths(config, i).keyHeads, 0, config.dKv]),
      ]),
    ).flat(),
  );
  const merged = await run("decoder_model_merged", { ...at, ...nothing, input_ids: begin, use_cache_branch: flag(0) });
  const going = { ...at, ...pastOf(merged, /^present/), input_ids: rest, use_cache_branch: flag(1) };
  const on = await run("decoder_model_merged", going);
  const all = await run("decoder_model", { ...at, input_ids: whole(tokens) });
  const logits = (...parts: (Feeds | undefined)[]) =>
    joined(parts.flatMap((part) => (part?.["logits"] === undefined ? [] : [part["logits"]])));
  return { "at once": logits(all), "from a cache": logits(first, later), merged: logits(merged, on) };
}

function flag(value: number): RuntimeTensor {
  return bool(Uint8Array.of(value), [1]);
}

describe("exported graphs", () => {
  for (const model of [...parityModels(), ...parityModels("architectures")]) {
    it(model.name, async () => {
      const config = parseConfig(model.config);
      const [expected] = model.cases;
      assert.ok(expected !== undefined);
      for (const [how, logits] of Object.entries(await logitsOf(config, parityWeights(model), expected))) {
        const off = largestError(logits, expected.logits);
        assert.ok(off < 1e-3, `${how}: off by ${off} standard deviations`);
      }
    });
  }
});
