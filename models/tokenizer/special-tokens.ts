/** Special tokens, by the files beside a vocabulary. */
import type { AddedToken } from "./pipeline/added-tokens.ts";

/** The content of tokenizer_config.json that concerns BERT's tokenizer only. */
export interface BertSettings {
  readonly doLowerCase: boolean;
  readonly tokenizeChineseChars: boolean;
  /** As lower case if null. */
  readonly stripAccents: boolean | null;
}

/** BERT's defaults. */
export const BERT_DEFAULTS: BertSettings = { doLowerCase: true, tokenizeChineseChars: true, stripAccents: null };

/** The content of tokenizer_config.json, special_tokens_map.json and added_tokens.json. */
export interface TokenizerSettings {
  /** Tokens that they add, by ascending id. */
  readonly added: readonly AddedToken[];
  /** Names of special tokens, as `eos_token`. */
  readonly names: Readonly<Record<string, string | undefined>>;
  /** Names that are special tokens besides (`additional_special_tokens`); those that are no tokens get the next ids. */
  readonly special: readonly string[];
  /** How many sentinels are added to a SentencePiece model. */
  readonly extraIds: number | undefined;
  /** Whether a SentencePiece model puts a space before every stretch between tokens, as transformers once did. */
  readonly legacy: boolean;
  /** How a WordPiece vocabulary in vocab.txt reads text. */
  readonly bert: BertSettings;
  /** The class that transformers would use. */
  readonly tokenizerClass: string | undefined;
  /** Rows of the model's embedding. */
  readonly rows: number | undefined;
}

/** The settings of a vocabulary without such files. */
export const NO_SETTINGS: TokenizerSettings = {
  added: [],
  names: {},
  special: [],
  extraIds: undefined,
  legacy: true,
  bert: BERT_DEFAULTS,
  tokenizerClass: undefined,
  rows: undefined,
};

/**
 * Tokens for the names that the settings call special and nothing else defines, with ids from `next` on, as long as the
 * model has rows for them.
 * @see add_tokens in PreTrainedTokenizerBase.__init__, transformers
 */
export function furtherSpecial(
  { special, rows = Number.POSITIVE_INFINITY }: TokenizerSettings,
  isKnown: (name: string) => boolean,
  next: number,
): AddedToken[] {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return special
    .filter((name) => !isKnown(name))
    .map((content, i) => ({ ...flags, id: next + i, content }))
    .filter(({ id }) => id < rows);
}

/** Names of T5's own special pieces, which some files list only as pieces. */
export function isStandardName(piece: string): boolean {
  return piece.charCodeAt(0) === 60 && STANDARD.test(piece);
}

const STANDARD = /^(?:<pad>|<\/s>|<unk>|<extra_id_\d+>)$/;

/** Ids of `<extra_id_0>`, `<extra_id_1>`, ... up to the first missing one. */
export function sentinelIdsOf(idOf: ReadonlyMap<string, number>): number[] {
  const ids: number[] = [];
  for (let id = idOf.get("<extra_id_0>"); id !== undefined; id = idOf.get(`<extra_id_${ids.length}>`)) ids.push(id);
  return ids;
}

/** The id of a special token: by the name in the settings, else by one of the usual names. */
export function specialId(
  role: "eos_token" | "pad_token" | "unk_token",
  { names }: TokenizerSettings,
  idOf: ReadonlyMap<string, number>,
): number | undefined {
  for (const name of [names[role], ...USUAL_NAMES[role]]) {
    const id = name === undefined ? undefined : idOf.get(name);
    if (id !== undefined) return id;
  }
  return undefined;
}

const USUAL_NAMES = {
  eos_token: ["</s>", "[SEP]", "<eos>", "<|endoftext|>"],
  pad_token: ["<pad>", "[PAD]"],
  unk_token: ["<unk>", "[UNK]"],
} as const;
