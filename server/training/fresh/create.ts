/** Creates a model that has learned nothing yet, for a training from the beginning. */
import { basename } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import { parseConfig, type T5Config } from "../../../models/t5/config.ts";
import { parameterCount } from "../../../models/t5/weights.ts";
import { checkVocabulary } from "../../../models/tokenizer/tokenizer.ts";
import { endTokenOf, readGenerationSettings } from "../../catalog/folder/generation.ts";
import { openModel } from "../../catalog/folder/open.ts";
import { readTokenizer } from "../../catalog/folder/tokenizer.ts";
import { resolveModel } from "../../catalog/installed.ts";
import { readRegularText } from "../../files/regular-file.ts";
import { fillFolder, freePlace } from "../run/results/export-place.ts";
import { shapeOf } from "../scale/shapes.ts";
import { writeFreshModel } from "./fresh-model.ts";

/** The shape of a new model, by a file or a name, and where it goes. */
export interface CreateRequest {
  /** A config.json. */
  readonly config?: string;
  /** A name such as tiny-nl4. */
  readonly shape?: string;
  /** The model whose vocabulary is taken; the built-in one when absent. */
  readonly vocabulary?: string;
  readonly seed: number;
  readonly out?: string;
}

/** A new model. */
export interface CreatedModel {
  readonly out: string;
  readonly parameters: number;
}

/**
 * Writes a model's folder with first weights.
 * @throws ModelError "input" when there are not exactly one of a file and a name, or the place is taken, "config" when
 *   the file is not a shape that runs, "tokenizer" when the vocabulary does not fit it, "storage" when it cannot be
 *   written
 */
export async function createModel(request: CreateRequest): Promise<CreatedModel> {
  const { shape, seed } = request;
  const vocabulary = resolveModel(request.vocabulary, { workingFolder: process.cwd() });
  const { config: known } = await openModel(vocabulary, "float");
  const config = await shapeOfRequest(request, known);
  const [tokenizer, generation] = [await readTokenizer(vocabulary), await readGenerationSettings(vocabulary)];
  checkVocabulary(tokenizer, config.vocabSize, endTokenOf(generation, tokenizer, config));
  const out = await freePlace(request.out ?? `${shape ?? basename(vocabulary)}-fresh`, "folder");
  await fillFolder(out, async () => {
    await writeFreshModel(out, config, vocabulary, seed);
  });
  return { out, parameters: parameterCount(config) };
}

async function shapeOfRequest({ config: file, shape }: CreateRequest, vocabulary: T5Config): Promise<T5Config> {
  if ((file === undefined) === (shape === undefined))
    throw new ModelError("input", "Name either a --config file or a --shape, such as tiny-nl4.");
  if (shape !== undefined) return (await shapeOf(shape, vocabulary)).config;
  let json: unknown;
  try {
    json = JSON.parse((await readRegularText(file ?? "")).replace(/^\uFEFF/, ""));
  } catch (error) {
    const why = error instanceof SyntaxError ? `is not JSON: ${error.message}` : "cannot be read";
    throw new ModelError("input", `${file} ${why}. Name a config.json with --config.`, { cause: error });
  }
  if (json === null || typeof json !== "object" || Array.isArray(json)) return parseConfig(json);
  const { vocabSize, padTokenId, eosTokenId, decoderStartTokenId } = vocabulary;
  const ids = { pad_token_id: padTokenId, eos_token_id: eosTokenId, decoder_start_token_id: decoderStartTokenId };
  return parseConfig({ vocab_size: vocabSize, ...ids, ...json });
}
