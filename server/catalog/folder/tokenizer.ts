/** Opens the tokenizer of a model's folder: its vocabulary, and what the files beside it say of special tokens. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { standIn } from "../../../models/stand-in.ts";
import { bytePairTokenizerJson } from "../../../models/tokenizer/byte-pair.ts";
import { createByteTokenizer } from "../../../models/tokenizer/bytes.ts";
import type { AddedToken } from "../../../models/tokenizer/pipeline/added-tokens.ts";
import { BERT_DEFAULTS, type TokenizerSettings } from "../../../models/tokenizer/special-tokens.ts";
import { createTokenizer, type Tokenizer } from "../../../models/tokenizer/tokenizer.ts";
import { wordPieceTokenizerJson } from "../../../models/tokenizer/word-pieces.ts";
import { readRegularFile } from "../../files/regular-file.ts";
import { readJson } from "../../files/whole-file.ts";
import { onlyGguf } from "./gguf/gguf.ts";
import { ggufTokenizer } from "./gguf/gguf-tokenizer.ts";
import { FAIRSEQ_DICTIONARY, SENTENCEPIECE_FILES } from "./model-files.ts";

/**
 * A model's tokenizer: from tokenizer.json, or else from spiece.model, the older files of byte pairs (CodeT5) and of
 * BERT's words, sp.model and dict.txt (METRO-T0), or the GGUF file; ByT5 needs no file.
 * @throws ModelError "tokenizer"
 */
export async function readTokenizer(directory: string): Promise<Tokenizer> {
  const settings = await readTokenizerSettings(directory);
  if (existsSync(join(directory, "tokenizer.json")))
    return createTokenizer(await readJson(join(directory, "tokenizer.json"), "tokenizer"), settings);
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
  // Rarely needed, and its protobuf reader slows the start.
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

const flag = z.boolean().default(false);
const addedToken = z.looseObject({
  content: z.string(),
  single_word: flag,
  lstrip: flag,
  rstrip: flag,
  normalized: z.boolean().optional(),
  special: flag,
});
const tokenName = z
  .union([z.string(), z.looseObject({ content: z.string() })])
  .nullish()
  .catch(undefined);
const tokenNames = z.array(tokenName);
const roles = {
  eos_token: tokenName,
  pad_token: tokenName,
  unk_token: tokenName,
  bos_token: tokenName,
  cls_token: tokenName,
  sep_token: tokenName,
  mask_token: tokenName,
  additional_special_tokens: tokenNames.nullish().catch(undefined),
  extra_special_tokens: z
    .union([tokenNames, z.record(z.string(), tokenName).transform((named) => Object.values(named))])
    .nullish()
    .catch(undefined), // what newer files call them: a list, or by roles
};
const NAMED = [
  "eos_token",
  "pad_token",
  "unk_token",
  "bos_token",
  "cls_token",
  "sep_token",
  "mask_token",
] as const satisfies readonly (keyof typeof roles)[];
const specialMap = z.looseObject(roles);
const tokenizerConfig = z.looseObject({
  ...roles,
  tokenizer_class: z.string().nullish().catch(undefined),
  extra_ids: z.int().nonnegative().nullish().catch(undefined),
  legacy: z.boolean().nullish().catch(undefined),
  do_lower_case: z.boolean().default(BERT_DEFAULTS.doLowerCase).catch(BERT_DEFAULTS.doLowerCase),
  tokenize_chinese_chars: z
    .boolean()
    .default(BERT_DEFAULTS.tokenizeChineseChars)
    .catch(BERT_DEFAULTS.tokenizeChineseChars),
  strip_accents: z.boolean().nullable().default(null).catch(null),
  added_tokens_decoder: z.record(z.string(), addedToken).nullish(),
});
const fairseqConfig = z.looseObject({
  lower: z.boolean().nullish().catch(undefined),
  n_sentinel_tokens: z.int().min(0).max(100_000).nullish().catch(undefined),
});
const addedTable = z.record(z.string(), z.int().nonnegative());
const modelConfig = z.looseObject({ vocab_size: z.int().positive().nullish().catch(undefined) });

/** Reads the files beside a folder's vocabulary. @throws ModelError "tokenizer" when one is malformed */
export async function readTokenizerSettings(directory: string): Promise<TokenizerSettings> {
  const [config, map, table, model] = await Promise.all([
    readAs(directory, "tokenizer_config.json", tokenizerConfig),
    readAs(directory, "special_tokens_map.json", specialMap),
    readAs(directory, "added_tokens.json", addedTable),
    readAs(directory, "config.json", modelConfig).catch(() => undefined),
  ]);
  const names = Object.fromEntries(NAMED.map((name) => [name, contentOf(config?.[name]) ?? contentOf(map?.[name])]));
  const listed = [config, map].flatMap((file) => [
    ...(file?.additional_special_tokens ?? []),
    ...(file?.extra_special_tokens ?? []),
  ]);
  const special = [...new Set(listed.flatMap((token) => contentOf(token) ?? []))];
  const isSpecial = (content: string) =>
    special.includes(content) || Object.values(names).includes(content) || /^<extra_id_\d+>$/.test(content);
  return {
    added: addedTokens(config?.added_tokens_decoder ?? {}, table ?? {}, isSpecial),
    names,
    special,
    extraIds: config?.extra_ids ?? undefined,
    legacy: config?.legacy ?? true,
    bert:
      config === undefined
        ? BERT_DEFAULTS
        : {
            doLowerCase: config.do_lower_case,
            tokenizeChineseChars: config.tokenize_chinese_chars,
            stripAccents: config.strip_accents,
          },
    tokenizerClass: config?.tokenizer_class ?? undefined,
    rows: model?.vocab_size ?? undefined,
  };
}

/** Tokens by ascending id: those of tokenizer_config.json have flags, those of added_tokens.json only ids. */
function addedTokens(
  decoder: Readonly<Record<string, z.output<typeof addedToken>>>,
  table: Readonly<Record<string, number>>,
  isSpecial: (content: string) => boolean,
): AddedToken[] {
  const tokens = new Map<string, AddedToken>();
  for (const [content, id] of Object.entries(table)) {
    const special = isSpecial(content);
    tokens.set(content, {
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: !special,
      special,
    });
  }
  for (const [id, { content, single_word, lstrip, rstrip, special, normalized = !special }] of Object.entries(decoder))
    tokens.set(content, { id: Number(id), content, single_word, lstrip, rstrip, special, normalized });
  return [...tokens.values()].sort((a, b) => a.id - b.id);
}

function contentOf(token: string | { readonly content: string } | null | undefined): string | undefined {
  return typeof token === "object" ? token?.content : token;
}

async function readAs<T extends z.ZodType>(
  directory: string,
  name: string,
  schema: T,
): Promise<z.output<T> | undefined> {
  const path = join(directory, name);
  if (!existsSync(path)) return undefined;
  const parsed = schema.safeParse(await readJson(path, "tokenizer"));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? "" : ` (${issue.path.join(".")})`;
  throw new ModelError(
    "tokenizer",
    `${path} is not as transformers writes it${place}. Download it again from the model's own repository.`,
    { cause: parsed.error },
  );
}
