/** Merges a folder with a PEFT adapter into its base, as a model by itself. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type AdapterConfig,
  adapterChanges,
  changed,
  parseAdapterConfig,
  type TensorChange,
  unmergeable,
} from "../../models/checkpoint/adapter.ts";
import { safetensorsHeader } from "../../models/checkpoint/safetensors.ts";
import { ModelError } from "../../models/errors.ts";
import { configJson } from "../../models/t5/config.ts";
import { LM_HEAD, tensorShapes } from "../../models/t5/weights.ts";
import { copyRegularFile } from "../files/regular-file.ts";
import { isMissing, readJson, writeAtomically } from "../files/whole-file.ts";
import { readTensor, storedTensor } from "./folder/checkpoint.ts";
import { ggufTokenizerFiles } from "./folder/gguf/gguf-tokenizer.ts";
import { onlyGguf } from "./folder/gguf/only-gguf.ts";
import { ADAPTER_CONFIG, GENERATION_FILE, hasVocabularyFile, TOKENIZER_FILES } from "./folder/model-files.ts";
import { type OpenedModel, openModel } from "./folder/open.ts";
import { readAdapterArrays } from "./graph-adapters.ts";

/** An adapter's folder and what its configuration says. */
export interface Adapter {
  readonly folder: string;
  readonly config: AdapterConfig;
}

/**
 * Reads an adapter's configuration.
 * @throws ModelError "checkpoint" that says of what it is an adapter, when it cannot be merged
 */
export async function readAdapter(folder: string): Promise<Adapter> {
  const path = join(folder, ADAPTER_CONFIG);
  const config = parseAdapterConfig(await readJson(path, "checkpoint"), path);
  const why = unmergeable(config);
  if (why === undefined) return { folder, config };
  const base = config.base_model_name_or_path ?? "a model that it does not name";
  throw new ModelError(
    "checkpoint",
    `${folder} holds an adapter (${config.peft_type}) of ${base}, which cannot be merged with it: ${why}.`,
  );
}

/**
 * Writes the model that an adapter and its base are together, in float32.
 * @param base the base's folder
 * @param to an existing folder
 * @throws ModelError "config" or "checkpoint" when they do not fit each other
 */
export async function mergeAdapter(adapter: Adapter, base: string, to: string, signal: AbortSignal): Promise<void> {
  const model = await openModel(base, "float");
  if (model.form !== "float")
    throw new ModelError("checkpoint", `${base} has only weights quantized by Spanfill. Use its published weights.`);
  const arrays = await readAdapterArrays(adapter.folder);
  const { config } = model;
  const shapes = tensorShapes(config);
  const changes = adapterChanges(arrays, shapes, config.tieWordEmbeddings);
  if (changes.has(LM_HEAD)) shapes.set(LM_HEAD, [config.vocabSize, config.dModel]);
  await writeMerged(join(to, "model.safetensors"), model, shapes, changes, adapter.config, signal);
  const wrote = await copyIfThere(base, to, ["config.json"]);
  if (wrote === 0) await writeFile(join(to, "config.json"), `${JSON.stringify(configJson(config), null, 2)}\n`);
  await copyIfThere(base, to, [GENERATION_FILE]);
  // PEFT saves the tokenizer that it trained with beside the adapter.
  const source = hasVocabularyFile(adapter.folder) ? adapter.folder : base;
  await copyIfThere(source, to, TOKENIZER_FILES);
  const gguf = hasVocabularyFile(source) ? undefined : onlyGguf(source);
  if (gguf === undefined) return;
  for (const [name, bytes] of await ggufTokenizerFiles(gguf)) await writeFile(join(to, name), bytes);
}

async function writeMerged(
  path: string,
  model: OpenedModel,
  shapes: ReadonlyMap<string, readonly number[]>,
  changes: ReadonlyMap<string, TensorChange>,
  config: AdapterConfig,
  signal: AbortSignal,
): Promise<void> {
  const specs = [...shapes].map(([name, shape]) => ({ name, dtype: "F32" as const, shape }));
  const { bytes } = safetensorsHeader(specs, { format: "pt" });
  await writeAtomically(path, async (handle) => {
    await handle.writeFile(bytes);
    for (const { name, shape } of specs) {
      signal.throwIfAborted();
      const change = changes.get(name);
      const weight = change?.whole?.values ?? (await readTensor(name, storedTensor(name, model.checkpoint)));
      const values = change === undefined ? weight : changed(name, weight, shape, change, config);
      await handle.writeFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  });
}

/** @returns the number of files that were there */
async function copyIfThere(from: string, to: string, names: readonly string[]): Promise<number> {
  let count = 0;
  for (const name of names) {
    try {
      await copyRegularFile(join(from, name), join(to, name));
      count += 1;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return count;
}
