/** How likely the model finds words at a place, so that the engine's process is called once for all of them. */
import { LRUCache } from "lru-cache";
import { encodePieces } from "../../models/tokenizer/parts.ts";
import { spanInput } from "../../models/tokenizer/spans.ts";
import type { Tokenizer } from "../../models/tokenizer/tokenizer.ts";
import type { WordChance, WordChances, WordChancesRequest } from "./engine.ts";
import { BEGINS, CONTINUES, ENDS, type TreeWord, type WordTreeRequest } from "./search/word-tree.ts";

/** Weighs words by their tokens. @see weighWords */
export type WordWeigher = (request: WordTreeRequest) => Promise<readonly TreeWord[] | undefined>;

/**
 * The chances of words at a place.
 * @param weigh returns undefined when it was cancelled
 * @throws ModelError "tokenizer" when the vocabulary has no sentinel; what `weigh` throws
 */
export async function wordChances(
  tokenizer: Tokenizer,
  request: WordChancesRequest,
  weigh: WordWeigher,
): Promise<WordChances> {
  const { continues = false, besides } = request;
  const known = tokensOf(tokenizer);
  const readable = request.words
    .map((word, i) => ({ word, ids: known.ofWord(word, continues), besides: besides?.[i] ?? 0 }))
    .filter(({ ids }) => ids.length > 0 && !ids.includes(tokenizer.unkId));
  const weighed = await weigh({
    input: known.ofPlace(request),
    prefix: [...tokenizer.sentinelIds.slice(0, 1), ...tokenizer.encode(request.given ?? "")],
    words: readable.map(({ ids }) => ids),
    besides: readable.map((word) => word.besides),
    mostRead: request.mostRead ?? MOST_READ,
    ownWords: request.ownWords ?? 0,
    ownRounds: request.ownRounds ?? 0,
    kinds: known.kinds(),
  });
  if (weighed === undefined) return { words: [], cancelled: true };
  const chances = new Map<string, WordChance>();
  for (const [i, { logProb, endLogProb, spaceLogProb, ids }] of weighed.entries()) {
    const word = readable[i]?.word ?? spelled(tokenizer, ids);
    if (word === "" || (chances.has(word) && i >= readable.length)) continue;
    chances.set(word, { word, logProb, endLogProb, spaceLogProb });
  }
  return { words: [...chances.values()], cancelled: false };
}

const MOST_READ = 90;
/** Tokens read before the place and after it. */
const BEFORE_TOKENS = 330;
const AFTER_TOKENS = 130;
/** More characters than those tokens have. */
const BEFORE_CHARACTERS = 2400;
const AFTER_CHARACTERS = 900;
/** The number of words in a gap's length mark: a number at which likelihoods of single words are best. */
const GAP_WORDS = 8;

/** The encoder's input for a place: more of what precedes it than of what follows. */
function encodePlace(
  tokenizer: Tokenizer,
  { before, after }: Pick<WordChancesRequest, "before" | "after">,
  prefix: string | undefined,
  maxTokens: number,
): number[] {
  const parts = spanInput([before, after], [GAP_WORDS], tokenizer.lengthMarks, prefix);
  const place = parts.findIndex(({ kind }) => kind === "sentinel");
  const task = prefix === undefined || prefix.trim() === "" ? 0 : 1;
  const rest = parts.findLastIndex(({ kind }) => kind !== "text") + 1;
  const ids = (from: number, to?: number) => encodePieces(tokenizer, parts.slice(from, to));
  const share = Math.min(1, (maxTokens - OVERHEAD) / (BEFORE_TOKENS + AFTER_TOKENS));
  return [
    ...tokenizer.frame.before,
    ...ids(0, task),
    ...ids(task, place).slice(-Math.floor(share * BEFORE_TOKENS)),
    ...ids(place, rest),
    ...ids(rest).slice(0, Math.floor(share * AFTER_TOKENS)),
    ...tokenizer.frame.after,
  ];
}

/** Tokens besides those of the text: the task, the gap with its mark, the end. */
const OVERHEAD = 8;

/** The tokens of texts that come again and again. */
interface KnownTokens {
  ofWord(word: string, continues: boolean): readonly number[];
  ofPlace(request: WordChancesRequest): readonly number[];
  /** The kind of every token: those that begin with a space begin a word, marks and special tokens end one. */
  kinds(): Uint8Array;
}

const knownTokens = new WeakMap<Tokenizer, KnownTokens>();

function tokensOf(tokenizer: Tokenizer): KnownTokens {
  let known = knownTokens.get(tokenizer);
  if (known !== undefined) return known;
  const words = new LRUCache<string, readonly number[]>({ max: MOST_KNOWN_WORDS });
  const places = new LRUCache<string, readonly number[]>({ max: MOST_KNOWN_PLACES });
  let kinds: Uint8Array | undefined;
  const remembered = (cache: typeof words, key: string, encode: () => readonly number[]) => {
    const ids = cache.get(key) ?? encode();
    cache.set(key, ids);
    return ids;
  };
  known = {
    ofWord: (word, continues) =>
      remembered(words, continues ? `\0${word}` : word, () => tokenizer.encode(word, { continues })),
    ofPlace({ before, after, prefix, maxTokens }) {
      const near = { before: before.slice(-BEFORE_CHARACTERS), after: after.slice(0, AFTER_CHARACTERS) };
      const key = JSON.stringify([prefix, maxTokens, near]);
      return remembered(places, key, () => encodePlace(tokenizer, near, prefix, maxTokens));
    },
    kinds() {
      kinds ??= kindsOf(tokenizer);
      return kinds;
    },
  };
  knownTokens.set(tokenizer, known);
  return known;
}

const MOST_KNOWN_WORDS = 10_000;
const MOST_KNOWN_PLACES = 8;

function kindsOf(tokenizer: Tokenizer): Uint8Array {
  const kinds = new Uint8Array(tokenizer.size).fill(ENDS);
  for (let id = 0; id < tokenizer.size; id += 1) {
    const piece = tokenizer.pieceOf(id) ?? "";
    if (/^[▁Ġ ]/u.test(piece)) kinds[id] = BEGINS;
    else if (/^[\p{L}\p{M}\p{N}'’_-]/u.test(piece)) kinds[id] = CONTINUES;
  }
  return kinds;
}

/** The word that tokens spell; empty if they spell anything else. */
function spelled(tokenizer: Tokenizer, ids: readonly number[]): string {
  const word = tokenizer.decode(ids).trim();
  return /^\p{L}[\p{L}\p{M}\p{N}'’-]*$/u.test(word) ? word : "";
}
