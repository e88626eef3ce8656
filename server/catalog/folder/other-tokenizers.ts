/** Tokenizers of models that have no tokenizer.json, loaded only for those. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { standIn } from "../../../models/stand-in.ts";
import { bytePairTokenizerJson } from "../../../models/tokenizer/byte-pair.ts";
import { createByteTokenizer } from "../../../models/tokenizer/bytes.ts";
import type { TokenizerSettings } from "../../../models/tokenizer/special-tokens.ts";
import { createTokenizer, type Tokenizer } from "../../../models/tokenizer/tokenizer.ts";
import { wordPieceTokenizerJson } from "../../../models/tokenizer/word-pieces.ts";
import { readRegularFile } from "../../files/regular-file.ts";
import { readJson } from "../../files/whole-file.ts";
import { ggufTokenizer } from "./gguf/gguf-tokenizer.ts";
import { onlyGguf } from "./gguf/only-gguf.ts";
import { FAIRSEQ_DICTIONARY, SENTENCEPIECE_FILES } from "./model-files.ts";
import { readAs } from "./tokenizer-settings.ts";

/**
 * A model's tokenizer from other files than tokenizer.json.
 * @param settings what the files beside its vocabulary say
 * @throws ModelError "tokenizer"
 */
export async function readOtherTokenizer(directory: string, settings: TokenizerSettings): Promise<Tokenizer> {
  const file = SENTENCEPIECE_FILES.map((name) => join(directory, name)).find(existsSync);
  if (file === undefined) {
    if (settings.tokenizerClass?.startsWith("ByT5Tokenizer")) return createByteTokenizer(settings);
    if (existsSync(join(directory, "merges.txt"))) {
      const merges = (await vocabularyBytes(join(directory, "merges.txt"))).toString("utf8");
      const vocab = await readJson(join(directory, "vocab.json"), "tokenizer");
      return createTokenizer(bytePairTokenizerJson(vocab, merges, settings), settings);
    }
    const words = join(directory, "vocab.txt");
    if (existsSync(words)) {
      const lines = (await vocabularyBytes(words)).toString("utf8");
      return createTokenizer(wordPieceTokenizerJson(lines, settings), settings);
    }
    if (existsSync(join(directory, "sp.model"))) return fairseqTokenizer(directory);
    const gguf = onlyGguf(directory);
    if (gguf !== undefined) return ggufTokenizer(gguf, settings);
    throw new ModelError("tokenizer", missingMessage(directory));
  }
  // Its protobuf reader takes time to load.
  const { createSentencePieceTokenizer } = await import("../../../models/tokenizer/sentencepiece/tokenizer.ts");
  return createSentencePieceTokenizer(await vocabularyBytes(file), settings);
}

/** METRO-T0's tokenizer. @throws ModelError "tokenizer" when its dictionary is missing */
async function fairseqTokenizer(directory: string): Promise<Tokenizer> {
  if (!existsSync(join(directory, FAIRSEQ_DICTIONARY)))
    throw new ModelError(
      "tokenizer",
      `${directory} has sp.model without ${FAIRSEQ_DICTIONARY}, whose ids a METRO-T0 needs. Put the one from the model's own repository there.`,
    );
  const { createFairseqTokenizer } = await import("../../../models/tokenizer/fairseq.ts");
  const settings = await readAs(directory, "tokenizer_config.json", fairseqConfig);
  const [model, dictionary] = await Promise.all(
    ["sp.model", FAIRSEQ_DICTIONARY].map((name) => vocabularyBytes(join(directory, name))),
  );
  return createFairseqTokenizer(model ?? Buffer.of(), dictionary?.toString("utf8") ?? "", {
    lower: settings?.lower ?? true,
    sentinels: settings?.n_sentinel_tokens ?? 0,
  });
}

/**
 * The bytes of a file with a vocabulary.
 * @throws ModelError "tokenizer" when it cannot be read, or is ten times larger than any published one
 */
export async function vocabularyBytes(file: string): Promise<Buffer> {
  const advice = "Put the one from the model's own repository there.";
  const bytes = await readRegularFile(file, MOST_VOCABULARY_BYTES).catch((cause: unknown) => {
    throw new ModelError("tokenizer", `${file} cannot be read (${reason(cause)}). ${advice}`, { cause });
  });
  const instead = bytes && standIn(bytes.toString("latin1", 0, 100));
  if (instead !== undefined) throw new ModelError("tokenizer", `${file} ${instead}`);
  if (bytes !== undefined) return bytes;
  throw new ModelError("tokenizer", `${file} is larger than ${MOST_VOCABULARY_BYTES >> 20} MB. ${advice}`);
}

const MOST_VOCABULARY_BYTES = 64 * 1024 * 1024;

function missingMessage(directory: string): string {
  const advice = "Put the one from the model's own repository there.";
  return `${directory} has no tokenizer.json and no spiece.model. ${advice}`;
}

const fairseqConfig = z.looseObject({
  lower: z.boolean().nullish().catch(undefined),
  n_sentinel_tokens: z.int().min(0).max(100_000).nullish().catch(undefined),
});
