/**
 * The interface of a model for choosing tokens: an encoder pass, then single steps (returning logits) or chunks of
 * greedy steps in the graph.
 */

import type { GraphAdapter } from "../../../models/t5/adapters/adapters.ts";
import type { Candidates } from "./candidates.ts";
import type { CopyBias } from "./copying.ts";

/** Limits of a chunk of greedy steps. */
export interface GreedyChunk {
  /** Maximum number of steps; fewer if all rows have ended. */
  readonly steps: number;
  readonly noRepeatNgramSize: number;
  readonly bannedTokens: readonly number[];
  /** The token that the decoder starts with; n-grams and the repetition penalty count it as produced. */
  readonly startTokenId: number;
  /** Tokens that end a row, including eos; an ended row continues with padding. */
  readonly stopTokens: readonly number[];
  /** The source of each row and the bonuses for copying from it. */
  readonly copying: { readonly sources: readonly (readonly number[])[]; readonly bias: CopyBias } | null;
}

/** The ways in which each row may continue, in the candidates' columns. */
export interface Likeliest {
  /** Natural log probabilities [rows, count], largest first; those below -1e29 stand for none. */
  readonly logProbs: Float32Array;
  /** [rows, count] */
  readonly columns: readonly number[];
  /** Log probabilities of the columns that were kept apart, [rows, n]. */
  readonly apart: Float32Array;
}

/** A decoder at some step, with its cache. A step consumes it and returns the next one. */
export interface DecoderState {
  /** Rows: batch x beams. */
  readonly rows: number;
  /** Tokens in the cache so far. */
  readonly length: number;
  /**
   * Feeds tokens and returns the logits of the last position.
   * @param tokens ids, [rows] or several positions [rows x n] row-major (a forced prefix, or scoring)
   * @param reorder row i continues row reorder[i] of this state (beam search), which may leave more or fewer rows, as
   * many for each input; null keeps the order
   * @param all whether to return logits of all n positions ([rows, n, C]) rather than the last ([rows, C])
   * @returns logits in the candidates' columns
   */
  step(
    tokens: readonly number[],
    reorder: readonly number[] | null,
    all?: boolean,
  ): Promise<{ logits: Float32Array; state: DecoderState }>;
  /**
   * Feeds tokens as `step` does, and returns only what each row is likeliest to continue with; absent where all logits
   * cost no more.
   * @param apart columns of each row that do not compete, [rows][n], n at least 1
   * @param count how many are wanted
   */
  likeliest?(
    tokens: readonly number[],
    reorder: readonly number[] | null,
    apart: readonly (readonly number[])[],
    count: number,
  ): Promise<{ likeliest: Likeliest; state: DecoderState }>;
  /**
   * Feeds a tree of tokens to a state of one row: each token sees the cache, its ancestors and itself, as if it were
   * fed on its own path. Does not consume the state.
   * @param tokens ids, parents before their children
   * @param parents index of each token's parent in `tokens`; -1 for a token that continues the cache
   * @returns logits after each token, [tokens, C]
   */
  tree(tokens: readonly number[], parents: readonly number[]): Promise<Float32Array>;
  /**
   * Performs greedy steps inside the graph.
   * @param tokens the token that each row continues with, [rows]
   * @param history tokens of each row so far (for no-repeat): forced prefix and output, without the start token
   * (which the runner adds, as transformers does)
   * @returns ids [rows][n] and their log probabilities (before penalties, among the candidates), n <= steps
   */
  greedy(
    tokens: readonly number[],
    history: readonly (readonly number[])[],
    chunk: GreedyChunk,
  ): Promise<{ ids: number[][]; logProbs: number[][]; state: DecoderState }>;
  /** Feeds the same tokens to every row, where that costs nothing; absent where it takes steps. */
  feed?(tokens: readonly number[]): DecoderState;
  /**
   * This state for only some of its inputs, so that the others cost no more; absent where it cannot be had without
   * moving them. Consumes the state; the `reorder` of the next step names rows of this one.
   * @param inputs places among the state's inputs
   */
  narrowed?(inputs: readonly number[]): DecoderState;
  dispose(): void;
}

/** The encoder's result: hidden states, and cross-attention keys and values of every decoder layer. */
export interface Encoded {
  readonly batch: number;
  /**
   * A decoder with an empty cache for `beams` rows per input (row = input * beams + beam).
   * @param candidates the tokens to choose from; by default the whole vocabulary
   */
  start(beams: number, candidates?: Candidates): DecoderState;
  dispose(): void;
}

/** The duration of a runner's latest greedy step; undefined before the first. */
export interface StepTiming {
  stepMs?: number;
}

/** A loaded model: tokens in, numbers out. Not thread-safe: one call at a time. */
export interface Runner {
  readonly vocabSize: number;
  /** Written by the searches. */
  readonly timing: StepTiming;
  /**
   * Encodes rows of tokens.
   * @param inputs token ids of each row; padded and masked here
   * @param signal checked between two stages of a large encoder
   * @param adapter changes what the model computes, here and in the decoders that are started from the result
   * @throws the signal's reason when it has aborted
   */
  encode(inputs: readonly (readonly number[])[], signal?: AbortSignal, adapter?: GraphAdapter): Promise<Encoded>;
  dispose(): Promise<void>;
}

/** A runner with an adapter in all that it encodes; the same one without. */
export function adaptedRunner(runner: Runner, adapter: GraphAdapter | undefined): Runner {
  if (adapter === undefined) return runner;
  return { ...runner, encode: (inputs, signal) => runner.encode(inputs, signal, adapter) };
}
