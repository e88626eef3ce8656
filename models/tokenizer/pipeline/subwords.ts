/** Models of tokenizer.json: words to ids. @see huggingface/tokenizers, src/models */
import { isStandardName } from "../special-tokens.ts";
import { UnigramModel } from "../unigram.ts";
import { createBytePairs, type SubwordModel } from "./byte-pairs.ts";
import { flag, numberField, type Part, textField, unsupported } from "./part.ts";

/** A model with its vocabulary. */
export interface Vocabulary {
  readonly model: SubwordModel;
  /** Ids by piece; added tokens may be set, which do not become pieces of words. */
  readonly idOf: Map<string, number>;
  /** Pieces by id; may have holes, and added tokens may be set. */
  readonly pieces: string[];
  /** Ids of T5's own special pieces. */
  readonly standard: readonly number[];
}

/**
 * Creates the model of a tokenizer.json.
 * @param reserved pieces that text never becomes, even if it spells them
 * @throws ModelError "tokenizer" that says what is wrong with it
 */
export function createVocabulary(part: Part, reserved: ReadonlySet<string>): Vocabulary {
  const type = part["type"] ?? olderType(part);
  if (type === "Unigram") {
    const { vocab, unk_id: unknownId } = part;
    if (!Array.isArray(vocab)) throw unsupported("its Unigram model has no list of pieces (model.vocab)");
    if (typeof unknownId !== "number") throw unsupported("its Unigram model has no unknown piece (model.unk_id)");
    const model = new UnigramModel(vocab, unknownId, reserved, flag(part, "byte_fallback", false));
    return { model, idOf: model.idOf, pieces: model.pieces, standard: model.standard };
  }
  if (type !== "BPE" && type !== "WordPiece" && type !== "WordLevel")
    throw unsupported(`its model has the type ${String(type)}, which is not known`);
  const words = tableOf(part["vocab"]);
  const idOf = new Map(words);
  const pieces: string[] = [];
  for (const [piece, id] of idOf) pieces[id] = piece;
  const standard = [...idOf].filter(([piece]) => isStandardName(piece)).map(([, id]) => id);
  const table = { idOf, pieces, standard };
  if (type === "BPE") return { model: createBytePairs(part, words), ...table };
  const unknown = idOf.get(textField(part, "unk_token", "model", type === "WordPiece" ? "[UNK]" : "<unk>"));
  if (unknown === undefined) throw unsupported(`its ${type} model's unknown token is not in the vocabulary`);
  if (type === "WordLevel") return { model: { ids: (word) => [words.get(word) ?? unknown], unknown }, ...table };
  return { model: wordPieces(part, words, unknown), ...table };
}

/** Files older than the types have no type in their model. */
function olderType(part: Part): string {
  if (Array.isArray(part["vocab"])) return "Unigram";
  if ("merges" in part) return "BPE";
  return "continuing_subword_prefix" in part ? "WordPiece" : "WordLevel";
}

/** Far above any published vocabulary, and within the places of a list. */
const MOST_ID = 10_000_000;

function tableOf(value: unknown): Map<string, number> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw unsupported("its model has no table of pieces (model.vocab)");
  const table = new Map<string, number>();
  for (const [piece, id] of Object.entries(value)) {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id > MOST_ID)
      throw unsupported(
        `the id of its piece ${JSON.stringify(piece).slice(0, 80)} is not a number from 0 to ${MOST_ID}`,
      );
    table.set(piece, id);
  }
  return table;
}

/** The longest piece first; a word that cannot be spelled is unknown as a whole. */
function wordPieces(part: Part, idOf: ReadonlyMap<string, number>, unknown: number): SubwordModel {
  const prefix = textField(part, "continuing_subword_prefix", "model", "##");
  const most = numberField(part, "max_input_chars_per_word", "model", 100);
  return {
    ids(word) {
      const characters = Array.from(word);
      if (characters.length > most) return [unknown];
      const ids: number[] = [];
      for (let start = 0; start < characters.length; ) {
        let end = characters.length;
        let id: number | undefined;
        for (; end > start; end -= 1) {
          id = idOf.get((start > 0 ? prefix : "") + characters.slice(start, end).join(""));
          if (id !== undefined) break;
        }
        if (id === undefined) return [unknown];
        ids.push(id);
        start = end;
      }
      return ids;
    },
    unknown,
  };
}
