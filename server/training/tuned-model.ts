/** The folder that tuning makes: a model like any other, which transformers loads too. */
import { copyFile, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { parseConfig, type T5Config } from "../../models/t5/config.ts";
import { tensorShapes } from "../../models/t5/weights.ts";
import { readManifest } from "../catalog/catalog.ts";
import { isMissing, writeAtomically } from "../catalog/files.ts";
import { namedTensors, writeTensors } from "./state.ts";
import type { Weights } from "./step.ts";

/** Writes the weights alone: the rest of the folder stays. */
export async function writeTunedWeights(out: string, config: T5Config, weights: Weights): Promise<void> {
  const tensors = namedTensors(weights, tensorShapes(config));
  await writeTensors(join(out, "model.safetensors"), tensors, { format: "pt" });
}

/**
 * Writes what a model's folder holds beside its weights; config.json last, which makes it a model.
 * @param prefixes task prefixes the model was tuned with, beside those of its base
 * @param card README.md
 */
export async function writeTunedFolder(
  base: string,
  out: string,
  config: T5Config,
  prefixes: Readonly<Record<string, string>>,
  card: string,
): Promise<void> {
  for (const name of ["tokenizer.json", "spiece.model", "tokenizer_config.json", "generation_config.json"]) {
    await copyFile(join(base, name), join(out, name)).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }
  const manifest = readManifest(base);
  const own = {
    id: basename(resolve(out)),
    prefixes: { ...manifest.prefixes, ...prefixes },
    languages: manifest.languages,
  };
  await writeText(join(out, "spanfill.json"), `${JSON.stringify(own, null, 2)}\n`);
  await writeText(join(out, "README.md"), card);
  await writeText(join(out, "config.json"), await settledConfig(base, config));
}

/**
 * The base's config.json as it stands, for other readers care whether a number is written 1 or 1.0; with what the weights settled at its
 * end, where its own words say something else.
 */
async function settledConfig(base: string, config: T5Config): Promise<string> {
  const text = await readFile(join(base, "config.json"), "utf8");
  const { tieWordEmbeddings, scaleDecoderOutputs } = config;
  const said = parseConfig(JSON.parse(text.replace(/^\uFEFF/, "")));
  if (said.tieWordEmbeddings === tieWordEmbeddings && said.scaleDecoderOutputs === scaleDecoderOutputs) return text;
  const settled = `"tie_word_embeddings": ${tieWordEmbeddings}, "scale_decoder_outputs": ${scaleDecoderOutputs}`;
  return text.replace(/\s*\}\s*$/, `,\n  ${settled}\n}\n`);
}

/** A text written whole or not at all. */
export async function writeText(path: string, text: string): Promise<void> {
  await writeAtomically(path, (handle) => handle.writeFile(text));
}
