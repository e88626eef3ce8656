/** Byte-level byte-pair vocabularies: CodeT5's, in RoBERTa's files. */
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import * as z from "zod";
import { reason } from "../../base/reason.ts";
import { ModelError } from "../errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

const addedToken = z.looseObject({
  id: z.int().nonnegative(),
  content: z.string().min(1),
  special: z.boolean().default(false),
});
const file = z.looseObject({
  model: z.looseObject({ type: z.literal("BPE"), vocab: z.record(z.string(), z.int().nonnegative()) }),
  added_tokens: z.array(addedToken),
});

/** Whether a parsed tokenizer.json is of this kind. */
export function isBytePair(json: unknown): boolean {
  return z.object({ model: z.object({ type: z.literal("BPE") }) }).safeParse(json).success;
}

/**
 * Creates a tokenizer from a parsed tokenizer.json whose model is BPE on bytes.
 * @throws ModelError "tokenizer" when it is not one, or lacks RoBERTa's special tokens
 */
export function createBytePairTokenizer(json: unknown): Tokenizer {
  const parsed = file.safeParse(json);
  if (!parsed.success) throw refused(z.prettifyError(parsed.error), parsed.error);
  const { model, added_tokens: added } = parsed.data;
  const library = (special: boolean): LibraryTokenizer => {
    const shown = added.filter((token) => special || !token.special);
    try {
      // Tokens at the ends of an input are added to its parts, not to each text.
      return new LibraryTokenizer(
        { ...parsed.data, post_processor: null, added_tokens: shown },
        { clean_up_tokenization_spaces: false },
      );
    } catch (error) {
      throw refused(reason(error), error);
    }
  };
  const withSpecial = library(true);
  const plain = library(false);
  const ids = new Map([
    ...Object.entries(model.vocab),
    ...added.map(({ content, id }): [string, number] => [content, id]),
  ]);
  const pieces = new Map([...ids].map(([piece, id]) => [id, piece.replaceAll(SPACE, "▁")]));
  const required = (content: string): number => {
    const id = ids.get(content);
    if (id === undefined) throw refused(`it has no ${content}`, undefined);
    return id;
  };
  const sentinelIds: number[] = [];
  for (let id = ids.get("<extra_id_0>"); id !== undefined; id = ids.get(`<extra_id_${sentinelIds.length}>`))
    sentinelIds.push(id);
  return {
    encode: (text, { special = false } = {}) =>
      text === "" ? [] : (special ? withSpecial : plain).encode(text, { add_special_tokens: false }).ids,
    decode: (tokens, { keepSpecial = false } = {}) =>
      tokens.length === 0 ? "" : withSpecial.decode([...tokens], { skip_special_tokens: !keepSpecial }),
    pieceOf: (id) => pieces.get(id),
    size: 1 + Math.max(...ids.values()),
    bosId: required("<s>"),
    eosId: required("</s>"),
    padId: required("<pad>"),
    unkId: required("<unk>"),
    sentinelIds,
    lengthMarks: [],
    promptIds: [],
    spellsLayout: true,
  };
}

/**
 * The tokenizer.json equivalent of RoBERTa's older files, with which CodeT5 was published.
 * @param vocab vocab.json: piece -> id
 * @param merges merges.txt: two pieces per line, most frequent first
 * @param added added_tokens.json: later additions to the vocabulary, including sentinels
 * @throws ModelError "tokenizer" when a file is malformed
 */
export function robertaTokenizerJson(vocab: unknown, merges: string, added: unknown): object {
  const base = table.safeParse(vocab);
  const later = table.safeParse(added);
  if (!base.success || !later.success)
    throw refused("vocab.json or added_tokens.json is not a table of pieces", base.error);
  const tokens = { ...base.data, ...later.data };
  const special = /^(?:<pad>|<s>|<\/s>|<unk>|<mask>|<extra_id_\d+>)$/;
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: "1.0",
    added_tokens: Object.entries(tokens)
      .filter(([content]) => special.test(content) || content in later.data)
      .map(([content, id]) => ({ id, content, special: special.test(content), normalized: false })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      vocab: base.data,
      merges: merges.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#version")),
    },
  };
}

const table = z.record(z.string(), z.int().nonnegative());

/** The vocabulary's character for a space. */
const SPACE = "Ġ";

function refused(reason: string, cause: unknown): ModelError {
  return new ModelError(
    "tokenizer",
    `The byte-pair tokenizer cannot be used: ${reason}. Take tokenizer.json, or vocab.json and merges.txt, from the model's own repository.`,
    { cause },
  );
}
