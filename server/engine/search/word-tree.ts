/** How likely whole words are: their pieces are read as one tree, so that words share what they have in common. */
import type { Candidates, CommonTokens } from "./candidates.ts";
import { candidatesOf, type TokenModel } from "./generate.ts";
import { largest, logSumsByKind } from "./logits.ts";
import { checkTokens, searchSettings } from "./request.ts";
import type { DecoderState } from "./runner.ts";

/** How a token goes on after a word: it belongs to the word, begins the next one, or ends it without a space. */
export type TokenKind = typeof CONTINUES | typeof BEGINS | typeof ENDS;
export const CONTINUES = 0;
export const BEGINS = 1;
export const ENDS = 2;

/** Words to weigh after a forced prefix. */
export interface WordTreeRequest {
  /** The encoder's input. */
  readonly input: readonly number[];
  /** Decoder tokens after the start token. */
  readonly prefix: readonly number[];
  /** The tokens of each word; at least one each. */
  readonly words: readonly (readonly number[])[];
  /** Added to each word's chance when those to read are chosen; 0 when absent. */
  readonly besides?: readonly number[];
  /** How many of the likeliest words are read to their end; the others are estimated from their first token. */
  readonly mostRead: number;
  /** How many words of the model's own may be read too, each begun with one of its likeliest tokens. */
  readonly ownWords: number;
  /** Tokens by which the model's own words may be longer than one. */
  readonly ownRounds: number;
  /** The kind of every token of the vocabulary. */
  readonly kinds: Uint8Array;
}

/** A word and its natural log probabilities. */
export interface TreeWord {
  readonly ids: readonly number[];
  /** The sum over its tokens. */
  readonly logProb: number;
  /** Log probability of an end of the word after them. */
  readonly endLogProb: number;
  /** Log probability of a space after it, given that the word ends. */
  readonly spaceLogProb: number;
}

/**
 * Weighs words: one step for the forced prefix, one for the tree of the likeliest words, and one more for each round
 * of own words.
 * @returns the words in their order, then the model's own
 * @throws ModelError "input" for ids outside the vocabulary or empty rows
 */
export async function weighWords(model: TokenModel, request: WordTreeRequest, signal?: AbortSignal) {
  const { runner, config } = model;
  const { input, prefix, words, kinds } = request;
  const shortlist = Math.min(SHORTLIST, runner.vocabSize);
  const settings = searchSettings(
    { inputs: [input], decoderPrefix: prefix, maxNewTokens: 1, shortlist },
    config,
    runner.vocabSize,
  );
  for (const ids of words) checkTokens("a word", ids, runner.vocabSize, 1);
  const read = words.map((ids) => ids.slice(0, MOST_TOKENS));
  const candidates = candidatesOf(model, { ...settings, inputs: [], prompt: [...settings.prompt, ...read.flat()] });
  const encoded = await runner.encode(settings.inputs, signal);
  try {
    const { logits, state } = await encoded.start(1, candidates).step(settings.prompt, null); // [1, C]
    try {
      return await new WordTree(state, candidates, kinds).weigh(logits, read, request);
    } finally {
      state.dispose();
    }
  } finally {
    encoded.dispose();
  }
}

/** The most frequent tokens that likelihoods are relative to. */
const SHORTLIST = 8192;
/** Longer words are weighed by their beginning. */
const MOST_TOKENS = 8;
/** Log probability that each token after the first is taken to have in a word that is not read. */
const LATER_TOKEN = -3;
/** Log probability that a word that is not read is taken to end with. */
const UNREAD_END = -0.3;
/** Words whose first token is less likely are not read. */
const LEAST_FIRST = -7.5;
/** An own word is continued by the likeliest tokens that leave it likelier than this. */
const LEAST_OWN = -6;
const OWN_BRANCHES = 3;

/** Predictions after a token of the tree. */
interface TreeNode {
  readonly logits: Float32Array;
  readonly logSum: number;
  readonly endLogProb: number;
  readonly spaceLogProb: number;
}

class WordTree {
  private readonly nodes = new Map<string, TreeNode>();
  private readonly state: DecoderState;
  private readonly candidates: Candidates;
  private readonly columns: Uint8Array;

  constructor(state: DecoderState, candidates: Candidates, kinds: Uint8Array) {
    this.state = state;
    this.candidates = candidates;
    this.columns = columnKinds(candidates, kinds);
  }

  async weigh(
    first: Float32Array,
    words: readonly (readonly number[])[],
    { besides = [], mostRead, ownWords, ownRounds }: WordTreeRequest,
  ): Promise<TreeWord[]> {
    const root = this.nodeOf(first);
    const firstOf = (ids: readonly number[]) => this.logProb(root, ids[0] ?? -1);
    const estimates = words.map((ids) => firstOf(ids) + LATER_TOKEN * (ids.length - 1));
    const beginnings = this.beginnings(root, ownWords);
    const reading = [
      ...words.map((ids, i) => ({ ids, worth: Math.exp(estimates[i] ?? -Infinity) + (besides[i] ?? 0) })),
      ...beginnings.map((ids) => ({ ids, worth: Math.exp(firstOf(ids)) })),
    ]
      .filter(({ ids }) => firstOf(ids) > LEAST_FIRST)
      .sort((a, b) => b.worth - a.worth)
      .slice(0, mostRead);
    await this.read(reading.map(({ ids }) => ids));
    let own = beginnings.filter((ids) => this.nodes.has(keyOf(ids, ids.length)));
    const allOwn = [...own];
    for (let round = 0; round < ownRounds && own.length > 0; round += 1) {
      own = own
        .flatMap((ids) => this.continuations(root, ids))
        .sort((a, b) => b.logProb - a.logProb)
        .slice(0, ownWords)
        .map(({ ids }) => ids);
      await this.read(own);
      allOwn.push(...own);
    }
    return [
      ...words.map((ids, i) => this.word(root, ids, estimates[i] ?? -Infinity)),
      ...allOwn.map((ids) => this.word(root, ids, 0)),
    ];
  }

  /** Reads the tokens of words, those that are not known yet, with the tokens that lead to them. */
  private async read(words: readonly (readonly number[])[]): Promise<void> {
    const places = new Map<string, number>();
    const tokens: number[] = [];
    const parents: number[] = [];
    for (const ids of words) {
      if (this.nodes.has(keyOf(ids, ids.length))) continue;
      let parent = -1;
      for (const [i, id] of ids.entries()) {
        const key = keyOf(ids, i + 1);
        let place = places.get(key);
        if (place === undefined) {
          place = tokens.length;
          places.set(key, place);
          tokens.push(id);
          parents.push(parent);
        }
        parent = place;
      }
    }
    if (tokens.length === 0) return;
    const logits = await this.state.tree(tokens, parents); // [N, C]
    const width = this.candidates.count;
    for (const [key, place] of places) {
      if (!this.nodes.has(key)) this.nodes.set(key, this.nodeOf(logits.subarray(place * width, (place + 1) * width)));
    }
  }

  private nodeOf(logits: Float32Array): TreeNode {
    const { all, byKind } = logSumsByKind(logits, this.columns, KINDS);
    const logOf = (kind: TokenKind) => Math.max((byKind[kind] ?? -Infinity) - all, LEAST_LOG);
    const endLogProb = Math.log(Math.exp(logOf(BEGINS)) + Math.exp(logOf(ENDS)));
    return { logits, logSum: all, endLogProb, spaceLogProb: logOf(BEGINS) - endLogProb };
  }

  private logProb({ logits, logSum }: TreeNode, id: number): number {
    return (logits[this.candidates.columnOf(id) ?? -1] ?? -Infinity) - logSum;
  }

  /** The word's probabilities, or the estimate if it was not read. */
  private word(root: TreeNode, ids: readonly number[], estimate: number): TreeWord {
    const end = this.nodes.get(keyOf(ids, ids.length));
    if (end === undefined) return { ids, logProb: estimate, endLogProb: UNREAD_END, spaceLogProb: UNREAD_END };
    let node: TreeNode | undefined = root;
    let logProb = 0;
    for (const [i, id] of ids.entries()) {
      logProb += node === undefined ? LATER_TOKEN : this.logProb(node, id);
      node = this.nodes.get(keyOf(ids, i + 1));
    }
    return { ids, logProb, endLogProb: end.endLogProb, spaceLogProb: end.spaceLogProb };
  }

  /** The likeliest tokens that begin a word. */
  private beginnings({ logits }: TreeNode, count: number): number[][] {
    const starts = logits.map((logit, column) => (this.columns[column] === BEGINS ? logit : -Infinity));
    return count === 0 ? [] : largest(starts, count).ids.map((column) => [this.candidates.idOf(column)]);
  }

  /** The likeliest ways to go on with a word that was read. */
  private continuations(root: TreeNode, ids: readonly number[]) {
    const node = this.nodes.get(keyOf(ids, ids.length));
    if (node === undefined) return [];
    const { logProb } = this.word(root, ids, 0);
    const rest = node.logits.map((logit, column) => (this.columns[column] === CONTINUES ? logit : -Infinity));
    return largest(rest, OWN_BRANCHES)
      .ids.map((column) => this.candidates.idOf(column))
      .map((id) => ({ ids: [...ids, id], logProb: logProb + this.logProb(node, id) }))
      .filter((longer) => longer.logProb > LEAST_OWN);
  }
}

/** The number of kinds. */
const KINDS = 3;
/** Least log probability of an end, so that sums stay finite. */
const LEAST_LOG = -20;

function keyOf(ids: readonly number[], length: number): string {
  return ids.slice(0, length).join();
}

const commonKinds = new WeakMap<CommonTokens, Uint8Array>();

/** The kind of each column's token. */
function columnKinds(candidates: Candidates, kinds: Uint8Array): Uint8Array {
  const columns = new Uint8Array(candidates.count);
  const { shortlist } = candidates;
  if (shortlist === null) return kinds;
  let common = commonKinds.get(shortlist.common);
  if (common === undefined) {
    common = Uint8Array.from(shortlist.common.ids, (id) => kinds[id] ?? ENDS);
    commonKinds.set(shortlist.common, common);
  }
  columns.set(common);
  for (const [i, id] of shortlist.own.entries()) columns[common.length + i] = kinds[id] ?? ENDS;
  return columns;
}
