/** Reads spiece.model, SentencePiece's own file, which is the only tokenizer file of some T5 checkpoints. */
import protobuf from "protobufjs/light.js";
import { ModelError } from "../errors.ts";
import { WORD_START } from "./unigram.ts";

/**
 * Converts a SentencePiece model as T5 uses it to a tokenizer.json (as an object, in the current layout) that gives
 * the same ids.
 * @param file content of spiece.model, or what it says
 * @param options `extraIds`: number of sentinels to add after the pieces, `<extra_id_0>` last; 100 in T5, none if the
 * file has its own (`cc_all.32000.100extra`, mT5's); `advice`: what to do instead if it is not of T5's kind
 * @throws ModelError "tokenizer" when the bytes are not a complete SentencePiece model, or not of T5's kind
 * @see sentencepiece_model.proto; SentencePieceVocabulary of google/seqio
 */
export function sentencepieceToTokenizerJson(
  file: Uint8Array | SentencePieceModel,
  options: { extraIds?: number; advice?: string } = {},
): object {
  const model = file instanceof Uint8Array ? decodeModel(file) : file;
  const { pieces: stored, trainer_spec: trainer, normalizer_spec: normalizer } = model;
  const pieces = stored.map(withoutMarker);
  const unlike = unlikeT5(pieces, trainer, normalizer);
  if (unlike !== undefined) throw broken(`it ${unlike}`, undefined, options.advice);

  const special = (id: number, content: string, isSpecial = true): object => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: isSpecial,
  });
  const addedTokens = pieces.flatMap((piece, id) =>
    piece.type === TYPE.normal || piece.type === TYPE.byte
      ? []
      : [special(id, piece.piece, piece.type !== TYPE.userDefined)],
  );
  const extraIds = pieces.some((piece, id) => piece !== stored[id]) ? 0 : (options.extraIds ?? 100);
  const sentinels = Array.from({ length: extraIds }, (_, i) => `<extra_id_${extraIds - 1 - i}>`);
  const metaspace = { type: "Metaspace", replacement: WORD_START, prepend_scheme: "always", split: true };
  const eos = pieces[trainer.eos_id]?.piece ?? "</s>";
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [...addedTokens, ...sentinels.map((content, i) => special(pieces.length + i, content))],
    normalizer:
      normalizer.precompiled_charsmap.length === 0
        ? null
        : {
            type: "Precompiled",
            precompiled_charsmap: Buffer.from(normalizer.precompiled_charsmap).toString("base64"),
          },
    pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "WhitespaceSplit" }, metaspace] },
    post_processor: endsWith(eos, trainer.eos_id),
    decoder: trainer.byte_fallback ? { type: "Sequence", decoders: [{ type: "ByteFallback" }, metaspace] } : metaspace,
    model: {
      type: "Unigram",
      unk_id: trainer.unk_id,
      byte_fallback: trainer.byte_fallback,
      vocab: [...pieces.map(({ piece, score }) => [piece, score]), ...sentinels.map((content) => [content, 0])],
    },
  };
}

/** Kinds of pieces. */
export const TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

const SENTINEL = /^▁?<extra_id_\d+>$/;

/** Converts a sentinel in the file, which seqio writes as "▁<extra_id_0>", to a special token; other pieces stay. */
export function withoutMarker(stored: Piece): Piece {
  const { piece, score } = stored;
  if (piece.charCodeAt(piece.startsWith("▁") ? 1 : 0) !== 60 || !SENTINEL.test(piece)) return stored;
  return { piece: piece.replace("▁", ""), score, type: TYPE.control };
}

/** A piece of a SentencePiece model. */
export interface Piece {
  readonly piece: string;
  readonly score: number;
  readonly type: number;
}

/** The used part of a SentencePiece model's file. */
export interface SentencePieceModel {
  readonly pieces: readonly Piece[];
  readonly trainer_spec: {
    readonly model_type: number;
    /** Whether a character without a piece becomes its bytes (mT5). */
    readonly byte_fallback: boolean;
    readonly treat_whitespace_as_suffix: boolean;
    readonly unk_id: number;
    readonly bos_id: number;
    readonly eos_id: number;
    readonly pad_id: number;
    readonly unk_surface: string;
  };
  readonly normalizer_spec: {
    readonly name: string;
    readonly precompiled_charsmap: Uint8Array;
    readonly add_dummy_prefix: boolean;
    readonly remove_extra_whitespaces: boolean;
    readonly escape_whitespaces: boolean;
  };
}

/** The fields of sentencepiece_model.proto that are used here, with its numbers and defaults. */
const schema: protobuf.INamespace = {
  nested: {
    Piece: {
      edition: "proto2",
      fields: {
        piece: { type: "string", id: 1 },
        score: { type: "float", id: 2 },
        type: { type: "int32", id: 3, options: { default: TYPE.normal } },
      },
    },
    Trainer: {
      edition: "proto2",
      fields: {
        model_type: { type: "int32", id: 3, options: { default: 1 } },
        treat_whitespace_as_suffix: { type: "bool", id: 24, options: { default: false } },
        byte_fallback: { type: "bool", id: 35, options: { default: false } },
        unk_id: { type: "int32", id: 40, options: { default: 0 } },
        bos_id: { type: "int32", id: 41, options: { default: 1 } },
        eos_id: { type: "int32", id: 42, options: { default: 2 } },
        pad_id: { type: "int32", id: 43, options: { default: -1 } },
        unk_surface: { type: "string", id: 44, options: { default: " \u2047 " } },
      },
    },
    Normalizer: {
      edition: "proto2",
      fields: {
        name: { type: "string", id: 1 },
        precompiled_charsmap: { type: "bytes", id: 2 },
        add_dummy_prefix: { type: "bool", id: 3, options: { default: true } },
        remove_extra_whitespaces: { type: "bool", id: 4, options: { default: true } },
        escape_whitespaces: { type: "bool", id: 5, options: { default: true } },
      },
    },
    Model: {
      edition: "proto2",
      fields: {
        pieces: { rule: "repeated", type: "Piece", id: 1 },
        trainer_spec: { type: "Trainer", id: 2 },
        normalizer_spec: { type: "Normalizer", id: 3 },
      },
    },
  },
};

/** Its decoder is made once, and compiled by the first files: made anew, each load would take twice the time. */
const modelType = protobuf.Root.fromJSON(schema).lookupType("Model");

/**
 * Reads a SentencePiece model.
 * @throws ModelError "tokenizer" when the bytes are not a complete one
 */
export function decodeModel(bytes: Uint8Array): SentencePieceModel {
  let decoded: SentencePieceModel;
  try {
    // The schema above declares this type; absent messages are null, and absent fields have its defaults.
    decoded = modelType.decode(bytes) as unknown as SentencePieceModel;
  } catch (error) {
    throw broken("its bytes end early or are not protobuf", error);
  }
  if (decoded.pieces.length === 0 || decoded.trainer_spec === null || decoded.normalizer_spec === null) {
    throw broken("it contains no pieces, or its end is missing", undefined);
  }
  return decoded;
}

/** Encodes a SentencePiece model as a file, with the fields that are used here. */
export function encodeModel(model: SentencePieceModel): Uint8Array {
  return modelType.encode(modelType.fromObject(model)).finish();
}

/** Describes how the model differs from T5's kind; undefined if it does not. */
function unlikeT5(
  pieces: readonly Piece[],
  trainer: SentencePieceModel["trainer_spec"],
  normalizer: SentencePieceModel["normalizer_spec"],
): string | undefined {
  const supported = Object.values<number>(TYPE).filter(
    (type) => type !== TYPE.unused && (type !== TYPE.byte || trainer.byte_fallback),
  );
  const odd = pieces.findIndex(({ type }) => !supported.includes(type));
  if (trainer.model_type !== 1) return `is of type ${trainer.model_type}, not unigram (1)`;
  if (pieces[trainer.unk_id]?.type !== TYPE.unknown) return `has no unknown piece at id ${trainer.unk_id}`;
  if (odd >= 0)
    return `has a piece of type ${pieces[odd]?.type} (id ${odd}), unused or a stray byte, which T5 does not have`;
  if (!pieces.every(({ score }) => Number.isFinite(score))) return "has a piece whose score is not a number";
  if (!normalizer.add_dummy_prefix || !normalizer.remove_extra_whitespaces || trainer.treat_whitespace_as_suffix)
    return "treats white space differently from T5";
  if (pieces.some(({ piece, type }) => type === TYPE.userDefined && !SENTINEL.test(piece)))
    return "has user-defined symbols";
  if (pieces.some(({ piece }) => piece.lastIndexOf(WORD_START) > 0)) return "has pieces with several words";
  return undefined;
}

function endsWith(eos: string, id: number): object {
  const text = (sequence: string): object => ({ Sequence: { id: sequence, type_id: 0 } });
  const end = { SpecialToken: { id: eos, type_id: 0 } };
  return {
    type: "TemplateProcessing",
    single: [text("A"), end],
    pair: [text("A"), end, text("B"), end],
    special_tokens: { [eos]: { id: eos, ids: [id], tokens: [eos] } },
  };
}

/** An error of a spiece.model, which says what is wrong with it. */
export function broken(reason: string, cause: unknown, advice = DOWNLOAD): ModelError {
  return new ModelError("tokenizer", `spiece.model cannot be used: ${reason}. ${advice}`, { cause });
}

const DOWNLOAD = "Download it again, or put the repository's tokenizer.json beside it.";
