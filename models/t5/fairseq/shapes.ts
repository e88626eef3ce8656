/** The tensors and the buckets that METRO-T0 has and T5 lacks. */
import type { T5Config } from "../config.ts";
import { isGated } from "../feed-forward.ts";
import { LEARNED_POSITIONS } from "./config.ts";

/**
 * Whether a linear layer has a bias; those of a gated feed-forward layer have none, nor do layers that are stored as
 * one.
 */
export function hasBias({ fairseq, feedForward }: T5Config, layer: string): boolean {
  if (fairseq === null || !layer.includes(".layer.") || /\.q?kv$/.test(layer)) return false;
  return !(isGated(feedForward) && layer.includes(".DenseReluDense."));
}

/** The name of the bias of a norm, or of a linear layer, by that of its weight. */
export function biasName(weight: string): string {
  return weight.replace(/\.weight$/, ".bias");
}

/** The tensors of a stack that a T5 lacks: name -> shape. @param shapes those that it shares with a T5 */
export function addFairseqShapes(shapes: Map<string, readonly number[]>, config: T5Config, stack: string): void {
  const { dModel: D, padTokenId } = config;
  for (const [name, shape] of [...shapes]) {
    const layer = name.replace(/\.weight$/, "");
    if (!name.startsWith(`${stack}.`) || layer.endsWith("relative_attention_bias")) continue;
    if (layer.endsWith("layer_norm") || hasBias(config, layer)) shapes.set(`${layer}.bias`, shape.slice(0, 1));
  }
  shapes.set(`${stack}.pos_embed.weight`, [LEARNED_POSITIONS + padTokenId + 1, D]);
  for (const part of ["weight", "bias"]) shapes.set(`${stack}.first_layer_norm.${part}`, [D]);
}

/**
 * The bucket of a key's place less the query's: signed, and counted from the least that a table of `maxPositions` has.
 * @see T5Attention.relative_position_bucket of modeling_fairseq_t5.py, in its float32
 */
export function fairseqBucket(offset: number, config: T5Config): number {
  const most = (config.fairseq?.maxPositions ?? LEARNED_POSITIONS) - 1;
  const least = -unsignedBucket(most, config);
  return Math.sign(offset) * unsignedBucket(Math.min(most, Math.abs(offset)), config) - least;
}

function unsignedBucket(distance: number, config: T5Config): number {
  const buckets = Math.floor(config.relativeAttentionNumBuckets / 2);
  const exact = Math.floor(buckets / 2);
  if (distance < exact) return distance;
  const [float, wide] = [Math.fround, Math.log((config.relativeAttentionMaxDistance - 1) / exact)];
  const share = float(float(Math.log(float(distance / exact))) / wide);
  return Math.min(buckets - 1, exact + Math.ceil(float(share * (buckets - 1 - exact))));
}
