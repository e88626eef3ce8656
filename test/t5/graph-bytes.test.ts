/**
 * Every graph of every fixture's shape has the bytes it had before: a refactoring of models/ changes no graph.
 * After a change that is meant to change graphs, write the hashes anew with SPANFILL_WRITE_GRAPHS=1.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { tensorPlan } from "../../models/checkpoint/plan.ts";
import { DTYPE_BYTES, elementCount } from "../../models/checkpoint/safetensors.ts";
import { encodeModel } from "../../models/graph/proto.ts";
import type { DType, Graph } from "../../models/graph/types.ts";
import { parseConfig, type T5Config } from "../../models/t5/config.ts";
import { ownRowsGraph, stepGraph } from "../../models/t5/decoder.ts";
import { encoderGraph, encoderStages } from "../../models/t5/encoder.ts";
import { greedyGraph } from "../../models/t5/generation.ts";
import { fusedLowering, weightOf } from "../../models/t5/lowering/fused.ts";
import type { GenerationLowering, StoredTensor, TensorSource } from "../../models/t5/lowering/lowering.ts";
import { plainLowering } from "../../models/t5/lowering/plain.ts";
import type { Method } from "../../models/t5/lowering/trainable.ts";
import { OPTIMUM_GRAPHS, optimumGraph } from "../../models/t5/optimum.ts";
import { type TrainingOptions, trainingGraph } from "../../models/t5/training.ts";
import { tensorShapes } from "../../models/t5/weights.ts";
import { parityModels } from "../support/models/parity-model.ts";

const FILE = "test/fixtures/graphs/sha256.json";

/** A graph's name, and its bytes with whatever else its function returned. */
type Named = readonly [name: string, bytes: Uint8Array, beside?: unknown];

/** The tensors of a precision, at places in one file that is not there. */
function tensorsOf(config: T5Config, precision: "float32" | "int8"): TensorSource {
  const dtypes: Readonly<Record<string, DType>> = { F32: "float32", U8: "uint8", I8: "int8" };
  const specs =
    precision === "int8"
      ? tensorPlan(config).flatMap(({ stored }) => stored)
      : [...tensorShapes(config)].map(([name, shape]) => ({ name, shape, dtype: "F32" as const }));
  const tensors = new Map<string, StoredTensor>();
  let offset = 0;
  for (const { name, shape, dtype } of specs) {
    const length = elementCount(shape) * DTYPE_BYTES[dtype];
    tensors.set(name, { dtype: dtypes[dtype] ?? "float32", shape, data: { path: "weights", offset, length } });
    offset += length;
  }
  return tensors;
}

function inference(config: T5Config, lowering: GenerationLowering): Named[] {
  const common = [config.padTokenId, 40, 7, config.eosTokenId];
  const graphs: [string, Graph][] = [["own rows", ownRowsGraph(lowering)]];
  for (const masked of [false, true]) {
    for (const parameters of [1e9, 1]) {
      for (const stage of encoderStages(config, parameters)) {
        const name = `encoder ${stage.from}..${stage.to} ${stage.ends} ${masked}`;
        graphs.push([name, encoderGraph(config, lowering, masked, stage)]);
      }
    }
    for (const shortlist of [null, common]) {
      const which = `${masked} ${shortlist}`;
      graphs.push([`step ${which}`, stepGraph(config, lowering, masked, shortlist)]);
      graphs.push([`greedy ${which}`, greedyGraph(config, lowering, masked, shortlist)]);
    }
  }
  return graphs.map(([name, graph]) => [name, encodeModel(graph)]);
}

function optimum(config: T5Config): Named[] {
  const weights = new Map([...tensorShapes(config)].map(([name, shape]) => [name, zeros(elementCount(shape))]));
  return OPTIMUM_GRAPHS.map((which) => [which, encodeModel(optimumGraph(config, weights, which))]);
}

function zeros(count: number): Float32Array {
  return new Float32Array(count);
}

const lora = { kind: "lora", rank: 2, alpha: 4 } as const;
const everyLayer = ["q", "k", "v", "kv", "o", "wi", "wi_0", "wi_1", "wo"];

/** What learns, and every other option at least once. */
const trainings: readonly (readonly [string, Method, Partial<TrainingOptions>])[] = [
  ["full", { kind: "full", freezeEmbedding: false }, {}],
  ["full, no dropout", { kind: "full", freezeEmbedding: false }, { dropout: false, labelSmoothing: 0, zLoss: 0 }],
  ["full, the loss", { kind: "full", freezeEmbedding: false }, { dropout: false, gradients: false }],
  ["full, checkpointing", { kind: "full", freezeEmbedding: false }, { checkpointing: true, lossChunks: 2 }],
  ["full, float64", { kind: "full", freezeEmbedding: false }, { dtype: "float64" }],
  ["full but the embedding", { kind: "full", freezeEmbedding: true }, {}],
  ["LoRA of queries and values", { ...lora, targets: ["q", "v"], dropoutRate: 0 }, {}],
  ["LoRA everywhere", { ...lora, targets: everyLayer, dropoutRate: 0.1 }, { checkpointing: true }],
  ["LoRA, the loss", { ...lora, targets: everyLayer, dropoutRate: 0.1 }, { dropout: false, gradients: false }],
  ["LoRA, float64", { ...lora, targets: everyLayer, dropoutRate: 0.1 }, { dtype: "float64", dropout: false }],
  ["prompt", { kind: "prompt", tokens: 3, firstId: 5 }, {}],
  ["prompt, checkpointing", { kind: "prompt", tokens: 3, firstId: 5 }, { checkpointing: true, lossChunks: 2 }],
];

function training(config: T5Config): Named[] {
  const usual = { dropout: true, gradients: true, labelSmoothing: 0.1, zLoss: 1e-4 };
  return trainings.map(([name, method, options]) => {
    const { graph, masks } = trainingGraph(config, { ...usual, ...options, method });
    return [name, encodeModel(graph), masks];
  });
}

function hash(graphs: readonly Named[]): string {
  const sum = createHash("sha256");
  for (const [name, bytes, beside] of graphs) {
    sum.update(JSON.stringify([name, bytes.length, beside ?? null]));
    sum.update(bytes);
  }
  return sum.digest("hex");
}

const wanted: Record<string, Record<string, string>> = process.env["SPANFILL_WRITE_GRAPHS"]
  ? {}
  : JSON.parse(readFileSync(FILE, "utf8"));
const models = [...parityModels(), ...parityModels("architectures")];

for (const { name, config: json } of models) {
  test(`the graphs have the same bytes: ${name}`, () => {
    const config = parseConfig(json);
    const float32 = tensorsOf(config, "float32");
    const hashes = {
      plain: hash(inference(config, plainLowering(config, weightOf(float32)))),
      fused: hash(inference(config, fusedLowering(config, float32))),
      int8: hash(inference(config, fusedLowering(config, tensorsOf(config, "int8")))),
      optimum: hash(optimum(config)),
      training: hash(training(config)),
    };
    if (process.env["SPANFILL_WRITE_GRAPHS"]) wanted[name] = hashes;
    else assert.deepEqual(hashes, wanted[name]);
  });
}

test("every shape has hashes", () => {
  if (process.env["SPANFILL_WRITE_GRAPHS"]) writeFileSync(FILE, `${JSON.stringify(wanted, null, 2)}\n`);
  assert.deepEqual(
    Object.keys(wanted),
    models.map(({ name }) => name),
  );
});
