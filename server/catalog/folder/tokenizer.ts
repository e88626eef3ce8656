/** Opens the tokenizer of a model's folder: its vocabulary, and what the files beside it say of special tokens. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TokenizerSettings } from "../../../models/tokenizer/special-tokens.ts";
import { checkRows, createTokenizer, type Tokenizer } from "../../../models/tokenizer/tokenizer.ts";
import { readJson } from "../../files/whole-file.ts";
import { readTokenizerSettings } from "./tokenizer-settings.ts";

/**
 * A model's tokenizer: from tokenizer.json, or else from spiece.model, the older files of byte pairs (CodeT5) and of
 * BERT's words, sp.model and dict.txt (METRO-T0), or the GGUF file; ByT5 needs no file.
 * @throws ModelError "tokenizer", also where it has ids for which config.json gives the model no rows
 */
export async function readTokenizer(directory: string): Promise<Tokenizer> {
  const settings = await readTokenizerSettings(directory);
  const tokenizer = await readVocabulary(directory, settings);
  if (settings.rows !== undefined) checkRows(tokenizer, settings.rows);
  return tokenizer;
}

async function readVocabulary(directory: string, settings: TokenizerSettings): Promise<Tokenizer> {
  if (existsSync(join(directory, "tokenizer.json")))
    return createTokenizer(await readJson(join(directory, "tokenizer.json"), "tokenizer"), settings);
  // Few models have other files, and their readers slow the start.
  const { readOtherTokenizer } = await import("./other-tokenizers.ts");
  return readOtherTokenizer(directory, settings);
}
