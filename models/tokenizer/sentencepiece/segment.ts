/**
 * SentencePiece's two models that T5s have: unigram and byte pairs.
 * @see EncodeOptimized, unigram_model.cc; SampleEncode, bpe_model.cc
 */
import { escaped } from "../pipeline/part.ts";
import { type Piece, TYPE } from "../sentencepiece.ts";
import { LongestPieces } from "../unigram.ts";

/** Splits a normalized text into pieces: [text, id], with the unknown id for single characters that have none. */
export type Segmenter = (text: string) => (readonly [text: string, id: number])[];

/** Ids that text may become, by piece. */
export function textPieces(pieces: readonly Piece[]): Map<string, number> {
  const ids = new Map<string, number>();
  // A plain loop takes a third of the time of flatMap, which tells with 250,000 pieces.
  for (let id = 0; id < pieces.length; id++) {
    const { piece = "", type = TYPE.control } = pieces[id] ?? {};
    if (type === TYPE.normal || type === TYPE.userDefined || type === TYPE.unused) ids.set(piece, id);
  }
  return ids;
}

/** The unigram model: the likeliest pieces, with sums in float32 as there. */
export function createUnigramSegmenter(pieces: readonly Piece[], unknown: number): Segmenter {
  const ids = textPieces(pieces);
  const scores = new Float64Array(pieces.length);
  let least = Number.POSITIVE_INFINITY;
  // The reference begins at FLT_MIN, which is above 0, so symbols cost next to nothing.
  let most = 2 ** -126;
  const unused = new Set<number>();
  const symbols: number[] = [];
  const longest = new LongestPieces();
  for (let id = 0; id < pieces.length; id++) {
    const { piece = "", score = 0, type = TYPE.control } = pieces[id] ?? {};
    scores[id] = Math.fround(score);
    if (type === TYPE.normal) {
      if (score < least) least = Math.fround(score);
      if (score > most) most = Math.fround(score);
    } else if (type === TYPE.userDefined) symbols.push(id);
    else if (type === TYPE.unused) unused.add(id);
    else continue;
    longest.add(piece);
  }
  const unknownScore = Math.fround(least - 10);
  for (const id of symbols) scores[id] = Math.fround(Buffer.byteLength(pieces[id]?.piece ?? "") * most) - 0.1;
  let [best, from, idAt] = tablesOf(64);
  const segment = (text: string): [string, number][] => {
    if (text.length >= best.length) [best, from, idAt] = tablesOf(2 * text.length);
    best.fill(0, 0, text.length + 1);
    from.fill(-1, 0, text.length + 1);
    const offer = (start: number, end: number, score: number, id: number) => {
      const sum = Math.fround(score + (best[start] ?? 0)); // so that ties are those of the reference
      if (from[end] !== -1 && sum <= (best[end] ?? 0)) return;
      best[end] = sum;
      from[end] = start;
      idAt[end] = id;
    };
    for (let start = 0; start < text.length; ) {
      const size = (text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1;
      const reach = longest.at(text, start);
      let whole = false;
      for (let length = 1; length <= reach; length++) {
        const id = ids.get(text.slice(start, start + length));
        if (id === undefined || unused.has(id)) continue;
        offer(start, start + length, scores[id] ?? 0, id);
        whole ||= length === size;
      }
      if (!whole) offer(start, start + size, unknownScore, unknown);
      start += size;
    }
    const result: [string, number][] = [];
    for (let end = text.length; end > 0; end = from[end] ?? 0)
      result.push([text.slice(from[end], end), idAt[end] ?? unknown]);
    return result.reverse();
  };
  return segment;
}

/** By place in a text: the best sum, where the last piece begins, and its id. */
function tablesOf(length: number): [best: Float32Array, from: Int32Array, idAt: Int32Array] {
  return [new Float32Array(length + 1), new Int32Array(length + 1), new Int32Array(length + 1)];
}

/** The byte-pair model: pairs are merged, the best score first; symbols that users defined stay whole. */
export function createMergingSegmenter(pieces: readonly Piece[], unknown: number): Segmenter {
  const ids = textPieces(pieces);
  const symbols = pieces.filter(({ type }) => type === TYPE.userDefined).map(({ piece }) => escaped(piece));
  symbols.sort((a, b) => b.length - a.length);
  const pattern = new RegExp([...symbols, "[^]"].join("|"), "gu");
  const frozen = new Set(pieces.filter(({ type }) => type === TYPE.userDefined).map(({ piece }) => piece));
  const scoreOf = (piece: string): number | undefined => {
    const id = ids.get(piece);
    return id === undefined ? undefined : Math.fround(pieces[id]?.score ?? 0);
  };
  return (text) => {
    const parts: string[] = text.match(pattern) ?? [];
    const halves = new Map<string, readonly [string, string]>();
    mergePairs(parts, (left, right) => {
      if (frozen.has(left) || frozen.has(right)) return undefined;
      const score = scoreOf(left + right);
      const id = ids.get(left + right);
      if (id !== undefined && pieces[id]?.type === TYPE.unused) halves.set(left + right, [left, right]);
      return score;
    });
    const resolve = (piece: string): (readonly [string, number])[] => {
      const id = ids.get(piece) ?? unknown;
      const half = pieces[id]?.type === TYPE.unused ? halves.get(piece) : undefined;
      return half === undefined ? [[piece, id]] : half.flatMap(resolve);
    };
    return parts.flatMap(resolve);
  };
}

/** Merges neighbors in place until none has a score: the highest first, of equal ones the leftmost. */
function mergePairs(parts: string[], score: (left: string, right: string) => number | undefined): void {
  const scores = parts.slice(1).map((right, i) => score(parts[i] ?? "", right));
  for (;;) {
    let best = -1;
    for (const [i, value] of scores.entries())
      if (value !== undefined && (best < 0 || value > (scores[best] ?? Number.NEGATIVE_INFINITY))) best = i;
    if (best < 0) return;
    parts.splice(best, 2, (parts[best] ?? "") + (parts[best + 1] ?? ""));
    scores.splice(best, 1);
    if (best > 0) scores[best - 1] = score(parts[best - 1] ?? "", parts[best] ?? "");
    if (best < scores.length) scores[best] = score(parts[best] ?? "", parts[best + 1] ?? "");
  }
}
