/**
 * The T5 operations that can be written in more than one way. layers.ts says what T5 computes in these terms; a
 * lowering says how: in plain operators that can be differentiated (plain.ts, trainable.ts), or in the runtime's fused
 * and quantized ones (fused.ts). Shapes: B batch, S source and T target positions, D model width, H heads, K head
 * width, V vocabulary.
 */
import type { GraphBuilder } from "../../graph/builder.ts";
import type { AttentionInputs, KeysAndValues } from "../../graph/runtime-ops.ts";
import type { DType, ExternalData, Value } from "../../graph/types.ts";

/** A weight and where it is stored. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: ExternalData;
}

/** Weights by name: Hugging Face's names for float tensors, plan.ts's for quantized ones. */
export type TensorSource = ReadonlyMap<string, StoredTensor>;

/** The two weights of talking heads, [H out, H in]. */
export interface Mixing {
  /** Mixes the products of queries and keys, before the bias and the softmax. */
  readonly logits: Value;
  /** Mixes the attention weights, after the softmax. */
  readonly weights: Value;
}

/** The operands of attention. Keys and values may have a single head, which all heads of the query share. */
export interface Attention extends AttentionInputs {
  readonly mixing: Mixing | null;
}

/** The operands of attention in blocks: rows or [B, S, ..], S cut into N blocks of L tokens. */
export interface BlockAttention extends KeysAndValues {
  readonly query: Value;
  readonly heads: number;
  readonly long: LongInputs;
  /** Keys and values of the global tokens, [B * G, H*K]; null without any. */
  readonly global: KeysAndValues | null;
}

/** The inputs of a LongT5's encoder besides tokens, as long-layout.ts lays them out. W = 3L. */
export interface LongInputs {
  /** int64 [2]: B and N. */
  readonly blocks: Value;
  /** Position biases of a block's queries and the keys of its window, [1, H, L, W]. */
  readonly window: Value;
  /** Mask of the keys in each block's window, [B, N, 1, 1, W]. */
  readonly mask: Value;
  /** Inputs of global tokens, each the sum of g tokens. */
  readonly side: {
    /** 1 for tokens of the text, else 0, [B, G, 1, g]. */
    readonly members: Value;
    /** 1 where a global token takes in the tokens after it, [B, G, 1]. */
    readonly carried: Value;
    /** Position biases and mask, [B, N, H, L / g, 1, G]. */
    readonly bias: Value;
  } | null;
}

/** Shapes by which decoder rows that share an encoder row (beams) attend to it as more positions of one row. */
export interface Folding {
  /** int64 [3]: [B, rows * positions / B, 0]; 0 keeps the width */
  readonly folded: Value;
  /** int64 [3]: [rows, positions, 0] */
  readonly unfolded: Value;
}

/** The output of attention [B, T, H*K], and the grown cache where there was one. */
export interface AttentionResult {
  readonly output: Value;
  readonly present: KeysAndValues | null;
}

/**
 * The places of dropout in T5, besides the attention weights, where the attention operation applies it itself.
 * @see transformer_layers.py and transformer.py, mesh_tensorflow
 */
export type DropoutPlace =
  | "embedding"
  | "attention.output"
  | "feedForward.hidden"
  | "feedForward.output"
  | "finalNorm"
  | "adapter.input";

/** A router's choices. */
export interface Routing {
  /** [.., E] */
  readonly logits: Value;
  /** Their softmax, [.., E]. */
  readonly probabilities: Value;
  /** 1 for the expert of the largest probability, whether or not it has room, [.., E]. */
  readonly choices: Value;
}

/** T5's operations, each of which adds nodes to one graph. */
export interface Operations {
  /** Rows of the embedding: integer ids [B, S] -> [B, S, D]. */
  embed(ids: Value): Value;
  /**
   * Root-mean-square norm with the named weight: x / sqrt(mean(x^2) + epsilon) * weight. In METRO-T0, the layer norm
   * with that weight and its bias.
   * @see T5LayerNorm, modeling_t5.py
   */
  norm(x: Value, weight: string): Value;
  /** x + update, and the norm of that sum. */
  addNorm(x: Value, update: Value, weight: string): { sum: Value; normed: Value };
  /** A linear layer, with a bias in METRO-T0 only: x [.., in] -> [.., out]. */
  linear(x: Value, name: string): Value;
  /**
   * Linear layers that share their input: x [.., in] -> one [.., out] for each name. `fused` is their name as one
   * layer.
   */
  linears(x: Value, names: readonly string[], fused: string): Value[];
  /** softmax(query key^T + bias) value for each head, unscaled. */
  attention(inputs: Attention): AttentionResult;
  /** The same of a LongT5's encoder, where a query's keys are those of the blocks around it and global tokens. */
  blockAttention(inputs: BlockAttention): Value;
  /**
   * A sublayer's output [.., D] with what an adapter makes of it, or of the residual stream x before the sublayer.
   * Absent where there are no adapters.
   * @param layer the sublayer's name, as `encoder.block.0.layer.1`
   */
  adapt?(layer: string, x: Value, update: Value): Value;
  /**
   * An expert's output: that of `compute` if it is busy, else `nothing`, without rows.
   * @param busy bool []
   */
  expert(
    busy: Value,
    compute: (g: GraphBuilder, operations: Operations) => Value,
    nothing: (g: GraphBuilder) => Value,
  ): Value;
  /** A function of x [.., W] along the positions of its rows: `along` takes and returns [B, positions, W]. */
  ofRows(x: Value, along: (rows: Value) => Value): Value;
  /** Hears of a router's choices; absent where nobody asks. */
  onRouted?(routing: Routing): void;
  /** x with some of its values dropped in training; x itself in inference. */
  dropout(place: DropoutPlace, x: Value): Value;
  /** Scores of every token: x [.., D] -> [.., V], by the LM head or the tied embedding. */
  logits(x: Value): Value;
  /** A small weight as stored: relative position biases, mixes of heads. */
  weight(name: string): Value;
}

/** How T5's operations become nodes: returns the operations that add to a graph, or to the body of a loop in it. */
export type Lowering = (g: GraphBuilder) => Operations;

/** Operations for generation, which may score a part of the vocabulary. */
export interface GenerationOperations extends Operations {
  /** Rows of the LM head by ids, integers [U] -> float32 [U, D]. */
  headRows(ids: Value): Value;
  /**
   * Scores of some tokens only: `common`, known when the graph is built, then those of the head's rows [U, D] that a
   * run adds.
   * @returns a function that scores x in this graph or in a body of it: x [R, T, D] -> [R, T, common.length + U]
   */
  someLogits(common: readonly number[], added: Value): (g: GraphBuilder, x: Value) => Value;
}

/** A lowering for generation. */
export type GenerationLowering = (g: GraphBuilder) => GenerationOperations;
