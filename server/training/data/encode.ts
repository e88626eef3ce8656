/**
 * The part that training and `data check` share: the model's tokenizer and prefix, the task, and the encoded data.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { defined } from "../../../base/defined.ts";
import { ModelError } from "../../../models/errors.ts";
import { UL2_MODES } from "../../../models/tokenizer/corruption.ts";
import { createTokenizer, type Tokenizer } from "../../../models/tokenizer/tokenizer.ts";
import type { CheckRequest } from "../../../protocol/train-request.ts";
import { ggufVocabularyOf } from "../../catalog/folder/gguf/gguf-tokenizer.ts";
import { onlyGguf } from "../../catalog/folder/gguf/only-gguf.ts";
import { SENTENCEPIECE_FILES } from "../../catalog/folder/model-files.ts";
import { vocabularyBytes } from "../../catalog/folder/other-tokenizers.ts";
import { readTokenizer } from "../../catalog/folder/tokenizer.ts";
import { readManifest } from "../../catalog/installed.ts";
import { readJson } from "../../files/whole-file.ts";
import { type Dataset, type DatasetOptions, pairDataset } from "./dataset.ts";
import { infillDataset } from "./infill-dataset.ts";
import { promptTokenizer } from "./prompt-tokenizer.ts";
import type { TrainingData } from "./read.ts";
import type { TrainTask } from "./tasks.ts";

/** A tokenizer, where it is not the base's its file, and what stands before every input. */
export interface Prefixed {
  readonly tokenizer: Tokenizer;
  readonly tokenizerJson?: string;
  readonly prefix: string;
  /** Id of a soft prompt's first token. */
  readonly firstId: number;
}

/**
 * The tokenizer of a model and the prefix of a task: the user's, else the model's own, else the task's.
 * @param promptTokens how many tokens of a soft prompt stand before the prefix
 */
export async function prefixed(
  base: string,
  task: TrainTask,
  prefix: string | undefined,
  promptTokens: number,
): Promise<Prefixed> {
  const modelPrefixes: Readonly<Record<string, string | undefined>> = readManifest(base).prefixes;
  const taskPrefix = prefix ?? modelPrefixes[task.name] ?? task.prefix;
  if (promptTokens === 0) return { tokenizer: await readTokenizer(base), prefix: taskPrefix, firstId: 0 };
  const { json, names, firstId } = promptTokenizer(await tokenizerJson(base, PROMPT_ADVICE), promptTokens);
  return {
    tokenizer: createTokenizer(json),
    tokenizerJson: JSON.stringify(json),
    // The blank makes every tokenizer read what follows as a separate word.
    prefix: `${names.join("")} ${taskPrefix}`,
    firstId,
  };
}

const PROMPT_ADVICE = "A soft prompt needs one: choose --method lora or full.";

/**
 * The limits and modes with which a request's data are encoded.
 * @param prefix as {@link prefixed} gives it
 * @throws ModelError "input" when the task has no such objective
 */
export function datasetOptions(base: string, task: TrainTask, request: CheckRequest, prefix: string): DatasetOptions {
  const { objective, maxInputTokens, validationShare, seed } = request;
  const denoises = objective === "ul2";
  if (objective !== "spans" && task.metric !== "fills") {
    throw new ModelError(
      "input",
      `--objective ${objective} learns from texts: it is for --task infill, not ${task.name}.`,
    );
  }
  if (objective === "metro") {
    const named = request.prefix !== undefined ? "--prefix" : request.maxTargetTokens && "--max-target-tokens";
    if (named)
      throw new ModelError("input", `--objective metro has a text on both sides, as it is: leave ${named} out.`);
    return { prefix: "", maxInputTokens, maxTargetTokens: maxInputTokens, validationShare, seed, whole: true };
  }
  const maxTargetTokens = request.maxTargetTokens ?? (denoises ? DENOISED_TOKENS : task.maxTargetTokens);
  const modes = denoises ? (readManifest(base).modes ?? UL2_MODES) : undefined;
  return { prefix, maxInputTokens, maxTargetTokens, validationShare, seed, ...defined({ modes }) };
}

/** Targets of UL2's denoisers: half of a window of 512 tokens, and a sentinel for every third of them. */
const DENOISED_TOKENS = 384;

/** Encodes the data of a task. @throws ModelError "input" when they are too few, or of one label */
export function encodeData(
  task: TrainTask,
  tokenizer: Tokenizer,
  data: TrainingData,
  options: DatasetOptions,
): Dataset {
  const noting = { ...options, leftOut: data.notes };
  if (task.metric === "fills") return infillDataset(tokenizer, data.documents, noting);
  return pairDataset(tokenizer, data.pairs, { ...noting, labels: task.metric === "labels" }, data.apart);
}

/**
 * A model's tokenizer.json, made of its SentencePiece or GGUF file where it has none.
 * @param advice what to do instead, if it has neither
 * @throws ModelError "tokenizer" when it has neither
 */
export async function tokenizerJson(base: string, advice: string): Promise<unknown> {
  if (existsSync(join(base, "tokenizer.json"))) return readJson(join(base, "tokenizer.json"), "tokenizer");
  const file = SENTENCEPIECE_FILES.map((name) => join(base, name)).find(existsSync);
  const gguf = file === undefined ? onlyGguf(base) : undefined;
  if (gguf !== undefined) {
    const vocabulary = await ggufVocabularyOf(gguf);
    if ("json" in vocabulary) return vocabulary.json;
    const { sentencepieceToTokenizerJson } = await import("../../../models/tokenizer/sentencepiece.ts");
    return sentencepieceToTokenizerJson(vocabulary.model, { ...vocabulary, advice });
  }
  if (file === undefined) {
    throw new ModelError(
      "tokenizer",
      `${base} has no unigram vocabulary (a ByT5 reads bytes, a CodeT5 byte pairs, a METRO-T0 a dictionary). ${advice}`,
    );
  }
  const { sentencepieceToTokenizerJson } = await import("../../../models/tokenizer/sentencepiece.ts");
  return sentencepieceToTokenizerJson(await vocabularyBytes(file), { advice });
}
