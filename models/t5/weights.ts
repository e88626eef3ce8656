/** The tensors of a T5 by its shape, under Hugging Face's names, and the checks of a checkpoint against them. */
import { ModelError } from "../errors.ts";
import type { T5Config } from "./config.ts";
import { convolutionNames } from "./convolution/convolution.ts";
import { expertOf, feedForwardShapes } from "./experts/shapes.ts";
import { addFairseqShapes } from "./fairseq/shapes.ts";
import { isGated } from "./feed-forward.ts";
import { longModule } from "./long/config.ts";

/** Other names of the embedding in checkpoints, accepted where `shared.weight` is absent. */
export const EMBEDDING_ALIASES = ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight"] as const;

/** The name of the separate LM head. */
export const LM_HEAD = "lm_head.weight";

/** The two tensors of talking heads in a layer, [out, in] heads: the mixes of attention's logits and of its weights. */
const MIXES = ["logits", "weights"] as const;

/**
 * Returns the tensors of a model under Hugging Face's names, or Mesh TensorFlow's for those that only it has (`kv`,
 * `logits`, `weights`). Linear weights are [out, in].
 * @returns name -> shape; `lm_head.weight` only when the head is not tied
 * @see T5ForConditionalGeneration, transformers modeling_t5.py
 */
export function tensorShapes(config: T5Config): Map<string, readonly number[]> {
  const { vocabSize: V, dModel: D } = config;
  const shapes = new Map<string, readonly number[]>([["shared.weight", [V, D]]]);
  addStack(shapes, config, "encoder");
  addStack(shapes, config, "decoder");
  if (!config.tieWordEmbeddings) shapes.set(LM_HEAD, [V, D]);
  return shapes;
}

/** Those of {@link tensorShapes} that the encoder alone needs. */
export function encoderShapes(config: T5Config): Map<string, readonly number[]> {
  return new Map([...tensorShapes(config)].filter(([name]) => /^(shared|encoder)\./.test(name)));
}

/** Whether a checkpoint has an encoder and no decoder. */
export function isEncoderOnly(tensors: ReadonlyMap<string, unknown>): boolean {
  const names = [...tensors.keys()];
  const has = (stack: Stack) => names.some((name) => name.startsWith(`${stack}.block.`));
  return has("encoder") && !has("decoder");
}

/**
 * Checks that a checkpoint has the tensors that the configuration needs, and reports the first disagreement.
 * Tensors that no T5 uses are ignored; layers beyond the configured ones are an error.
 * @param tensors name -> shape, under Hugging Face's names; the embedding may have one of its aliases
 * @param shapes the needed ones
 * @throws ModelError "checkpoint"
 */
export function checkTensors(
  config: T5Config,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  shapes: ReadonlyMap<string, readonly number[]> = tensorShapes(config),
): void {
  for (const [name, shape] of shapes) {
    const found = tensors.get(name) ?? (name === "shared.weight" ? embeddingAlias(tensors) : undefined);
    if (found === undefined) throw new ModelError("checkpoint", missing(config, name, shapes, tensors));
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

/** The exact number of parameters; a tied embedding counts once. */
export function parameterCount(config: T5Config): number {
  let count = 0;
  for (const shape of tensorShapes(config).values()) count += shape.reduce((product, axis) => product * axis, 1);
  return count;
}

/** One stack's name. */
export type Stack = "encoder" | "decoder";

/** The number of layers of a stack. */
export function layerCount(config: T5Config, stack: Stack): number {
  return stack === "encoder" ? config.numLayers : config.numDecoderLayers;
}

/**
 * The heads and the feed-forward width of a layer of either stack. `keyHeads` is the number of heads that have keys and
 * values. Only the first layers of n4w10 differ from the configuration.
 */
export function layerWidths(config: T5Config, layer: number): { numHeads: number; keyHeads: number; dFf: number } {
  const { firstLayers } = config;
  const { numHeads, dFf } = firstLayers !== null && layer < firstLayers.numLayers ? firstLayers : config;
  return { numHeads, keyHeads: config.sharedHeads ? 1 : numHeads, dFf };
}

/** A table of relative position biases [buckets, numHeads] that consecutive layers of a stack share. */
export interface BiasTable {
  /** The tensor's name, which is that of the first of the layers. */
  readonly name: string;
  /** Whether there is such a tensor; else there are only zeros and the mask (METRO-T0's decoder). */
  readonly learned: boolean;
  readonly numHeads: number;
  /** Layers from..to share it. */
  readonly from: number;
  readonly to: number;
}

/**
 * A stack's tables of relative position biases, in the order of its layers: one, except in umT5 (one per layer) and
 * n4w10 (two), and those of METRO-T0's encoder (one per layer) and decoder, which is not learned.
 */
export function biasTables(config: T5Config, stack: Stack): BiasTable[] {
  const tables: BiasTable[] = [];
  const count = layerCount(config, stack);
  const learned = config.fairseq === null || stack === "encoder";
  const inEveryLayer = config.biasInEveryLayer || (config.fairseq !== null && learned);
  for (let layer = 0; layer < count; layer += 1) {
    const { numHeads } = layerWidths(config, layer);
    const last = tables.at(-1);
    if (last?.numHeads === numHeads && !inEveryLayer) tables[tables.length - 1] = { ...last, to: layer + 1 };
    else
      tables.push({
        name: `${selfAttentionName(config, stack, layer)}.${BIAS}`,
        learned,
        numHeads,
        from: layer,
        to: layer + 1,
      });
  }
  return tables;
}

/** The path of a layer's self-attention. */
export function selfAttentionName({ longAttention }: T5Config, stack: Stack, layer: number): string {
  const module = stack === "encoder" && longAttention !== null ? longModule(longAttention) : "SelfAttention";
  return `${stack}.block.${layer}.layer.0.${module}`;
}

/** The table of position biases of a LongT5's global tokens, [buckets, H], which all layers of the encoder share. */
export function sideTable(config: T5Config): string {
  return `${selfAttentionName(config, "encoder", 0)}.global_${BIAS}`;
}

/** The names of an attention module's key and value projections. */
export function keyValueNames(config: T5Config, module: string): string[] {
  return (config.sharedKeyValue ? ["kv"] : ["k", "v"]).map((part) => `${module}.${part}`);
}

const BIAS = "relative_attention_bias.weight";

function addStack(shapes: Map<string, readonly number[]>, config: T5Config, stack: Stack): void {
  const { dModel: D, dKv: K } = config;
  const tables = new Set(biasTables(config, stack).flatMap(({ name, learned }) => (learned ? [name] : [])));
  for (let block = 0; block < layerCount(config, stack); block += 1) {
    const { numHeads: H, keyHeads, dFf: F } = layerWidths(config, block);
    const addAttention = (path: string) => {
      shapes.set(`${path}.q.weight`, [H * K, D]);
      for (const name of keyValueNames(config, path)) shapes.set(`${name}.weight`, [keyHeads * K, D]);
      shapes.set(`${path}.o.weight`, [D, H * K]);
      if (config.talkingHeads) for (const mix of MIXES) shapes.set(`${path}.${mix}.weight`, [H, H]);
      if (path.endsWith(".SelfAttention")) for (const name of convolutionNames(config, path)) shapes.set(name, [H * K]);
      if (tables.has(`${path}.${BIAS}`)) shapes.set(`${path}.${BIAS}`, [config.relativeAttentionNumBuckets, H]);
    };
    const layer = (index: number) => `${stack}.block.${block}.layer.${index}`;
    const dense = stack === "decoder" ? 2 : 1;
    const self = selfAttentionName(config, stack, block);
    addAttention(self);
    if (stack === "encoder" && config.longAttention?.globalBlockSize != null) {
      if (block === 0) shapes.set(sideTable(config), [config.relativeAttentionNumBuckets, config.numHeads]);
      shapes.set(`${self}.global_input_layer_norm.weight`, [D]);
    }
    if (stack === "decoder") addAttention(`${layer(1)}.EncDecAttention`);
    for (const [name, shape] of feedForwardShapes(config, stack, block, F))
      shapes.set(`${layer(dense)}.${name}`, shape);
    for (let index = 0; index <= dense; index += 1) shapes.set(`${layer(index)}.layer_norm.weight`, [D]);
  }
  if (config.fairseq !== null) addFairseqShapes(shapes, config, stack);
  else shapes.set(`${stack}.final_layer_norm.weight`, [D]);
}

function embeddingAlias<T>(tensors: ReadonlyMap<string, T>): T | undefined {
  const name = EMBEDDING_ALIASES.find((alias) => tensors.has(alias));
  return name === undefined ? undefined : tensors.get(name);
}

function missing(
  config: T5Config,
  name: string,
  shapes: ReadonlyMap<string, readonly number[]>,
  tensors: ReadonlyMap<string, unknown>,
): string {
  const gated = isGated(config.feedForward);
  const other = name.replace(/\.wi(_[01])?\.weight$/, gated ? ".wi.weight" : ".wi_0.weight");
  if (other !== name && tensors.has(other)) {
    return `The weights have ${other}, a ${gated ? "plain" : "gated"} feed-forward layer, but config.json says ${config.feedForward}. Use the config.json and the weights of one model.`;
  }
  if (isEncoderOnly(tensors) && [...shapes.keys()].some((each) => each.startsWith("decoder.")))
    return "The weights hold only an encoder, which cannot write text. It gives vectors: use spanfill embed, or choose a whole model.";
  return `The weights lack ${name} [${shapes.get(name)?.join(",")}], which config.json (${describe(config, name)}) needs. Use the config.json and the weights of one model.`;
}

/** Whether a name belongs to a layer past the configured last one. */
function beyond(config: T5Config, name: string): boolean {
  if (config.experts !== null && (expertOf(name) ?? 0) >= config.experts.count) return true;
  const [, stack, block] = /^(encoder|decoder)\.block\.(\d+)\./.exec(name) ?? [];
  return block !== undefined && Number(block) >= (stack === "encoder" ? config.numLayers : config.numDecoderLayers);
}

/** The keys of config.json that decide a tensor's shape. */
function describe(config: T5Config, name: string): string {
  const stack = name.startsWith("encoder")
    ? `num_layers ${config.numLayers}`
    : `num_decoder_layers ${config.numDecoderLayers}`;
  if (name === "shared.weight") return `vocab_size ${config.vocabSize}, d_model ${config.dModel}`;
  if (name.endsWith(".pos_embed.weight"))
    return `fairseq_t5, pad_token_id ${config.padTokenId}, d_model ${config.dModel}`;
  if (name === LM_HEAD) return `tie_word_embeddings false, vocab_size ${config.vocabSize}, d_model ${config.dModel}`;
  const { numHeads, dFf } = layerWidths(config, Number(/\.block\.(\d+)\./.exec(name)?.[1] ?? config.numLayers));
  if (name.endsWith(BIAS)) {
    return `relative_attention_num_buckets ${config.relativeAttentionNumBuckets}, num_heads ${numHeads}`;
  }
  if (config.experts !== null && /\.(experts|router)\./.test(name))
    return `${stack}, num_experts ${config.experts.count}, d_ff ${dFf}, d_model ${config.dModel}`;
  if (/\.(DenseReluDense|mlp)\./.test(name)) return `${stack}, d_ff ${dFf}, d_model ${config.dModel}`;
  if (name.includes("Attention")) {
    return `${stack}, num_heads ${numHeads}, d_kv ${config.dKv}, d_model ${config.dModel}`;
  }
  return `${stack}, d_model ${config.dModel}`;
}
