/** WordPiece vocabularies in BERT's file, vocab.txt, with which Chinese T5s were published (uer/t5-base-chinese). */
import { ModelError } from "../errors.ts";
import type { TokenizerSettings } from "./special-tokens.ts";

/**
 * The tokenizer.json equivalent of a vocab.txt.
 * @param lines content of vocab.txt: a piece per line, its id the line's number
 * @param settings what the files beside it say
 * @throws ModelError "tokenizer" when a token that BERT's tokenizer needs is not in it
 * @see BertTokenizer, transformers tokenization_bert.py
 */
export function wordPieceTokenizerJson(lines: string, settings: TokenizerSettings): object {
  const pieces = lines.split(/\r\n|[\r\n]/);
  if (pieces.at(-1) === "") pieces.pop();
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  const nameOf = (role: keyof typeof USUAL) => settings.names[role] ?? USUAL[role];
  const roles = (["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"] as const).map(nameOf);
  const [, unknown = "", start = "", end = ""] = roles;
  for (const name of [unknown, start, end]) if (!ids.has(name)) throw lacking(name);
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const names = new Set([...roles, ...settings.special]);
  const named = pieces.flatMap((content, id) => (names.has(content) ? [{ ...flags, id, content }] : []));
  const token = (name: string) => ({ SpecialToken: { id: name, type_id: 0 } });
  const framed = (name: string) => [name, { id: name, ids: [ids.get(name)], tokens: [name] }];
  const { doLowerCase, tokenizeChineseChars, stripAccents } = settings.bert;
  const { added } = settings;
  return {
    version: "1.0",
    added_tokens: [...named.filter(({ content }) => !added.some((later) => later.content === content)), ...added],
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: tokenizeChineseChars,
      strip_accents: stripAccents,
      lowercase: doLowerCase,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [token(start), { Sequence: { id: "A", type_id: 0 } }, token(end)],
      special_tokens: Object.fromEntries([framed(start), framed(end)]),
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: unknown,
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(ids),
    },
  };
}

const USUAL = {
  pad_token: "[PAD]",
  unk_token: "[UNK]",
  cls_token: "[CLS]",
  sep_token: "[SEP]",
  mask_token: "[MASK]",
} as const;

function lacking(name: string): ModelError {
  return new ModelError(
    "tokenizer",
    `vocab.txt cannot be used: it lacks ${name}, which BERT's tokenizer puts into every text. Take vocab.txt and tokenizer_config.json, or tokenizer.json, from the model's own repository.`,
  );
}
