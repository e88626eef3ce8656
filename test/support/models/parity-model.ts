/**
 * The parity fixtures: their models' weights computed from seeds as make.py does, and written as real model folders.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { mix } from "../../../models/random.ts";
import type { GenerateRequest } from "../../../server/engine/engine.ts";
import type { GradientCase, TrainingCase } from "./gradient-fixture.ts";

/** What is stored of an array: its standard deviation, some of its values, and signed sums over all of it. */
export interface Digest {
  readonly seed: number;
  readonly count: number;
  readonly std: number;
  readonly values: readonly number[];
  readonly sums: readonly number[];
}

/** One generate call and what transformers returned. */
export interface ExpectedGeneration {
  readonly request: Omit<GenerateRequest, "inputs">;
  /** ids[input][sequence] */
  readonly ids: readonly (readonly (readonly number[])[])[];
  /** Greedy: tokens of each row before the first step whose two best scores are within 1e-3. */
  readonly compare?: readonly number[];
  /** Greedy: natural log probabilities of the tokens compared. */
  readonly logProbs?: readonly (readonly number[])[];
  /** Beam search: scores[input][sequence] */
  readonly scores?: readonly (readonly number[])[];
}

/** A batch and all that is expected of it. */
export interface ParityCase {
  readonly inputs: readonly (readonly number[])[];
  readonly targets: readonly (readonly number[])[];
  /** Of the unpadded encoder states, row after row. */
  readonly encoder: Digest;
  /** Of the teacher-forced logits, [B, T, V]. */
  readonly logits: Digest;
  /** Log-likelihood of each target. */
  readonly scores: readonly number[];
  readonly generations: readonly ExpectedGeneration[];
}

/** A tensor by its recipe: uniform in mean +- spread; or an identity matrix. */
export type TensorRecipe = readonly [
  name: string,
  shape: readonly number[],
  mean: number | "identity",
  spread: number,
  seed: number,
];

/** One fixture model. */
export interface ParityModel {
  readonly name: string;
  /** config.json */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: readonly TensorRecipe[];
  readonly cases: readonly ParityCase[];
  /** Of some models: losses and gradients in float64, as gradient-fixture.ts describes them. */
  readonly gradients?: readonly GradientCase[];
  /** Of some models: steps of training in float32. */
  readonly training?: Omit<TrainingCase, "name">;
}

/** A file of parity models: T5 in every configuration, the other architectures of its family, and others' layers. */
export type ParityFile = "models" | "architectures" | "longt5" | "switch" | "primer" | "fairseq";

/** The models of a file of test/fixtures/parity. */
export function parityModels(file: ParityFile = "models"): ParityModel[] {
  const path = `test/fixtures/parity/${file}.json`;
  const text = ["switch", "primer", "fairseq"].includes(file)
    ? brotliDecompressSync(readFileSync(`${path}.br`))
    : gunzipSync(readFileSync(`${path}.gz`));
  return JSON.parse(text.toString());
}

/** What another hand's NumPy model (mesh_second_hand.py) computed: by a model's name, for each of its cases. */
export function secondReference(): Record<string, readonly Pick<ParityCase, "encoder" | "logits">[]> {
  return JSON.parse(gunzipSync(readFileSync("test/fixtures/parity/second_hand.json.gz")).toString());
}

/** The values of a model's tensors, computed once. */
export function parityWeights(model: ParityModel): Map<string, Float32Array<ArrayBuffer>> {
  const weights = computed.get(model) ?? computeWeights(model);
  computed.set(model, weights);
  return weights;
}

const computed = new WeakMap<ParityModel, Map<string, Float32Array<ArrayBuffer>>>();

function computeWeights(model: ParityModel): Map<string, Float32Array<ArrayBuffer>> {
  return new Map(
    model.tensors.map(([name, shape, mean, spread, seed]) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const bits = numbers(seed, count);
      if (mean === "identity")
        return [name, Float32Array.from(bits, (_, i) => Number(i % ((shape[0] ?? 0) + 1) === 0))];
      return [name, Float32Array.from(bits, (value) => mean + spread * ((value >>> 8) / 2 ** 23 - 1))];
    }),
  );
}

/**
 * Writes a model as a folder with config.json and model.safetensors.
 * @param changed the tensor to multiply by `factor`
 */
export function writeParityModel(model: ParityModel, directory: string, changed?: string, factor = 1.01): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "config.json"), JSON.stringify(model.config));
  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  let offset = 0;
  const weights = parityWeights(model);
  for (const [name, shape] of model.tensors) {
    const values = weights.get(name) ?? new Float32Array(0);
    const data = new Uint8Array((name === changed ? values.map((value) => value * factor) : values).buffer);
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + data.length] };
    parts.push(data);
    offset += data.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, " ");
  head.writeBigUInt64LE(BigInt(head.length - 8));
  text.copy(head, 8);
  writeFileSync(join(directory, "model.safetensors"), Buffer.concat([head, ...parts]));
}

/** The largest error of an array against its digest, in standard deviations of the reference. */
export function largestError(actual: Float32Array | Float64Array, expected: Digest): number {
  if (actual.length !== expected.count) return Number.POSITIVE_INFINITY;
  let worst = 0;
  const places = numbers(expected.seed, expected.values.length);
  for (const [i, value] of expected.values.entries()) {
    worst = Math.max(worst, Math.abs((actual[(places[i] ?? 0) % actual.length] ?? Number.NaN) - value));
  }
  for (const [j, sum] of expected.sums.entries()) {
    const start = mix(expected.seed + 1 + j);
    let mine = 0;
    for (let i = 0; i < actual.length; i += 1) {
      const value = actual[i] ?? Number.NaN;
      mine += numberAt(start, i) >>> 31 === 1 ? -value : value;
    }
    // Independent errors of one size e add up to e * sqrt(count) in a sum with random signs.
    worst = Math.max(worst, Math.abs(mine - sum) / Math.sqrt(actual.length));
  }
  return Number.isNaN(worst) ? Number.POSITIVE_INFINITY : worst / expected.std;
}

/** Root mean square of the errors at the places a digest stores, relative to the values' own. */
export function relativeError(actual: Float32Array, expected: Digest): number {
  const places = numbers(expected.seed, expected.values.length);
  let errors = 0;
  let squares = 0;
  for (const [i, value] of expected.values.entries()) {
    errors += ((actual[(places[i] ?? 0) % actual.length] ?? Number.NaN) - value) ** 2;
    squares += value ** 2;
  }
  return Math.sqrt(errors / squares);
}

/** `count` numbers of a seed: mix(mix(seed) + i * golden ratio). */
export function numbers(seed: number, count: number): Uint32Array {
  const start = mix(seed);
  const made = new Uint32Array(count);
  for (let i = 0; i < count; i += 1) made[i] = numberAt(start, i);
  return made;
}

function numberAt(start: number, i: number): number {
  return mix(start + Math.imul(i, 0x9e3779b9));
}
