/**
 * Which files make a model: the one list for loading, importing, downloading, verifying, training and exporting. A
 * model is a folder of such files, or a single GGUF file.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Files that state the shape, in order of preference. */
export const SHAPE_FILES = ["config.json", "operative_config.gin", "config.gin"] as const;

/** SentencePiece models; T5's buckets have the latter name. */
export const SENTENCEPIECE_FILES = ["spiece.model", "sentencepiece.model"] as const;

/** The dictionary of a METRO-T0, whose ids its sp.model does not have. */
export const FAIRSEQ_DICTIONARY = "dict.txt";

/** Files of which one holds the vocabulary. */
const VOCABULARY_FILES = [
  ...["tokenizer.json", ...SENTENCEPIECE_FILES],
  ...["vocab.json", "merges.txt", "vocab.txt", "sp.model"],
];

/** Every file that a tokenizer is read from. */
export const TOKENIZER_FILES: readonly string[] = [
  ...VOCABULARY_FILES,
  FAIRSEQ_DICTIONARY,
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
];

/** The file with a model's own settings of generation. */
export const GENERATION_FILE = "generation_config.json";

/** The weights file of a model that ships quantized by us. */
export const INT8_FILE = "model.int8.safetensors";

/** The file that describes an adapter, PEFT's or AdapterHub's. */
export const ADAPTER_CONFIG = "adapter_config.json";

/** The files that may hold an adapter's arrays, preferred ones first: PEFT's, then AdapterHub's. */
export const ADAPTER_WEIGHTS = [
  "adapter_model.safetensors",
  "adapter_model.bin",
  "adapter.safetensors",
  "pytorch_adapter.bin",
] as const;

/** Files of Spanfill's own, and the model card. */
const OWN_FILES = ["spanfill.json", "decoding.json", "calibration.json", "shortlist.json", "README.md"];

/** The use of a file. */
export type FileKind = "shape" | "tokenizer" | "settings" | "weights" | "adapter";

/** The use of a file of a model's folder, by its name; undefined for all others. */
export function fileKind(name: string): FileKind | undefined {
  if ((SHAPE_FILES as readonly string[]).includes(name)) return "shape";
  if (TOKENIZER_FILES.includes(name)) return "tokenizer";
  if (name === GENERATION_FILE || OWN_FILES.includes(name)) return "settings";
  if (name === ADAPTER_CONFIG || (ADAPTER_WEIGHTS as readonly string[]).includes(name) || HEAD.test(name))
    return "adapter";
  return WEIGHTS.test(name) && !TRAINING.test(name) ? "weights" : undefined;
}

/**
 * Whether a file can hold weights, whatever its name: formats are recognized by content, and T5X's files have no
 * ending.
 */
export function mayHoldWeights(name: string): boolean {
  const kind = fileKind(name);
  return !name.startsWith(".") && !TRAINING.test(name) && (kind === undefined || kind === "weights");
}

/** The base's head, which AdapterHub's library saves beside an adapter. */
const HEAD = /^(pytorch_model_head\.bin|model_head\.safetensors|head_config\.json)$/;
const WEIGHTS =
  /^[^/]+(\.(safetensors|bin|pt|pth|ckpt|msgpack|gguf|h5|index|index\.json)|\.data-\d+-of-\d+)$|^(checkpoint(_\d+)?|_METADATA|manifest\.ocdbt)$/;
/** States of a training, which can be large. */
const TRAINING = /^(optimizer|scheduler|scaler|training_args|rng_state|trainer_state)/;

/** A hub's weights, preferred ones first: formats that need no interpretation, then what most programs write. */
export const HUB_WEIGHTS: readonly RegExp[] = [
  /^model\.safetensors$/,
  /^model(-\d+-of-\d+\.safetensors|\.safetensors\.index\.json)$/,
  /^pytorch_model\.bin$/,
  /^pytorch_model(-\d+-of-\d+\.bin|\.bin\.index\.json)$/,
  /^flax_model\.msgpack$/,
  /^flax_model(-\d+-of-\d+\.msgpack|\.msgpack\.index\.json)$/,
  /^tf_model\.h5$/,
  /^tf_model(-\d+-of-\d+\.h5|\.h5\.index\.json)$/,
  /^[^/]+\.gguf$/,
];

/** Whether a file is among the small ones: everything but weights. */
export function isSmall(name: string): boolean {
  return /\.(json|txt|model)$/.test(name);
}

/** Whether a path names a GGUF file, which can be a model by itself. */
export function isGgufFile(path: string): boolean {
  return /\.gguf$/i.test(path) && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false);
}

/** The GGUF files of a folder; the path itself if it is one. */
export function ggufFiles(path: string): string[] {
  if (isGgufFile(path)) return [path];
  try {
    const names = readdirSync(path).toSorted();
    return names.map((name) => join(path, name)).filter(isGgufFile);
  } catch {
    return []; // not a folder; the caller that reads it reports that
  }
}

/** Whether a folder has a vocabulary's file; else a GGUF file may contain one, and ByT5 needs none. */
export function hasVocabularyFile(directory: string): boolean {
  return VOCABULARY_FILES.some((name) => existsSync(join(directory, name)));
}

/**
 * Sentences on what was understood of a model's files beside the plain case.
 * @param prefix what a wrapper put before the tensors' names
 * @param names the folder's files
 */
export function folderNotes(prefix: string, names: readonly string[]): string[] {
  return [
    ...(prefix === "" ? [] : [`The tensors' names begin with ${prefix}, which a wrapper wrote; it is left out.`]),
    ...(names.includes(ADAPTER_CONFIG)
      ? ["An adapter lies beside the weights and is not applied. To merge it, import its files from a separate folder."]
      : []),
  ];
}
