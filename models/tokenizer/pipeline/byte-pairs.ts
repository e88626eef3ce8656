/** Byte-pair encoding. @see huggingface/tokenizers, src/models/bpe (merge_word, Word::merge_all) */
import { byteIds } from "./byte-level.ts";
import { flag, type Part, unsupported } from "./part.ts";

/** Splits words into pieces. */
export interface SubwordModel {
  ids(word: string): readonly number[];
  /** The id of what has no piece, if there is one. */
  readonly unknown: number | undefined;
}

/**
 * Creates the model.
 * @throws ModelError "tokenizer" when the file is malformed, or drops merges by chance
 */
export function createBytePairs(part: Part, vocab: ReadonlyMap<string, number>): SubwordModel {
  const text = (key: string): string => {
    const value = part[key];
    return typeof value === "string" ? value : "";
  };
  if (typeof part["dropout"] === "number" && part["dropout"] > 0)
    throw unsupported("its BPE model leaves out merges by chance (dropout)");
  const [prefix, suffix] = [text("continuing_subword_prefix"), text("end_of_word_suffix")];
  const merges = readMerges(part["merges"], vocab, prefix.length);
  const unknown = typeof part["unk_token"] === "string" ? vocab.get(part["unk_token"]) : undefined;
  if (typeof part["unk_token"] === "string" && unknown === undefined)
    throw unsupported(`its unknown token ${part["unk_token"]} is not in the vocabulary`);
  const spelling = {
    prefix,
    suffix,
    vocab,
    unknown,
    fuses: flag(part, "fuse_unk", false),
    bytes: flag(part, "byte_fallback", false),
  };
  const takesWholeWords = flag(part, "ignore_merges", false);
  const remembered = new Map<string, readonly number[]>();
  return {
    ids(word) {
      const whole = takesWholeWords ? vocab.get(word) : undefined;
      if (whole !== undefined) return [whole];
      const known = remembered.get(word);
      if (known !== undefined) return known;
      const ids = merged(symbolsOf(word, spelling), merges);
      if (word.length <= 40) {
        if (remembered.size >= 20_000) remembered.clear();
        remembered.set(word, ids);
      }
      return ids;
    },
    unknown,
  };
}

/** Pairs of ids, as `left * 2^26 + right`, with their rank and what they become. */
type Merges = ReadonlyMap<number, { readonly rank: number; readonly id: number }>;
const PAIR = 2 ** 26;

function readMerges(value: unknown, vocab: ReadonlyMap<string, number>, prefixLength: number): Merges {
  if (!Array.isArray(value)) throw unsupported("its BPE model has no list of merges");
  const merges = new Map<number, { rank: number; id: number }>();
  for (const [rank, row] of value.entries()) {
    const pair: unknown[] = typeof row === "string" ? row.split(" ") : Array.isArray(row) ? row : [];
    const [left, right] = pair;
    if (pair.length !== 2 || typeof left !== "string" || typeof right !== "string")
      throw unsupported(`its merge ${rank} is not a pair`);
    const ids = [vocab.get(left), vocab.get(right), vocab.get(left + right.slice(prefixLength))];
    const [leftId, rightId, id] = ids;
    if (leftId === undefined || rightId === undefined || id === undefined)
      throw unsupported(`its merge ${rank}, of ${left} and ${right}, has a piece that is not in the vocabulary`);
    merges.set(leftId * PAIR + rightId, { rank, id });
  }
  return merges;
}

interface Spelling {
  readonly prefix: string;
  readonly suffix: string;
  readonly vocab: ReadonlyMap<string, number>;
  readonly unknown: number | undefined;
  readonly fuses: boolean;
  readonly bytes: boolean;
}

/** The ids of a word's characters. */
function symbolsOf(word: string, { prefix, suffix, vocab, unknown, fuses, bytes }: Spelling): number[] {
  const ids: number[] = [];
  let follows = false;
  const characters = Array.from(word);
  for (const [i, character] of characters.entries()) {
    const spelled = `${i > 0 ? prefix : ""}${character}${i === characters.length - 1 ? suffix : ""}`;
    const id = vocab.get(spelled);
    const spelledBytes = id === undefined && bytes ? byteIds(spelled, vocab) : undefined;
    if (id !== undefined) ids.push(id);
    else if (spelledBytes !== undefined) ids.push(...spelledBytes);
    else if (unknown !== undefined && !(fuses && follows)) ids.push(unknown);
    follows = id === undefined && spelledBytes === undefined;
  }
  return ids;
}

/** Merges pairs, the one of the lowest rank first, and of equal ones the leftmost. */
function merged(symbols: readonly number[], merges: Merges): number[] {
  const ids = [...symbols];
  const next = ids.map((_, i) => i + 1);
  const previous = ids.map((_, i) => i - 1);
  const queue = createQueue();
  const offer = (left: number): void => {
    const right = next[left] ?? ids.length;
    if (left < 0 || right >= ids.length) return;
    const merge = merges.get((ids[left] ?? 0) * PAIR + (ids[right] ?? 0));
    if (merge !== undefined) queue.push({ rank: merge.rank, left, id: merge.id });
  };
  for (let i = 0; i < ids.length; i++) offer(i);
  for (let top = queue.pop(); top !== undefined; top = queue.pop()) {
    const { left } = top;
    const right = next[left] ?? ids.length;
    if (ids[left] === GONE || right >= ids.length) continue;
    // The pair may have changed since it was offered.
    const merge = merges.get((ids[left] ?? 0) * PAIR + (ids[right] ?? 0));
    if (merge?.id !== top.id) continue;
    ids[left] = top.id;
    ids[right] = GONE;
    const after = next[right] ?? ids.length;
    next[left] = after;
    if (after < ids.length) previous[after] = left;
    offer(previous[left] ?? -1);
    offer(left);
  }
  return ids.filter((id) => id !== GONE);
}

const GONE = -1;

interface Offer {
  readonly rank: number;
  readonly left: number;
  readonly id: number;
}

/** A binary heap, the lowest rank first, then the leftmost. */
function createQueue() {
  const heap: Offer[] = [];
  const precedes = (a: Offer, b: Offer): boolean => a.rank < b.rank || (a.rank === b.rank && a.left < b.left);
  return {
    push(offer: Offer): void {
      let at = heap.length;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        const above = heap[parent];
        if (above === undefined || !precedes(offer, above)) break;
        heap[at] = above;
        at = parent;
      }
      heap[at] = offer;
    },
    pop(): Offer | undefined {
      const top = heap[0];
      const last = heap.pop();
      if (top === undefined || last === undefined || heap.length === 0) return top;
      let at = 0;
      for (;;) {
        const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
        const isRight = left !== undefined && right !== undefined && precedes(right, left);
        const child = isRight ? right : left;
        if (child === undefined || !precedes(child, last)) break;
        heap[at] = child;
        at = 2 * at + (isRight ? 2 : 1);
      }
      heap[at] = last;
      return top;
    },
  };
}
