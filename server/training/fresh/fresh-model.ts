/** A model that has learned nothing yet: T5's seeded first weights, with the vocabulary of another model. */
import { join } from "node:path";
import { setImmediate as otherWork } from "node:timers/promises";
import { configJson, type T5Config } from "../../../models/t5/config.ts";
import { tokenizerJson } from "../data/encode.ts";
import { writeText, writeTrainedWeights } from "../run/results/trained-model.ts";
import { drawWeights } from "./first-weights.ts";

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
  const weights = new Map<string, Float32Array<ArrayBuffer>>();
  for (const [name, values] of drawWeights(config, seed)) {
    weights.set(name, values);
    await otherWork(); // Ctrl+C
  }
  await writeTrainedWeights(folder, config, weights);
  // Last: it makes the folder a model.
  await writeText(join(folder, "config.json"), `${JSON.stringify(configJson(config), null, 2)}\n`);
}

const ADVICE = "Take the vocabulary of another model.";
