/**
 * A model made ready to learn, in memory: its weights, LoRA's matrices and soft prompts as they begin, and the weights
 * that a run ends with.
 */
import { join } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import { mixSeeds, seededRandom } from "../../../models/random.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { inputProjections } from "../../../models/t5/feed-forward.ts";
import { adapterNames, learnedShapes, type Method, PROMPT } from "../../../models/t5/lowering/trainable.ts";
import { generatorConfig, generatorName, metroShapes } from "../../../models/t5/metro/shapes.ts";
import { LM_HEAD, tensorShapes } from "../../../models/t5/weights.ts";
import { readTensor } from "../../catalog/folder/checkpoint.ts";
import { prepareWeights } from "../../catalog/folder/int8/prepare.ts";
import type { Floats } from "../../engine/runtime/session.ts";
import { freshWeights } from "../fresh/first-weights.ts";
import { copyToMemory, memoryOver } from "./parameter-memory.ts";
import type { Learner, Weights } from "./step.ts";

/** A model made ready to learn. */
export interface PreparedLearner extends Learner {
  /** With room in the vocabulary for a soft prompt. */
  readonly config: T5Config;
  readonly weights: Weights;
  /**
   * Every weight of the model as it is now, for any reader: LoRA's products are added to the layers they stand beside.
   * @throws ModelError "input" for bottlenecks, which no weight can take in
   */
  merged(): Weights;
}

/**
 * Reads a model's weights into memory, in float32; those of an int8 model as its rounding left them.
 * @throws ModelError "config" or "checkpoint"
 */
export async function readWeights(
  base: string,
): Promise<{ config: T5Config; weights: Map<string, Float32Array<ArrayBuffer>> }> {
  const prepared = await prepareWeights(base, "float32");
  const weights = new Map<string, Float32Array<ArrayBuffer>>();
  for (const [name, place] of prepared.tensors) {
    const values = await readTensor(name, { ...place, file: join(prepared.folder, place.file) });
    weights.set(name, Float32Array.from(values));
  }
  return { config: prepared.config, weights };
}

/**
 * Makes weights ready to learn. A LoRA begins as nothing (B is 0), and so does a bottleneck (its second layer is 0); a
 * soft prompt begins as rows of the embedding drawn by the seed.
 * @param weights float32 or float64, of the config's shapes; copied where they are learned
 * @throws ModelError "input" when LoRA's targets name no layer of the model
 * @see reset_lora_parameters, lora/layer.py of peft, for A's distribution
 */
export function prepareLearner(config: T5Config, weights: Weights, method: Method, seed: number): PreparedLearner {
  if (method.kind === "prompt") return withPrompt(config, weights, method, seed);
  const shapes = learnedShapes(config, method);
  if (method.kind === "bottleneck") return withBottlenecks(config, weights, method, seed);
  if (method.kind === "full") return learnsItself(config, withMetro(config, weights, method, seed), method, shapes);
  if (shapes.size === 0) {
    throw new ModelError(
      "input",
      `This model has no layers named ${method.targets.join(", ")}. LoRA can learn beside q, k, v, o, wo and ${inputProjections(config).join(", ")}.`,
    );
  }
  const tensors = new Map<string, Floats>();
  for (const [i, [name, [rows = 0, columns = 0]]] of [...shapes].entries()) {
    const values = newFloats(weights, rows * columns);
    const random = seededRandom(mixSeeds(seed, i));
    const bound = 1 / Math.sqrt(columns); // kaiming_uniform with a = sqrt(5)
    if (name.endsWith("lora_A.weight")) for (const at of values.keys()) values[at] = (2 * random() - 1) * bound;
    tensors.set(name, values);
  }
  const memory = copyToMemory(tensors);
  const merged = () =>
    new Map([...weights].map(([name, values]) => [name, withAdapter(config, name, values, memory.tensors, method)]));
  return { config, weights, method, memory, merged };
}

/** In a separate function, so that nothing keeps the given weights: what is learned is a copy of them. */
function learnsItself(
  config: T5Config,
  weights: Weights,
  method: Extract<Method, { kind: "full" }>,
  shapes: ReadonlyMap<string, unknown>,
): PreparedLearner {
  const memory = copyToMemory(new Map([...weights].filter(([name]) => shapes.has(name))));
  const all = new Map([...weights, ...memory.tensors]);
  const known = tensorShapes(config);
  const merged = () => new Map([...all].filter(([name]) => known.has(name)));
  return { config, weights: all, method, memory, merged };
}

/** A generator with first weights, and a detector that begins as nothing, beside the weights. */
function withMetro(
  config: T5Config,
  weights: Weights,
  { metro }: Extract<Method, { kind: "full" }>,
  seed: number,
): Weights {
  if (metro === undefined) return weights;
  const first = freshWeights(generatorConfig(config), seed);
  const named = new Map([...first].map(([name, values]) => [generatorName(name), values]));
  const beside = [...metroShapes(config)].map(([name, shape]): [string, Floats] => {
    const values = newFloats(
      weights,
      shape.reduce((product, axis) => product * axis, 1),
    );
    values.set(named.get(name) ?? []);
    return [name, values];
  });
  return new Map([...weights, ...beside]);
}

/** W + alpha / rank * B A. */
function withAdapter(
  config: T5Config,
  name: string,
  weight: Floats,
  tensors: Weights,
  { rank, alpha }: Extract<Method, { kind: "lora" }>,
): Floats {
  const names = adapterNames(name);
  const [a, b] = [tensors.get(names.a), tensors.get(names.b)];
  if (a === undefined || b === undefined) return weight;
  const [out = 0, inner = 0] = tensorShapes(config).get(name) ?? [];
  const sum = weight.slice();
  for (let row = 0; row < out; row += 1) {
    for (let r = 0; r < rank; r += 1) {
      const factor = (alpha / rank) * (b[row * rank + r] ?? 0);
      for (let column = 0; column < inner; column += 1) {
        const at = row * inner + column;
        sum[at] = (sum[at] ?? 0) + factor * (a[r * inner + column] ?? 0);
      }
    }
  }
  return sum;
}

/** Biases and second layers are 0, first layers uniform. @see init_weights "mam_adapter" of the library adapters */
function withBottlenecks(
  config: T5Config,
  weights: Weights,
  method: Extract<Method, { kind: "bottleneck" }>,
  seed: number,
): PreparedLearner {
  const tensors = new Map<string, Floats>();
  for (const [i, [name, shape]] of [...learnedShapes(config, method)].entries()) {
    const values = newFloats(
      weights,
      shape.reduce((product, axis) => product * axis, 1),
    );
    const random = seededRandom(mixSeeds(seed, i));
    const bound = 1 / Math.sqrt(config.dModel); // kaiming_uniform with a = sqrt(5)
    if (name.endsWith("adapter_down.weight")) for (const at of values.keys()) values[at] = (2 * random() - 1) * bound;
    tensors.set(name, values);
  }
  const merged = () => {
    throw new ModelError("input", "A bottleneck adapter cannot be merged with its base. Keep it beside the base.");
  };
  return { config, weights, method, memory: copyToMemory(tensors), merged };
}

function withPrompt(
  config: T5Config,
  weights: Weights,
  method: Extract<Method, { kind: "prompt" }>,
  seed: number,
): PreparedLearner {
  const { dModel: D } = config;
  const vocabSize = Math.max(config.vocabSize, method.firstId + method.tokens);
  const random = seededRandom(seed);
  const drawn = Array.from({ length: method.tokens }, () =>
    Math.floor(random() * Math.min(method.firstId, config.vocabSize)),
  );
  const longer = (values: Floats): Floats => {
    const made = newFloats(weights, vocabSize * D);
    made.set(values);
    for (const [i, id] of drawn.entries()) made.set(values.subarray(id * D, (id + 1) * D), (method.firstId + i) * D);
    return made;
  };
  const extended = new Map(
    [...weights].map(([name, values]) => {
      if (name === "shared.weight") return [name, longer(values)];
      return [name, name === LM_HEAD ? unlikelyHead(values, newFloats(weights, vocabSize * D), method, D) : values];
    }),
  );
  const embedding = extended.get("shared.weight");
  if (embedding === undefined) throw new RangeError("a model has an embedding");
  const prompt = embedding.subarray(method.firstId * D, (method.firstId + method.tokens) * D);
  return {
    config: { ...config, vocabSize },
    weights: extended,
    method,
    memory: memoryOver(new Map([[PROMPT, prompt]])),
    merged: () => extended,
  };
}

/**
 * An untied head whose rows of the prompt are the mean of the real tokens' rows: whatever the decoder's state, their
 * logits are then the mean of the real ones, below the largest, and by Jensen's inequality none is likelier than one
 * token in all.
 * @param made [V, D], where it is written
 */
function unlikelyHead(
  head: Floats,
  made: Floats,
  { firstId, tokens }: Extract<Method, { kind: "prompt" }>,
  D: number,
): Floats {
  made.set(head);
  const real = Math.min(firstId * D, head.length);
  const mean = new Float64Array(D);
  for (let at = 0; at < real; at += 1) mean[at % D] = (mean[at % D] ?? 0) + ((head[at] ?? 0) * D) / real;
  for (let row = firstId; row < firstId + tokens; row += 1) made.set(mean, row * D);
  return made;
}

function newFloats(like: Weights, length: number): Floats {
  return like.get("shared.weight") instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
}
