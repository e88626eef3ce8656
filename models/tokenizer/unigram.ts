/**
 * SentencePiece's Unigram model for the library's Tokenizer. The library's own takes 200 ms to build its trie and 10
 * ms per thousand characters; this one needs only a map, and remembers words.
 */
import { Model } from "@huggingface/tokenizers";
import { ModelError } from "../errors.ts";

/** The character for a space in pieces. */
export const WORD_START = "▁";

/**
 * Splits words into their likeliest pieces (Viterbi). Characters without a piece become the unknown piece, one per
 * run, or their bytes (`<0xE9>`) in vocabularies that have those.
 * @see encode_optimized, models/unigram/model.rs of huggingface/tokenizers
 */
export class UnigramModel extends Model {
  /** Score of each id; NaN for ids that text is never split into. */
  private readonly scores: Float64Array;
  /** By first UTF-16 unit: the length of the longest piece that begins with it. */
  private readonly longest = new Uint16Array(65536);
  private readonly unknown: string;
  private readonly unknownScore: number;
  private readonly splitsAtSpaces: boolean;
  private readonly bytes: boolean;
  private readonly remembered = new Map<string, string[]>();

  /**
   * Creates the model.
   * @param vocab [piece, score] by id
   * @param unknownId id of the unknown piece
   * @param reserved pieces that text never becomes, even if it spells them (`</s>`, `<extra_id_0>`)
   * @param bytes whether characters without a piece are spelled in bytes
   * @throws ModelError "tokenizer" when a row is not a piece and a score, or the unknown piece is missing
   */
  constructor(vocab: readonly unknown[], unknownId: number, reserved: ReadonlySet<string>, bytes = false) {
    super({ type: "Unigram", unk_id: unknownId, vocab: [] });
    this.scores = new Float64Array(vocab.length);
    this.vocab = new Array<string>(vocab.length);
    let least = Number.POSITIVE_INFINITY;
    let inner = false;
    for (let id = 0; id < vocab.length; id++) {
      const row = vocab[id];
      const piece: unknown = Array.isArray(row) ? row[0] : undefined;
      const score: unknown = Array.isArray(row) ? row[1] : undefined;
      if (typeof piece !== "string" || typeof score !== "number") throw notAPiece(row, id);
      this.tokens_to_ids.set(piece, id);
      this.vocab[id] = piece;
      this.scores[id] = score;
      if (score < least) least = score;
      const first = piece.charCodeAt(0);
      if (piece.length > (this.longest[first] ?? 0)) this.longest[first] = piece.length;
      inner ||= piece.lastIndexOf(WORD_START) > 0;
    }
    const byteNames = bytes ? Array.from({ length: 256 }, (_, byte) => byteName(byte)) : [];
    for (const piece of ["", ...reserved, ...byteNames])
      this.scores[this.tokens_to_ids.get(piece) ?? unknownId] = Number.NaN;
    const unknown = this.vocab[unknownId];
    if (unknown === undefined) {
      throw new ModelError(
        "tokenizer",
        `The tokenizer's unknown piece has id ${unknownId}, but it has ${this.vocab.length} pieces. Take the tokenizer of the model's own repository.`,
      );
    }
    this.unknown = unknown;
    this.unk_token = unknown;
    this.unk_token_id = unknownId;
    this.unknownScore = least - 10;
    this.splitsAtSpaces = !inner;
    this.bytes = bytes;
  }

  /** Pieces of the words, in order; "▁" stands for a space. */
  override encode(words: string[]): string[] {
    const pieces: string[] = [];
    for (const text of words) {
      const parts = this.splitsAtSpaces ? (text.match(/▁?[^▁]+|▁/g) ?? []) : [text];
      for (const word of parts) for (const piece of this.word(word)) pieces.push(piece);
    }
    return pieces;
  }

  private word(word: string): readonly string[] {
    const earlier = this.remembered.get(word);
    if (earlier !== undefined) return earlier;
    const pieces = this.split(word);
    if (word.length <= 40) {
      if (this.remembered.size >= 20_000) this.remembered.clear();
      this.remembered.set(word, pieces);
    }
    return pieces;
  }

  private split(word: string): string[] {
    const length = word.length;
    const best = new Float64Array(length + 1).fill(Number.NEGATIVE_INFINITY);
    const from = new Int32Array(length + 1);
    best[0] = 0;
    for (let start = 0; start < length; ) {
      const unit = word.codePointAt(start) ?? 0;
      const characterSize = unit > 0xffff ? 2 : 1;
      const base = best[start] ?? 0;
      const reach = Math.min(length - start, this.longest[word.charCodeAt(start)] ?? 0);
      let whole = false;
      for (let size = 1; size <= reach; size++) {
        const id = this.tokens_to_ids.get(word.slice(start, start + size));
        const score = id === undefined ? Number.NaN : (this.scores[id] ?? Number.NaN);
        if (Number.isNaN(score)) continue;
        whole ||= size === characterSize;
        if (base + score > (best[start + size] ?? 0)) {
          best[start + size] = base + score;
          from[start + size] = start;
        }
      }
      if (!whole && base + this.unknownScore > (best[start + characterSize] ?? 0)) {
        best[start + characterSize] = base + this.unknownScore;
        from[start + characterSize] = ~start;
      }
      start += characterSize;
    }
    return this.trace(word, from);
  }

  private trace(word: string, from: Int32Array): string[] {
    const pieces: string[] = [];
    for (let end = word.length; end > 0; ) {
      const start = from[end] ?? 0;
      const unknown = start < 0;
      const begin = unknown ? ~start : start;
      const piece = word.slice(begin, end);
      if (!unknown) pieces.push(piece);
      else if (this.bytes) pieces.push(...Array.from(new TextEncoder().encode(piece), byteName).reverse());
      else if (pieces.at(-1) !== this.unknown) pieces.push(this.unknown);
      end = begin;
    }
    return pieces.reverse();
  }
}

function byteName(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}

function notAPiece(row: unknown, id: number): ModelError {
  return new ModelError(
    "tokenizer",
    `The tokenizer's piece ${id} is ${JSON.stringify(row)?.slice(0, 80)}, not a text and a score. Download tokenizer.json again.`,
  );
}
