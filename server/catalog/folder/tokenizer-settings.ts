/** Reads the files beside a model's vocabulary, which say what tokens are special and how they are found. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { ModelError } from "../../../models/errors.ts";
import type { AddedToken } from "../../../models/tokenizer/pipeline/added-tokens.ts";
import { BERT_DEFAULTS, type TokenizerSettings } from "../../../models/tokenizer/special-tokens.ts";
import { readJson } from "../../files/whole-file.ts";

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

/** Reads a JSON file of a folder, if it is there. @throws ModelError "tokenizer" when it is malformed */
export async function readAs<T extends z.ZodType>(
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
