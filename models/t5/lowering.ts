/**
 * The T5 operations that can be written in more than one way. layers.ts says what T5 computes in these terms; a lowering says
 * how: in plain operators that can be differentiated (plain.ts), or in the runtime's fused and quantized ones (fused.ts).
 */
import type { GraphBuilder } from "../graph/builder.ts";
import type { AttentionInputs } from "../graph/runtime-ops.ts";
import type { DType, ExternalData, Value } from "../graph/types.ts";

/** One weight where it is stored. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: ExternalData;
}

/** Weights by name: Hugging Face's names for float tensors, plan.ts's for quantized ones. */
export type TensorSource = ReadonlyMap<string, StoredTensor>;

/** Talking heads' two weights, [H out, H in]. */
export interface Mixing {
  /** Mixes the products before the bias and the softmax. */
  readonly logits: Value;
  /** Mixes what the softmax gave. */
  readonly weights: Value;
}

/** What attention is computed of. Keys and values may have one head, for all the query's. */
export interface Attention extends AttentionInputs {
  readonly mixing: Mixing | null;
}

/** Attention's output [B, T, H*K], and the cache it goes on with where it had one. */
export interface AttentionResult {
  readonly output: Value;
  readonly present: { readonly key: Value; readonly value: Value } | null;
}

/** How T5's operations become nodes of one graph. Shapes: D model width, H heads, K head width, V vocabulary. */
export interface Lowering {
  /** Rows of the embedding: integer ids [B, S] -> [B, S, D]. */
  embed(g: GraphBuilder, ids: Value): Value;
  /** Root-mean-square norm with the named weight: x / sqrt(mean(x^2) + epsilon) * weight. @see T5LayerNorm, modeling_t5.py */
  norm(g: GraphBuilder, x: Value, weight: string): Value;
  /** x + update, and the norm of that sum. */
  addNorm(g: GraphBuilder, x: Value, update: Value, weight: string): { sum: Value; normed: Value };
  /** Linear layers (no bias) that share their input: x [.., in] -> one [.., out] for each name. `fused` names them as one. */
  linears(g: GraphBuilder, x: Value, names: readonly string[], fused: string): Value[];
  /** softmax(query key^T + bias) value for each head, unscaled. */
  attention(g: GraphBuilder, inputs: Attention): AttentionResult;
  /** Scores of every token: x [.., D] -> [.., V], by the LM head or the tied embedding. */
  logits(g: GraphBuilder, x: Value): Value;
  /** A small weight as it is: relative position biases, mixes of heads. */
  weight(g: GraphBuilder, name: string): Value;
}

/** A lowering for generation, which may score a part of the vocabulary. */
export interface GenerationLowering extends Lowering {
  /**
   * Scores of some tokens only: `common`, known when the graph is made, then `own`, integer ids [U] of the run. Their rows are
   * taken in g; the function returned scores x in g or in a loop's body: x [R, T, D] -> [R, T, common.length + U].
   */
  someLogits(g: GraphBuilder, common: readonly number[], own: Value): (g: GraphBuilder, x: Value) => Value;
}
