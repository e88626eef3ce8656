/** Operations and memory of a model, computed from its configuration. */
import type { T5Config } from "./config.ts";
import { isSparse } from "./experts/shapes.ts";
import { isGated } from "./feed-forward.ts";
import { longLayout } from "./long/layout.ts";
import { layerCount, layerWidths, parameterCount, type Stack } from "./weights.ts";

/** Lengths of one example, in tokens. */
export interface Lengths {
  readonly source: number;
  readonly target: number;
}

/** Lengths in T5's pre-training: 512 tokens of text, 15% of them in spans of 3 that become the target. */
const PRETRAINING: Lengths = { source: 512, target: 114 };

/** Floating-point operations, a multiply-add counted as two. */
export interface Flops {
  /** Operations of the encoder, and of the decoder's keys and values of the encoder's states. */
  readonly encoder: number;
  /** Operations of the decoder and the LM head. */
  readonly decoder: number;
}

/**
 * Operations of the matrix products per token, without the part of attention that grows with the length.
 * @returns `encoder`: per source token; `decoder`: per generated token; `training`: per token of either side in a
 *   training step on examples of {@link PRETRAINING} lengths, attention included
 */
export function flopsPerToken(config: T5Config): Flops & { readonly training: number } {
  const { source, target } = PRETRAINING;
  return {
    ...flopsOfProducts(config),
    training: Math.round(trainingFlops(config, PRETRAINING) / (source + target)),
  };
}

/** Operations of one forward pass over an example, including attention over its whole length. */
export function forwardFlops(config: T5Config, { source, target }: Lengths): Flops {
  const perToken = flopsOfProducts(config);
  return {
    encoder: perToken.encoder * source + attentionFlops(config, "encoder", source * keysOfQuery(config, source)),
    decoder: perToken.decoder * target + attentionFlops(config, "decoder", target * (target + source)),
  };
}

/** Keys that a token's attention in the encoder is computed with: all, or a LongT5's window and global tokens. */
export function keysOfQuery(config: T5Config, source: number): number {
  const long = longLayout(config, [source]);
  return long === null ? source : 3 * long.length + long.globals;
}

/**
 * Operations of one training step on an example: the backward pass takes two products for each one of the forward pass.
 */
export function trainingFlops(config: T5Config, lengths: Lengths): number {
  const { encoder, decoder } = forwardFlops(config, lengths);
  return 3 * (encoder + decoder);
}

/**
 * Operations as Mesh TensorFlow performs them: it looks embeddings up by a product with one-hot rows. The comparisons
 * of the Scale Efficiently paper use this count (arXiv 2109.10686, table 4).
 */
export function meshFlops(config: T5Config, lengths: Lengths = PRETRAINING): number {
  const { encoder, decoder } = forwardFlops(config, lengths);
  return encoder + decoder + 2 * (lengths.source + lengths.target) * config.vocabSize * config.dModel;
}

/** A model's memory in addition to its weights, in bytes. */
export interface Memory {
  /** The cross-attention keys and values of one source token, in all decoder layers. */
  readonly perSourceToken: number;
  /** The self-attention keys and values of one generated token, in all decoder layers. */
  readonly perTargetToken: number;
  /** Weights, gradients and AdamW's two moments. */
  readonly training: number;
}

/** Returns a model's memory in use; all values are float32. */
export function memory(config: T5Config): Memory {
  let keysAndValues = 0;
  for (let layer = 0; layer < config.numDecoderLayers; layer += 1) {
    keysAndValues += 2 * layerWidths(config, layer).keyHeads * config.dKv;
  }
  return {
    perSourceToken: 4 * keysAndValues,
    perTargetToken: 4 * keysAndValues,
    training: 16 * parameterCount(config),
  };
}

function flopsOfProducts(config: T5Config): Flops {
  return {
    encoder: 2 * (stackProducts(config, "encoder") + crossProducts(config)),
    decoder: 2 * (stackProducts(config, "decoder") + config.vocabSize * config.dModel),
  };
}

/** Multiply-adds of one token in a stack's linear layers; of cross-attention, only the query and the output. */
function stackProducts(config: T5Config, stack: Stack): number {
  const { dModel: D, dKv: K } = config;
  let products = 0;
  for (let layer = 0; layer < layerCount(config, stack); layer += 1) {
    const { numHeads: H, keyHeads, dFf: F } = layerWidths(config, layer);
    const keysAndValues = (config.sharedKeyValue ? 1 : 2) * keyHeads;
    const cross = stack === "decoder" ? 2 * H : 0;
    // A global token's keys and values are those of a sum of tokens.
    const globals =
      stack === "encoder" ? keysAndValues / (config.longAttention?.globalBlockSize ?? Number.POSITIVE_INFINITY) : 0;
    products += D * K * (2 * H + keysAndValues + globals + cross) + (isGated(config.feedForward) ? 3 : 2) * D * F;
    if (isSparse(config, stack, layer)) products += D * (config.experts?.count ?? 0); // the router
  }
  return products;
}

/** Multiply-adds of one source token's cross-attention keys and values in all decoder layers. */
function crossProducts(config: T5Config): number {
  let products = 0;
  for (let layer = 0; layer < config.numDecoderLayers; layer += 1) {
    products += (config.sharedKeyValue ? 1 : 2) * config.dModel * layerWidths(config, layer).keyHeads * config.dKv;
  }
  return products;
}

/** Operations of a stack's attention for a number of query-key pairs in each layer. */
function attentionFlops(config: T5Config, stack: Stack, pairs: number): number {
  let each = 0;
  for (let layer = 0; layer < layerCount(config, stack); layer += 1) {
    const { numHeads: H } = layerWidths(config, layer);
    each += 2 * H * config.dKv + (config.talkingHeads ? 2 * H * H : 0);
  }
  return 2 * each * pairs;
}
