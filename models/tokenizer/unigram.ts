/** The Unigram model. It needs a map instead of a trie, and remembers words. */
import { ModelError } from "../errors.ts";
import { byteIds } from "./pipeline/byte-level.ts";
import { isStandardName } from "./special-tokens.ts";

/** The character for a space in pieces. */
export const WORD_START = "▁";

/**
 * Splits words into their likeliest pieces (Viterbi). Characters without a piece become the unknown piece, one per
 * run, or their bytes (`<0xE9>`) in vocabularies that have those.
 * @see encode_optimized, models/unigram/model.rs of huggingface/tokenizers
 */
export class UnigramModel {
  /** Ids by piece. */
  readonly idOf = new Map<string, number>();
  /** Pieces by id. */
  readonly pieces: string[];
  /** Ids of T5's own special pieces (`</s>`, `<extra_id_0>`), which text never becomes. */
  readonly standard: readonly number[];
  /** Id of the unknown piece. */
  readonly unknown: number;
  /** Score of each id; NaN for ids that text is never split into. */
  private readonly scores: Float64Array;
  private readonly longest = new LongestPieces();
  private readonly unknownScore: number;
  private readonly splitsAtSpaces: boolean;
  private readonly bytes: boolean;
  private readonly remembered = new Map<string, number[]>();
  /** By place in a word: the score of the best pieces up to there, and where the last of them begins. */
  private best = new Float64Array(64);
  private from = new Int32Array(64);

  /**
   * Creates the model.
   * @param vocab [piece, score] by id
   * @param unknownId id of the unknown piece
   * @param reserved further pieces that text never becomes, even if it spells them
   * @param bytes whether characters without a piece are spelled in bytes
   * @throws ModelError "tokenizer" when a row is not a piece and a score, or the unknown piece is missing
   */
  constructor(vocab: readonly unknown[], unknownId: number, reserved: ReadonlySet<string>, bytes = false) {
    this.scores = new Float64Array(vocab.length);
    this.pieces = new Array<string>(vocab.length);
    let least = Number.POSITIVE_INFINITY;
    let inner = false;
    const standard: number[] = [];
    for (let id = 0; id < vocab.length; id++) {
      const row = vocab[id];
      const piece: unknown = Array.isArray(row) ? row[0] : undefined;
      const score: unknown = Array.isArray(row) ? row[1] : undefined;
      if (typeof piece !== "string" || typeof score !== "number" || !Number.isFinite(score)) throw notAPiece(row, id);
      this.idOf.set(piece, id);
      this.pieces[id] = piece;
      this.scores[id] = score;
      if (score < least) least = score;
      if (isStandardName(piece)) standard.push(id);
      this.longest.add(piece);
      inner ||= piece.lastIndexOf(WORD_START) > 0;
    }
    for (const id of standard) this.scores[id] = Number.NaN;
    this.standard = standard;
    for (const piece of ["", ...reserved]) {
      const id = this.idOf.get(piece);
      if (id !== undefined) this.scores[id] = Number.NaN;
    }
    if (this.pieces[unknownId] === undefined) {
      throw new ModelError(
        "tokenizer",
        `The tokenizer's unknown piece has id ${unknownId}, but it has ${this.pieces.length} pieces. Take the tokenizer of the model's own repository.`,
      );
    }
    this.unknown = unknownId;
    this.unknownScore = least - 10;
    // Otherwise a run without pieces may go on behind a space.
    this.splitsAtSpaces = !inner && this.idOf.has(WORD_START);
    this.bytes = bytes;
  }

  /** Ids of a word's pieces, in order; "▁" stands for a space. */
  ids(text: string): readonly number[] {
    if (!this.splitsAtSpaces || text.lastIndexOf(WORD_START) <= 0) return this.word(text);
    const ids: number[] = [];
    for (const word of text.match(/▁?[^▁]+|▁/g) ?? []) for (const id of this.word(word)) ids.push(id);
    return ids;
  }

  private word(word: string): readonly number[] {
    const earlier = this.remembered.get(word);
    if (earlier !== undefined) return earlier;
    const ids = this.split(word);
    if (word.length <= 40) {
      if (this.remembered.size >= 20_000) this.remembered.clear();
      this.remembered.set(word, ids);
    }
    return ids;
  }

  private split(word: string): number[] {
    const length = word.length;
    if (length >= this.best.length) {
      this.best = new Float64Array(2 * length + 1);
      this.from = new Int32Array(2 * length + 1);
    }
    const { best, from } = this;
    best.fill(Number.NEGATIVE_INFINITY, 0, length + 1);
    best[0] = 0;
    for (let start = 0; start < length; ) {
      const unit = word.codePointAt(start) ?? 0;
      const characterSize = unit > 0xffff ? 2 : 1;
      const base = best[start] ?? 0;
      const reach = this.longest.at(word, start);
      let whole = false;
      for (let size = 1; size <= reach; size++) {
        const id = this.idOf.get(word.slice(start, start + size));
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

  private trace(word: string, from: Int32Array): number[] {
    const ids: number[] = [];
    for (let end = word.length; end > 0; ) {
      let start = from[end] ?? 0;
      if (start >= 0) {
        ids.push(this.idOf.get(word.slice(start, end)) ?? this.unknown);
        end = start;
        continue;
      }
      // A run without pieces is one unknown, or its bytes.
      start = ~start;
      for (let before = from[start] ?? 0; start > 0 && before < 0; before = from[start] ?? 0) start = ~before;
      const run = word.slice(start, end);
      const bytes = this.bytes ? byteIds(run, this.idOf) : undefined;
      if (bytes === undefined) ids.push(this.unknown);
      else ids.push(...bytes.reverse());
      end = start;
    }
    return ids.reverse();
  }
}

/** How far pieces may reach from a place: by the first two UTF-16 units, so that few texts are looked up in vain. */
export class LongestPieces {
  private readonly lengths = new Uint16Array(65536);

  /** Adds a piece. */
  add(piece: string): void {
    const { length } = piece;
    if (length < 2) return;
    const place = placeOf(piece, 0);
    if (length > (this.lengths[place] ?? 0)) this.lengths[place] = Math.min(length, 65535);
  }

  /** The most UTF-16 units that a piece has that begins at a place of a text; at least one, before the text's end. */
  at(text: string, start: number): number {
    const left = text.length - start;
    if (left < 2) return left;
    return Math.min(left, Math.max(1, this.lengths[placeOf(text, start)] ?? 0));
  }
}

/** Pairs may share a place, which then has the greatest length of all. */
function placeOf(text: string, start: number): number {
  return (Math.imul(text.charCodeAt(start), 0x9e37) ^ text.charCodeAt(start + 1)) & 0xffff;
}

function notAPiece(row: unknown, id: number): ModelError {
  return new ModelError(
    "tokenizer",
    `The tokenizer's piece ${id} is ${JSON.stringify(row)?.slice(0, 80)}, not a text and a score. Download tokenizer.json again.`,
  );
}
