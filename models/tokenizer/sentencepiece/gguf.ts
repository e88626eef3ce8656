/** The vocabulary of a T5 in a GGUF file's metadata, as the SentencePiece model that llama.cpp made it from. */
import * as z from "zod";
import { ModelError } from "../../errors.ts";
import type { AddedToken } from "../pipeline/added-tokens.ts";
import { type Piece, type SentencePieceModel, TYPE } from "../sentencepiece.ts";

/** A SentencePiece model and what stands beside it. */
export interface GgufVocabulary {
  readonly model: SentencePieceModel;
  /** Tokens that were added to it. */
  readonly added: readonly AddedToken[];
  /** How many sentinels follow its pieces without being named. */
  readonly extraIds: number;
  /** Whether `<s>` precedes every text. */
  readonly addsStart: boolean;
  /** Whether `</s>` follows every text. */
  readonly addsEnd: boolean;
}

/**
 * Reads a vocabulary.
 * @param metadata the file's, without the prefix `tokenizer.ggml.`
 * @throws ModelError "tokenizer" when it is of another kind than SentencePiece's unigrams, or malformed
 * @see _set_vocab of T5Model, convert_hf_to_gguf.py of llama.cpp
 */
export function ggufVocabulary(metadata: Readonly<Record<string, unknown>>, file: string): GgufVocabulary {
  const refused = (what: string) =>
    new ModelError("tokenizer", `${file} ${what}. Put the model's tokenizer.json or spiece.model beside it.`);
  if (metadata["tokens"] === undefined) throw refused("has no vocabulary");
  const kind = JSON.stringify(metadata["model"])?.slice(0, 60);
  if (kind !== '"t5"')
    throw refused(kind ? `has a vocabulary of the kind ${kind}, not "t5"` : "names no kind of vocabulary");
  const parsed = schema.safeParse(metadata);
  if (!parsed.success)
    throw refused(`has a vocabulary without a readable ${parsed.error.issues[0]?.path.join(".") ?? "list of tokens"}`);
  const { tokens, scores, token_type: types, ...rest } = parsed.data;
  for (const [name, list] of Object.entries({ scores, token_type: types }))
    if (list.length !== tokens.length) throw refused(`has ${list.length} ${name} for ${tokens.length} tokens`);
  const all = tokens.map((piece, id): Piece => ({ piece, score: scores[id] ?? 0, type: types[id] ?? TYPE.normal }));
  const isAdded = ({ type, score, piece }: Piece) =>
    SENTINEL.test(piece) || (type === TYPE.userDefined && score <= ADDED_SCORE);
  const isRoom = ({ piece, type }: Piece, id: number) => type === TYPE.unused && piece === `[PAD${id}]`;
  const end = 1 + all.findLastIndex((piece, id) => !isAdded(piece) && !isRoom(piece, id));
  const added = all.flatMap((piece, id) => (isAdded(piece) ? [addedToken(id, piece.piece)] : []));
  const room = all.slice(end, end + T5_SENTINELS).filter((piece, i) => isRoom(piece, end + i)).length;
  const hasBytes = all.some(({ type }) => type === TYPE.byte);
  return {
    model: {
      pieces: all.slice(0, end).map((piece) => (isAdded(piece) ? { ...piece, type: TYPE.unused } : piece)),
      trainer_spec: {
        model_type: 1,
        byte_fallback: hasBytes,
        treat_whitespace_as_suffix: false,
        unk_id: rest.unknown_token_id ?? all.findIndex(({ type }) => type === TYPE.unknown),
        bos_id: rest.bos_token_id ?? -1,
        eos_id: rest.eos_token_id,
        pad_id: rest.padding_token_id ?? -1,
        unk_surface: " \u2047 ",
      },
      normalizer_spec: {
        name: "",
        precompiled_charsmap: rest.precompiled_charsmap,
        add_dummy_prefix: rest.add_space_prefix,
        remove_extra_whitespaces: rest.remove_extra_whitespaces,
        escape_whitespaces: rest.escape_whitespaces,
      },
    },
    added,
    // The converter names only the sentinels that added_tokens.json lists; T5's own files list none of their 100.
    extraIds: room === T5_SENTINELS && !added.some(({ content }) => SENTINEL.test(content)) ? T5_SENTINELS : 0,
    addsStart: rest.add_bos_token,
    addsEnd: rest.add_eos_token,
  };
}

const T5_SENTINELS = 100;
const SENTINEL = /^<extra_id_\d+>$/;

/** The score that the converter gives to tokens of added_tokens.json. */
const ADDED_SCORE = -1000;

function addedToken(id: number, content: string): AddedToken {
  const special = SENTINEL.test(content);
  return { id, content, single_word: false, lstrip: special, rstrip: special, normalized: false, special };
}

const id = z.int().nonnegative();
const schema = z.object({
  tokens: z.array(z.string()).min(1),
  scores: z.array(z.number()),
  token_type: z.array(z.number()),
  unknown_token_id: id.optional(),
  bos_token_id: id.optional(),
  eos_token_id: id.default(1),
  padding_token_id: id.optional(),
  precompiled_charsmap: z.instanceof(Uint8Array).default(new Uint8Array()),
  add_space_prefix: z.boolean().default(true),
  remove_extra_whitespaces: z.boolean().default(false),
  escape_whitespaces: z.boolean().default(true),
  add_bos_token: z.boolean().default(false),
  add_eos_token: z.boolean().default(true),
});
