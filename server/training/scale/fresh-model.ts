/** A model that has learned nothing yet: T5's seeded first weights, with the vocabulary of another model. */
import { join } from "node:path";
import { mixSeeds, seededRandom } from "../../../models/random.ts";
import { configJson, type T5Config } from "../../../models/t5/config.ts";
import { tensorShapes } from "../../../models/t5/weights.ts";
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

const ADVICE = "Name another --base.";

/**
 * T5's first weights.
 * @see T5PreTrainedModel._init_weights, transformers modeling_t5.py
 */
function freshWeights(config: T5Config, seed: number): Map<string, Float32Array<ArrayBuffer>> {
  return new Map(
    [...tensorShapes(config)].map(([name, shape], i) => {
      const values = new Float32Array(shape.reduce((product, axis) => product * axis, 1));
      const deviation = deviationOf(name, config);
      const distance = /_conv_(\d+)\.weight$/.exec(name)?.[1];
      // As causal_depthwise_conv of primer/t5_models.py begins.
      if (distance !== undefined) values.fill(distance === "0" ? 0.5 : 0.5 / config.convolution);
      else if (deviation === 0) values.fill(1);
      else fillNormal(values, deviation, seededRandom(mixSeeds(seed, i)));
      return [name, values];
    }),
  );
}

/** 0 stands for ones: the weights of norms. */
function deviationOf(name: string, { dModel: D, dKv: K, dFf: F, numHeads: H }: T5Config): number {
  if (name.endsWith("norm.weight")) return 0;
  if (name === "shared.weight" || name === "lm_head.weight") return 1;
  if (name.endsWith(".q.weight")) return (D * K) ** -0.5;
  if (name.endsWith(".o.weight")) return (H * K) ** -0.5;
  return (name.endsWith(".wo.weight") ? F : D) ** -0.5;
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
