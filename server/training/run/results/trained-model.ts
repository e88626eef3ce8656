/** The folder that training makes: a model like any other, which transformers loads too. */
import { basename, join, resolve } from "node:path";
import * as z from "zod";
import { defined } from "../../../../base/defined.ts";
import { hubConfigText, hubName } from "../../../../models/checkpoint/adapterhub.ts";
import { configJson, parseConfig, type T5Config } from "../../../../models/t5/config.ts";
import { learnedShapes } from "../../../../models/t5/lowering/trainable.ts";
import { tensorShapes } from "../../../../models/t5/weights.ts";
import { nameOfBase } from "../../../catalog/adapter-base.ts";
import { ggufTokenizerFiles } from "../../../catalog/folder/gguf/gguf-tokenizer.ts";
import { onlyGguf } from "../../../catalog/folder/gguf/only-gguf.ts";
import {
  ADAPTER_CONFIG,
  GENERATION_FILE,
  hasVocabularyFile,
  TOKENIZER_FILES,
} from "../../../catalog/folder/model-files.ts";
import { readManifest } from "../../../catalog/installed.ts";
import { copyRegularFile, readRegularText } from "../../../files/regular-file.ts";
import { isMissing, writeAtomically } from "../../../files/whole-file.ts";
import type { PreparedLearner } from "../../step/learner.ts";
import type { Learner, Weights } from "../../step/step.ts";
import type { TrainRun } from "../run.ts";
import { namedTensors, unwritable, writeTensors } from "../state.ts";

/** Writes only what a run learned: of bottlenecks the adapter, else every weight. The rest of the folder stays. */
export async function writeLearned(
  out: string,
  { base }: Pick<TrainRun, "base">,
  learner: PreparedLearner,
): Promise<void> {
  const { config, method, memory } = learner;
  if (method.kind !== "bottleneck") return writeTrainedWeights(out, config, learner.merged());
  const named = namedTensors(memory.tensors, learnedShapes(config, method));
  const adapter = basename(resolve(out)).replace(/[^\w-]/g, "_");
  const arrays = named.map((one) => ({ ...one, name: hubName(one.name, adapter) }));
  await writeTensors(join(out, "adapter.safetensors"), arrays, { format: "pt" });
  const text = hubConfigText(config, method, { adapter, base: nameOfBase(base) });
  await writeText(join(out, ADAPTER_CONFIG), text);
}

/** Writes every weight: the rest of the folder stays. */
export async function writeTrainedWeights(out: string, config: T5Config, weights: Weights): Promise<void> {
  const tensors = namedTensors(weights, tensorShapes(config));
  await writeTensors(join(out, "model.safetensors"), tensors, { format: "pt" });
}

/**
 * Writes LoRA's matrices apart from the weights they were merged into, as peft does; nothing for other methods. In a
 * separate folder, since transformers would load a folder with adapter_config.json as just an adapter.
 * @see save_pretrained, peft_model.py of peft
 */
export async function writeAdapter(
  out: string,
  base: string,
  { method, memory, config }: Learner & { readonly config: T5Config },
): Promise<void> {
  if (method.kind !== "lora") return;
  const shapes = learnedShapes(config, method);
  const named = namedTensors(memory.tensors, shapes).map((one) => ({ ...one, name: `base_model.model.${one.name}` }));
  await writeTensors(join(out, "adapter", "adapter_model.safetensors"), named, { format: "pt" });
  const json = {
    peft_type: "LORA",
    task_type: "SEQ_2_SEQ_LM",
    base_model_name_or_path: base,
    target_modules: method.targets,
    r: method.rank,
    lora_alpha: method.alpha,
    lora_dropout: method.dropoutRate,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
  };
  await writeText(join(out, "adapter", "adapter_config.json"), `${JSON.stringify(json, null, 2)}\n`);
}

/** Files of a model beside its weights and config.json. */
const BESIDE = [...TOKENIZER_FILES, GENERATION_FILE];

/** Writes what a model's folder holds beside its weights; config.json last, which makes it a model. */
export async function writeTrainedFolder(
  {
    base,
    out,
    prefixes,
    labels,
    modes,
    tokenizerJson,
    method,
  }: Pick<TrainRun, "base" | "out" | "prefixes" | "labels" | "modes" | "tokenizerJson"> &
    Partial<Pick<TrainRun, "method">>,
  config: T5Config,
): Promise<void> {
  const manifest = readManifest(base);
  const own = {
    id: basename(resolve(out)),
    prefixes: { ...manifest.prefixes, ...prefixes },
    // Gaps that were learned without modes are filled without.
    ...defined({ labels, modes: modes ?? (prefixes["infill"] === undefined ? manifest.modes : undefined) }),
    languages: manifest.languages,
    ...(method?.kind === "bottleneck" && { base: nameOfBase(base) }),
  };
  await writeText(join(out, "spanfill.json"), `${JSON.stringify(own, null, 2)}\n`);
  if (method?.kind === "bottleneck") return; // the rest is the base's
  // A tokenizer that knows more than its base's stands alone: the other files would contradict it.
  const copied = tokenizerJson === undefined ? BESIDE : [GENERATION_FILE];
  for (const name of copied) {
    await copyRegularFile(join(base, name), join(out, name)).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }
  if (tokenizerJson === undefined && !hasVocabularyFile(base)) {
    const gguf = onlyGguf(base);
    const files = gguf === undefined ? [] : await ggufTokenizerFiles(gguf);
    for (const [name, bytes] of files) await writeBytes(join(out, name), bytes);
  }
  if (method?.kind === "prompt") await suppressPrompt(base, out, method, config);
  if (tokenizerJson !== undefined) await writeText(join(out, "tokenizer.json"), tokenizerJson);
  await writeText(join(out, "config.json"), await settledConfig(base, config));
}

/**
 * Tells other readers that a prompt's tokens are never produced.
 * @see SuppressTokensLogitsProcessor, transformers generation/logits_process.py
 */
async function suppressPrompt(
  base: string,
  out: string,
  { firstId, tokens }: Extract<TrainRun["method"], { kind: "prompt" }>,
  { padTokenId, eosTokenId, decoderStartTokenId }: T5Config,
): Promise<void> {
  const text = await readRegularText(join(base, GENERATION_FILE)).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    // With this file, transformers takes none of these from config.json.
    const ids = { pad_token_id: padTokenId, eos_token_id: eosTokenId, decoder_start_token_id: decoderStartTokenId };
    return JSON.stringify(ids);
  });
  const parsed = generationSchema.safeParse(parsedJson(text));
  // A file of the base that no reader understands is copied as it is.
  if (!parsed.success) return;
  const prompt = Array.from({ length: tokens }, (_, i) => firstId + i);
  const said = { ...parsed.data, suppress_tokens: [...(parsed.data.suppress_tokens ?? []), ...prompt] };
  await writeText(join(out, GENERATION_FILE), `${JSON.stringify(said, null, 2)}\n`);
}

const generationSchema = z.looseObject({ suppress_tokens: z.array(z.int()).nullish() });

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return undefined;
  }
}

/**
 * The base's config.json as it stands, for other readers care whether a number is written 1 or 1.0; with what the
 * weights settled at its end, where its own words say something else. A model that grew has another.
 */
async function settledConfig(base: string, config: T5Config): Promise<string> {
  const text = await readRegularText(join(base, "config.json")).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    return `${JSON.stringify(configJson(config), null, 2)}\n`; // a base whose shape a gin file says
  });
  const said = parseConfig(JSON.parse(text.replace(/^\uFEFF/, "")));
  if (said.layerNormEpsilon !== config.layerNormEpsilon || sizesOf(said) !== sizesOf(config))
    return `${JSON.stringify(configJson(config), null, 2)}\n`;
  const tied =
    said.tieWordEmbeddings === config.tieWordEmbeddings && said.scaleDecoderOutputs === config.scaleDecoderOutputs;
  const settled = [
    // Both: what the second is where it is not written depends on the first.
    ...(tied ? [] : [`"tie_word_embeddings": ${config.tieWordEmbeddings}`]),
    ...(tied ? [] : [`"scale_decoder_outputs": ${config.scaleDecoderOutputs}`]),
    ...(said.vocabSize === config.vocabSize ? [] : [`"vocab_size": ${config.vocabSize}`]),
  ].map((line) => `,\n  ${line}`);
  return settled.length === 0 ? text : text.replace(/(?<!\s)\s*\}\s*$/, `${settled.join("")}\n}\n`);
}

function sizesOf({ dModel, dFf, numHeads, numLayers, numDecoderLayers }: T5Config): string {
  return [dModel, dFf, numHeads, numLayers, numDecoderLayers].join(" ");
}

/** A text written whole or not at all. @throws ModelError "checkpoint" when it cannot be written */
export async function writeText(path: string, text: string): Promise<void> {
  await writeBytes(path, Buffer.from(text));
}

/** Bytes written whole or not at all. @throws ModelError "checkpoint" when they cannot be written */
export async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeAtomically(path, (handle) => handle.writeFile(bytes));
  } catch (cause) {
    throw unwritable(path, bytes.length, cause);
  }
}
