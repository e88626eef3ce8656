/** What token choice needs of a model: one encoder pass, then single steps (logits out) or chunks of greedy steps in the graph. */

import type { Candidates } from "./candidates.ts";
import type { CopyBias } from "./copying.ts";

/** The encoder's result, kept by the runner: cross-attention keys and values of every decoder layer. */
export interface Encoded {
  readonly batch: number;
  dispose(): void;
}

/** A decoder's cache at some step. A step consumes it and returns the next one. */
export interface DecoderState {
  /** Rows: batch x beams. */
  readonly rows: number;
  /** Tokens in the cache so far. */
  readonly length: number;
  dispose(): void;
}

/** Limits of a chunk of greedy steps. */
export interface GreedyChunk {
  /** At most this many steps; fewer when all rows have ended. */
  readonly steps: number;
  readonly noRepeatNgramSize: number;
  readonly bannedTokens: readonly number[];
  /** Tokens that end a row, eos included; an ended row goes on with pad. */
  readonly stopTokens: readonly number[];
  /** The source of each row and the bonuses for copying from it. */
  readonly copying: { readonly sources: readonly (readonly number[])[]; readonly bias: CopyBias } | null;
}

/** One loaded model, tokens in and numbers out. Not thread-safe: one call at a time. */
export interface Runner {
  readonly vocabSize: number;
  /**
   * @param inputs token ids of each row; padded and masked here
   * @param signal heard between two stages of a large encoder
   * @throws the signal's reason when it has aborted
   */
  encode(inputs: readonly (readonly number[])[], signal?: AbortSignal): Promise<Encoded>;
  /**
   * An empty cache for `beams` rows per input (row = input * beams + beam).
   * @param candidates the tokens to choose from; the whole vocabulary when absent
   */
  start(encoded: Encoded, beams: number, candidates?: Candidates): DecoderState;
  /**
   * Feeds tokens and returns the logits of the last position.
   * @param tokens int ids, [rows] or several positions [rows x n] row-major (a forced prefix, or scoring)
   * @param reorder row i continues row reorder[i] of the given state (beam search); null keeps the order
   * @param all whether logits of all n positions are wanted ([rows, n, C]) rather than the last's ([rows, C])
   * @returns logits in the candidates' columns
   */
  step(
    encoded: Encoded,
    state: DecoderState,
    tokens: readonly number[],
    reorder: readonly number[] | null,
    all?: boolean,
  ): Promise<{ logits: Float32Array; state: DecoderState }>;
  /**
   * Greedy steps inside the graph.
   * @param tokens the token each row continues with, [rows]
   * @param history tokens of each row so far (for no-repeat): a forced prefix and what was
   *   produced, without the start token (which the runner counts in, as transformers does)
   * @returns ids [rows][n] and their log probabilities (before penalties, among the candidates), n <= steps
   */
  greedy(
    encoded: Encoded,
    state: DecoderState,
    tokens: readonly number[],
    history: readonly (readonly number[])[],
    chunk: GreedyChunk,
  ): Promise<{ ids: number[][]; logProbs: number[][]; state: DecoderState }>;
  dispose(): Promise<void>;
}
