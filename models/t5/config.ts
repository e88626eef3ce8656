/** The shape of a T5 model: what config.json says, checked once. */

/** Activation of the feed-forward layer, as `feed_forward_proj` names it. */
export type FeedForward = "relu" | "gated-gelu" | "gated-silu";

/** A T5 shape. Widths in numbers of values. @see configuration_t5.py of transformers */
export interface T5Config {
  /** Rows of the embedding (V), 32,128 in T5. */
  readonly vocabSize: number;
  /** Model width (D). */
  readonly dModel: number;
  /** Feed-forward width (F). */
  readonly dFf: number;
  /** Width of one head's keys and values (K). */
  readonly dKv: number;
  /** Attention heads (H). The inner width H*K may differ from D. */
  readonly numHeads: number;
  /** Encoder layers. */
  readonly numLayers: number;
  /** Decoder layers. */
  readonly numDecoderLayers: number;
  readonly feedForward: FeedForward;
  /** Whether the LM head is the embedding (T5 1.0); its logits are then scaled by D^-0.5. */
  readonly tieWordEmbeddings: boolean;
  readonly relativeAttentionNumBuckets: number;
  readonly relativeAttentionMaxDistance: number;
  /** Added to the mean square in the RMS norms; 1e-6 in T5. */
  readonly layerNormEpsilon: number;
  /** Used in training only. */
  readonly dropoutRate: number;
  readonly padTokenId: number;
  readonly eosTokenId: number;
  readonly decoderStartTokenId: number;
}
