/** What a shape amounts to: operations and memory, from the configuration alone. */
import type { T5Config } from "./config.ts";
import { layerCount, layerWidths, parameterCount, type Stack } from "./weights.ts";

/** Lengths of one example, in tokens. */
export interface Lengths {
  readonly source: number;
  readonly target: number;
}

/** T5's own in pre-training: 512 tokens of text, of which 15% in spans of 3 are the target. */
export const PRETRAINING: Lengths = { source: 512, target: 114 };

/** Floating-point operations, a multiply-add counted as two. */
export interface Flops {
  /** The encoder's, and the decoder's keys and values of what it gives. */
  readonly encoder: number;
  /** The decoder's and its head's. */
  readonly decoder: number;
}

/**
 * Operations of the matrix products per token, without attention's share that grows with the length.
 * @returns `encoder`: per source token; `decoder`: per produced token; `training`: per token of either side in a step of
 *   training on examples of T5's own lengths, attention included
 */
export function flopsPerToken(config: T5Config): Flops & { readonly training: number } {
  const { source, target } = PRETRAINING;
  return {
    ...flopsOfProducts(config),
    training: Math.round(trainingFlops(config, PRETRAINING) / (source + target)),
  };
}

/** Operations of one pass over an example, attention over its whole length included, as training computes it. */
export function forwardFlops(config: T5Config, { source, target }: Lengths): Flops {
  const perToken = flopsOfProducts(config);
  return {
    encoder: perToken.encoder * source + attentionFlops(config, "encoder", source * source),
    decoder: perToken.decoder * target + attentionFlops(config, "decoder", target * (target + source)),
  };
}

/** Operations of one step of training on an example: the way back takes two products for each one of the way forth. */
export function trainingFlops(config: T5Config, lengths: Lengths): number {
  const { encoder, decoder } = forwardFlops(config, lengths);
  return 3 * (encoder + decoder);
}

/**
 * Operations as Mesh TensorFlow performs them, which looks embeddings up by a product with one-hot rows: what the Scale Efficiently
 * paper's comparisons come out of (arXiv 2109.10686, table 4).
 */
export function meshFlops(config: T5Config, lengths: Lengths = PRETRAINING): number {
  const { encoder, decoder } = forwardFlops(config, lengths);
  return encoder + decoder + 2 * (lengths.source + lengths.target) * config.vocabSize * config.dModel;
}

/** Bytes beside the weights. */
export interface Memory {
  /** The decoder's keys and values of one token of the source, in every layer. */
  readonly perSourceToken: number;
  /** The same of one token produced. */
  readonly perTargetToken: number;
  /** Weights, gradients and AdamW's two moments. */
  readonly training: number;
}

/** A model's memory in use, in bytes; all of it is float32. */
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

/** Multiply-adds that one token takes in a stack's linear layers; of cross-attention only the query's side. */
function stackProducts(config: T5Config, stack: Stack): number {
  const { dModel: D, dKv: K } = config;
  let products = 0;
  for (let layer = 0; layer < layerCount(config, stack); layer += 1) {
    const { numHeads: H, keyHeads, dFf: F } = layerWidths(config, layer);
    const keysAndValues = (config.sharedKeyValue ? 1 : 2) * keyHeads;
    const cross = stack === "decoder" ? 2 * H : 0;
    products += D * K * (2 * H + keysAndValues + cross) + (config.feedForward === "relu" ? 2 : 3) * D * F;
  }
  return products;
}

/** Multiply-adds of one source token's keys and values in every layer of the decoder. */
function crossProducts(config: T5Config): number {
  let products = 0;
  for (let layer = 0; layer < config.numDecoderLayers; layer += 1) {
    products += (config.sharedKeyValue ? 1 : 2) * config.dModel * layerWidths(config, layer).keyHeads * config.dKv;
  }
  return products;
}

/** Operations of a stack's attention for so many pairs of a query and a key in each layer. */
function attentionFlops(config: T5Config, stack: Stack, pairs: number): number {
  let each = 0;
  for (let layer = 0; layer < layerCount(config, stack); layer += 1) {
    const { numHeads: H } = layerWidths(config, layer);
    each += 2 * H * config.dKv + (config.talkingHeads ? 2 * H * H : 0);
  }
  return 2 * each * pairs;
}
