/**
 * What PyTorch and transformers computed in training: gradients, and a hundred steps
 * (test/fixtures/parity/make_gradients.py).
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { batchOf, type Example } from "../../../models/t5/batch.ts";
import { parseConfig, type T5Config } from "../../../models/t5/config.ts";
import { memoryOver } from "../../../server/training/step/parameter-memory.ts";
import { createStepper, type Learner, type StepOptions, type Weights } from "../../../server/training/step/step.ts";
import { type Digest, type ParityFile, type ParityModel, parityModels, parityWeights } from "./parity-model.ts";

/** Rows of token ids; a batch. */
export interface Rows {
  readonly inputs: readonly (readonly number[])[];
  readonly targets: readonly (readonly number[])[];
}

/** A batch's losses and gradients, by tensor, computed in float64. */
export interface GradientCase extends Rows {
  readonly labelSmoothing: number;
  readonly zLoss: number;
  readonly loss: number;
  readonly nll: number;
  readonly gradients: readonly (readonly [name: string, gradient: Digest])[];
}

/**
 * A hundred steps on ten batches, over and over: the loss before each, and the weights at the end; computed in float32.
 */
export interface TrainingCase {
  readonly name: string;
  readonly optimizer: "adamw" | "adafactor";
  readonly batches: readonly Rows[];
  readonly losses: readonly number[];
  readonly weights: readonly (readonly [name: string, weight: Digest])[];
}

interface Fixture {
  readonly gradients: readonly { readonly name: string; readonly cases: readonly GradientCase[] }[];
  readonly training: readonly TrainingCase[];
}

/** The fixture. */
export function gradientFixture(): Fixture {
  return JSON.parse(gunzipSync(readFileSync("test/fixtures/parity/gradients.json.gz")).toString());
}

/** A parity model in memory. */
export function modelInMemory(
  name: string,
  file: ParityFile = "models",
): {
  readonly config: T5Config;
  readonly weights: Map<string, Float32Array<ArrayBuffer>>;
} {
  const model: ParityModel | undefined = parityModels(file).find((one) => one.name === name);
  if (model === undefined) throw new RangeError(`no parity model is called ${name}`);
  // Copies: what learns changes them.
  const weights = new Map([...parityWeights(model)].map(([key, values]) => [key, values.slice()]));
  return { config: parseConfig(model.config), weights };
}

/** A batch's rows as examples. */
export function examples({ inputs, targets }: Rows): Example[] {
  return inputs.map((input, i) => ({ input, target: targets[i] ?? [] }));
}

/**
 * A stepper that takes examples, beside the gradients in its learner's memory.
 * @param learner every weight when absent
 */
export async function openStepper(
  config: T5Config,
  weights: Weights,
  options: StepOptions,
  { method, memory }: Learner = { method: { kind: "full", freezeEmbedding: false }, memory: memoryOver(weights) },
) {
  const stepper = await createStepper(config, weights, options, { method, memory });
  const laidOut = (batches: readonly (readonly Example[])[]) => batches.map((rows) => batchOf(config, rows));
  return {
    memory,
    gradients: new Map([...memory.tensors.keys()].map((name) => [name, memory.view(name, "gradient")])),
    train: (batches: readonly (readonly Example[])[], seed: number) => stepper.train(laidOut(batches), seed),
    evaluate: (batches: readonly (readonly Example[])[]) => stepper.evaluate(laidOut(batches)),
    dispose: () => stepper.dispose(),
  };
}
