/** A model that has learned nothing yet: T5's seeded first weights, with the vocabulary of another model. */
import { join } from "node:path";
import { mixSeeds, seededRandom } from "../../../models/random.ts";
import { configJson, type T5Config } from "../../../models/t5/config.ts";
import { LM_HEAD, tensorShapes } from "../../../models/t5/weights.ts";
import { tokenizerJson } from "../data/encode.ts";
import { writeText, writeTrainedWeights } from "../run/trained-model.ts";

/**
 * Writes the folder of a fresh model.
 * @param vocabulary folder of the model whose tokenizer it takes
 * @throws ModelError "tokenizer" when that has none that can be taken, "checkpoint" when the folder cannot be written
 */
export async function writeFreshModel(
  folder: string,
  config: T5Config,
  vocabulary: string,
  seed: number,
): Promise<void> {
  await writeText(join(folder, "tokenizer.json"), JSON.stringify(await tokenizerJson(vocabulary, ADVICE)));
  await writeTrainedWeights(folder, config, freshWeights(config, seed));
  // Last: it makes the folder a model.
  await writeText(join(folder, "config.json"), `${JSON.stringify(configJson(config), null, 2)}\n`);
}

const ADVICE = "Take the vocabulary of another model.";

/**
 * First weights, by the seed: T5's, and what other architectures have beside them.
 * @see T5PreTrainedModel._init_weights, transformers modeling_t5.py; that of modeling_switch_transformers.py; the
 *   initializer of talking heads' mixing, mesh_tensorflow/layers.py; causal_depthwise_conv of primer/t5_models.py
 */
export function freshWeights(config: T5Config, seed: number): Map<string, Float32Array<ArrayBuffer>> {
  return new Map(
    [...tensorShapes(config)].map(([name, shape], i) => {
      const values = new Float32Array(shape.reduce((product, axis) => product * axis, 1));
      const distance = /_conv_(\d+)\.weight$/.exec(name)?.[1];
      if (distance !== undefined) values.fill(distance === "0" ? 0.5 : 0.5 / config.convolution);
      else if (name.endsWith("norm.weight")) values.fill(1);
      else fillNormal(values, deviationOf(name, shape, config), seededRandom(mixSeeds(seed, i)));
      return [name, values];
    }),
  );
}

/** Rows of a linear layer's weights are as wide as its input. */
function deviationOf(name: string, [, width = 1]: readonly number[], { dModel: D, dKv: K }: T5Config): number {
  if (name === "shared.weight" || name === LM_HEAD || name.endsWith(".router.classifier.weight")) return 1;
  if (name.endsWith("relative_attention_bias.weight") || name.includes(".experts.")) return D ** -0.5;
  return (name.endsWith(".q.weight") ? width * K : width) ** -0.5;
}

/** Box and Muller's method, two values at a time. */
function fillNormal(values: Float32Array, deviation: number, random: () => number): void {
  for (let at = 0; at < values.length; at += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    values[at] = radius * Math.cos(angle);
    if (at + 1 < values.length) values[at + 1] = radius * Math.sin(angle);
  }
}
