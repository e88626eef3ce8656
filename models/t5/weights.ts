/** Which tensors a T5 of a given shape has, under Hugging Face's names, and what they amount to. */
import { ModelError } from "../errors.ts";
import type { T5Config } from "./config.ts";

/** Other names checkpoints give the embedding; accepted where `shared.weight` is absent. */
export const EMBEDDING_ALIASES = ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight"] as const;

/** The name of the separate LM head. */
export const LM_HEAD = "lm_head.weight";

/**
 * The tensors of a model, by Hugging Face's names. Linear weights are [out, in].
 * @returns name -> shape; `lm_head.weight` only when the head is not tied
 * @see T5ForConditionalGeneration, transformers modeling_t5.py
 */
export function tensorShapes(config: T5Config): Map<string, readonly number[]> {
  const { vocabSize: V, dModel: D } = config;
  const shapes = new Map<string, readonly number[]>([["shared.weight", [V, D]]]);
  addStack(shapes, config, "encoder", config.numLayers);
  addStack(shapes, config, "decoder", config.numDecoderLayers);
  if (!config.tieWordEmbeddings) shapes.set(LM_HEAD, [V, D]);
  return shapes;
}

/**
 * Compares the tensors of a checkpoint with those the configuration needs, and names the first disagreement.
 * Tensors that no T5 uses are let pass; layers beyond the configured ones are not.
 * @param tensors name -> shape, under Hugging Face's names; the embedding may have one of its aliases
 * @throws ModelError "checkpoint"
 */
export function checkTensors(
  config: T5Config,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): void {
  const shapes = tensorShapes(config);
  for (const [name, shape] of shapes) {
    const found = tensors.get(name) ?? (name === "shared.weight" ? embeddingAlias(tensors) : undefined);
    if (found === undefined) throw new ModelError("checkpoint", missing(config, name, shape, tensors));
    if (shape.length === found.shape.length && shape.every((axis, i) => axis === found.shape[i])) continue;
    throw new ModelError(
      "checkpoint",
      `${name} is [${found.shape.join(",")}] in the weights, but config.json (${describe(config, name)}) needs [${shape.join(",")}]. Use the config.json and the weights of one model.`,
    );
  }
  for (const name of tensors.keys()) {
    if (shapes.has(name) || !beyond(config, name)) continue;
    throw new ModelError(
      "checkpoint",
      `The weights hold ${name}, but config.json stops before it (${describe(config, name)}). Use the config.json and the weights of one model.`,
    );
  }
}

/** Parameters, exactly; a tied embedding counts once. */
export function parameterCount(config: T5Config): number {
  let count = 0;
  for (const shape of tensorShapes(config).values()) count += shape.reduce((product, axis) => product * axis, 1);
  return count;
}

/**
 * Floating-point operations of the matrix products per token (a multiply-add is two), without attention's share that
 * grows with the length.
 * @returns `encoder`: per source token, the decoder's cross-attention keys and values included; `decoder`: per produced token
 */
export function flopsPerToken(config: T5Config): { readonly encoder: number; readonly decoder: number } {
  const { vocabSize: V, dModel: D, dFf: F, numHeads: H, dKv: K } = config;
  const inner = H * K;
  const feedForward = (config.feedForward === "relu" ? 2 : 3) * D * F;
  return {
    encoder: 2 * (config.numLayers * (4 * D * inner + feedForward) + config.numDecoderLayers * 2 * D * inner),
    decoder: 2 * (config.numDecoderLayers * (6 * D * inner + feedForward) + V * D),
  };
}

function addStack(shapes: Map<string, readonly number[]>, config: T5Config, stack: string, layers: number): void {
  const { dModel: D, dFf: F, numHeads: H, dKv: K } = config;
  const addAttention = (path: string) => {
    for (const part of ["q", "k", "v"]) shapes.set(`${path}.${part}.weight`, [H * K, D]);
    shapes.set(`${path}.o.weight`, [D, H * K]);
  };
  for (let block = 0; block < layers; block += 1) {
    const layer = (index: number) => `${stack}.block.${block}.layer.${index}`;
    const dense = stack === "decoder" ? 2 : 1;
    addAttention(`${layer(0)}.SelfAttention`);
    if (block === 0) {
      const bias = `${layer(0)}.SelfAttention.relative_attention_bias.weight`;
      shapes.set(bias, [config.relativeAttentionNumBuckets, H]);
    }
    if (stack === "decoder") addAttention(`${layer(1)}.EncDecAttention`);
    for (const wi of config.feedForward === "relu" ? ["wi"] : ["wi_0", "wi_1"]) {
      shapes.set(`${layer(dense)}.DenseReluDense.${wi}.weight`, [F, D]);
    }
    shapes.set(`${layer(dense)}.DenseReluDense.wo.weight`, [D, F]);
    for (let index = 0; index <= dense; index += 1) shapes.set(`${layer(index)}.layer_norm.weight`, [D]);
  }
  shapes.set(`${stack}.final_layer_norm.weight`, [D]);
}

function embeddingAlias<T>(tensors: ReadonlyMap<string, T>): T | undefined {
  const name = EMBEDDING_ALIASES.find((alias) => tensors.has(alias));
  return name === undefined ? undefined : tensors.get(name);
}

function missing(
  config: T5Config,
  name: string,
  shape: readonly number[],
  tensors: ReadonlyMap<string, unknown>,
): string {
  const gated = config.feedForward !== "relu";
  const other = name.replace(/\.wi(_[01])?\.weight$/, gated ? ".wi.weight" : ".wi_0.weight");
  if (other !== name && tensors.has(other)) {
    return `The weights have ${other}, a ${gated ? "plain" : "gated"} feed-forward layer, but config.json says ${config.feedForward}. Use the config.json and the weights of one model.`;
  }
  return `The weights lack ${name} [${shape.join(",")}], which config.json (${describe(config, name)}) needs. Use the config.json and the weights of one model; an encoder alone does not work.`;
}

/** Whether a name belongs to a layer past the configured last one. */
function beyond(config: T5Config, name: string): boolean {
  const [, stack, block] = /^(encoder|decoder)\.block\.(\d+)\./.exec(name) ?? [];
  return block !== undefined && Number(block) >= (stack === "encoder" ? config.numLayers : config.numDecoderLayers);
}

/** The keys of config.json that decide a tensor's shape. */
function describe(config: T5Config, name: string): string {
  const stack = name.startsWith("encoder")
    ? `num_layers ${config.numLayers}`
    : `num_decoder_layers ${config.numDecoderLayers}`;
  if (name === "shared.weight") return `vocab_size ${config.vocabSize}, d_model ${config.dModel}`;
  if (name === LM_HEAD) return `tie_word_embeddings false, vocab_size ${config.vocabSize}, d_model ${config.dModel}`;
  if (name.endsWith("relative_attention_bias.weight")) {
    return `relative_attention_num_buckets ${config.relativeAttentionNumBuckets}, num_heads ${config.numHeads}`;
  }
  if (name.includes("DenseReluDense")) return `${stack}, d_ff ${config.dFf}, d_model ${config.dModel}`;
  if (name.includes("Attention")) {
    return `${stack}, num_heads ${config.numHeads}, d_kv ${config.dKv}, d_model ${config.dModel}`;
  }
  return `${stack}, d_model ${config.dModel}`;
}
