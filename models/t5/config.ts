/** The shape of a T5 model, read from config.json and checked once. */
import * as z from "zod";
import { ModelError } from "../errors.ts";
import { refuseConvolution } from "./convolution/config.ts";
import { type Experts, expertFields, expertsJson, parseExperts, refuseMixedExperts } from "./experts/config.ts";
import {
  FAIRSEQ_IDS,
  type Fairseq,
  fairseqFields,
  fairseqJson,
  parseFairseq,
  refuseMixedFairseq,
} from "./fairseq/config.ts";
import { type FeedForward, parseFeedForward } from "./feed-forward.ts";
import { type LongAttention, longAttention, longFields, longJson, refuseMixedLong } from "./long/config.ts";
import { explainIssues, refuseQuantized } from "./refusals.ts";

/** Layers at the start of both stacks that are narrower than the others (n4w10). */
export interface FirstLayers {
  /** Number of such layers in each stack. */
  readonly numLayers: number;
  readonly numHeads: number;
  readonly dFf: number;
}

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
  /** Whether keys and values are one projection, `kv`. @see shared_kv, mesh_tensorflow/transformer/attention.py */
  readonly sharedKeyValue: boolean;
  /**
   * Whether all heads attend to the keys and values of one head.
   * @see num_memory_heads 1 of SelfAttention, mesh_tensorflow
   */
  readonly sharedHeads: boolean;
  /** Whether attention's logits and weights are mixed across heads. @see TalkingHeadsSelfAttention, mesh_tensorflow */
  readonly talkingHeads: boolean;
  readonly firstLayers: FirstLayers | null;
  /** Positions that Primer's convolutions after q, k and v of self-attention read: 3; 0 without any. */
  readonly convolution: number;
  /**
   * Whether every layer has separate position biases (umT5); else a stack's layers of one width share the first one's.
   */
  readonly biasInEveryLayer: boolean;
  /** The encoder's attention in LongT5; null where every token attends to all others. */
  readonly longAttention: LongAttention | null;
  /** The sparse layers of a Switch Transformer; null where all tokens pass all layers. */
  readonly experts: Experts | null;
  /** METRO-T0's layers, which are not T5's; null in every other model. */
  readonly fairseq: Fairseq | null;
  /** Whether the LM head is the embedding. */
  readonly tieWordEmbeddings: boolean;
  /**
   * Whether the decoder's last states are multiplied by D^-0.5 before the LM head (T5 1.0). This goes with tied
   * embeddings, but transformers 5 saves models whose head is tied and not scaled.
   */
  readonly scaleDecoderOutputs: boolean;
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

/**
 * Reads Hugging Face's config.json of a T5 (1.0, 1.1, ByT5, Flan and others of `model_type` t5), an mT5, a umT5, a
 * LongT5, a Switch Transformer or a METRO-T0 (`fairseq_t5`).
 * Defaults are those of transformers, except that sizes are required: a wrong default would only show up as wrong
 * tensors. Additional keys describe architectures that transformers does not have: `shared_kv`, `num_memory_heads` (0
 * or 1, as in Mesh TensorFlow), `talking_heads`, and `first_layers` with `num_layers`, `num_heads` and `d_ff`.
 * @param json the parsed file
 * @throws ModelError "config" when the model is not a T5, a size is missing, or a value is impossible for a T5
 */
export function parseConfig(json: unknown): T5Config {
  if (json === null || typeof json !== "object" || Array.isArray(json)) {
    throw new ModelError("config", "config.json is not a JSON object. Take it from the model's own repository.");
  }
  const type = modelType(json);
  refuseQuantized(json);
  const parsed = schema.safeParse(json);
  if (!parsed.success)
    throw new ModelError("config", explainIssues(parsed.error.issues, json), { cause: parsed.error });
  const raw = parsed.data;
  const isFairseq = type === "fairseq_t5";
  const padTokenId = raw.pad_token_id ?? (isFairseq ? FAIRSEQ_IDS.pad : 0);
  const feedForward = parseFeedForward(raw, type === "mt5" || type === "umt5" ? "gated-gelu" : "relu");
  const config: T5Config = {
    vocabSize: raw.vocab_size,
    dModel: raw.d_model,
    dFf: raw.d_ff,
    dKv: raw.d_kv,
    numHeads: raw.num_heads,
    numLayers: raw.num_layers,
    numDecoderLayers: raw.num_decoder_layers ?? raw.num_layers,
    feedForward,
    sharedKeyValue: raw.shared_kv ?? false,
    sharedHeads: raw.num_memory_heads === 1,
    talkingHeads: raw.talking_heads ?? false,
    firstLayers: raw.first_layers
      ? { numLayers: raw.first_layers.num_layers, numHeads: raw.first_layers.num_heads, dFf: raw.first_layers.d_ff }
      : null,
    convolution: raw.depthwise_conv_width ?? 0,
    biasInEveryLayer: type === "umt5",
    longAttention: type === "longt5" ? longAttention(raw) : null,
    experts: type === "switch_transformers" ? parseExperts(raw, feedForward) : null,
    fairseq: isFairseq ? parseFairseq(raw, feedForward) : null,
    tieWordEmbeddings: raw.tie_word_embeddings ?? true,
    // transformers 5 saves an mT5 with tie_word_embeddings true although its head is separate; the states are not
    // scaled.
    scaleDecoderOutputs:
      raw.scale_decoder_outputs ?? (type !== "mt5" && !isFairseq && (raw.tie_word_embeddings ?? true)),
    relativeAttentionNumBuckets: raw.relative_attention_num_buckets ?? 32,
    relativeAttentionMaxDistance: raw.relative_attention_max_distance ?? 128,
    layerNormEpsilon: raw.layer_norm_epsilon ?? 1e-6,
    dropoutRate: raw.dropout_rate ?? 0.1,
    padTokenId,
    eosTokenId:
      (Array.isArray(raw.eos_token_id) ? raw.eos_token_id[0] : raw.eos_token_id) ?? (isFairseq ? FAIRSEQ_IDS.eos : 1),
    decoderStartTokenId: raw.decoder_start_token_id ?? (isFairseq ? FAIRSEQ_IDS.eos : padTokenId),
  };
  refuseContradictions(config);
  return config;
}

/** Returns the config.json of a shape, which {@link parseConfig} reads back. */
export function configJson(config: T5Config): Readonly<Record<string, unknown>> {
  const { firstLayers, longAttention, experts, fairseq } = config;
  const type = typeOf(config);
  return {
    architectures: [`${CLASSES[type]}ForConditionalGeneration`],
    model_type: type,
    is_encoder_decoder: true,
    vocab_size: config.vocabSize,
    d_model: config.dModel,
    d_ff: config.dFf,
    d_kv: config.dKv,
    num_heads: config.numHeads,
    num_layers: config.numLayers,
    num_decoder_layers: config.numDecoderLayers,
    feed_forward_proj: config.feedForward,
    ...(config.sharedKeyValue && { shared_kv: true }),
    ...(config.sharedHeads && { num_memory_heads: 1 }),
    ...(config.talkingHeads && { talking_heads: true }),
    ...(firstLayers !== null && {
      first_layers: { num_layers: firstLayers.numLayers, num_heads: firstLayers.numHeads, d_ff: firstLayers.dFf },
    }),
    ...(config.convolution > 0 && { depthwise_conv_width: config.convolution }),
    ...(longAttention !== null && longJson(longAttention)),
    ...(experts !== null && expertsJson(experts)),
    ...(fairseq !== null && fairseqJson(fairseq)),
    tie_word_embeddings: config.tieWordEmbeddings,
    scale_decoder_outputs: config.scaleDecoderOutputs,
    relative_attention_num_buckets: config.relativeAttentionNumBuckets,
    relative_attention_max_distance: config.relativeAttentionMaxDistance,
    layer_norm_epsilon: config.layerNormEpsilon,
    dropout_rate: config.dropoutRate,
    pad_token_id: config.padTokenId,
    eos_token_id: config.eosTokenId,
    decoder_start_token_id: config.decoderStartTokenId,
  };
}

function typeOf({ longAttention, experts, fairseq, biasInEveryLayer }: T5Config): keyof typeof CLASSES {
  if (fairseq !== null) return "fairseq_t5";
  if (experts !== null) return "switch_transformers";
  return longAttention !== null ? "longt5" : biasInEveryLayer ? "umt5" : "t5";
}

/** transformers' classes, without what follows the model's name. */
const CLASSES = {
  ...{ t5: "T5", umt5: "UMT5", longt5: "LongT5" },
  ...{ switch_transformers: "SwitchTransformers", fairseq_t5: "FairseqT5" },
} as const;

const size = (most: number) => z.int().min(1).max(most);
const optional = <T extends z.ZodType>(type: T) => type.nullish();

// The upper limits are far above any published T5 (widest: d_model 4096, d_ff 65536, 128 heads, 40 layers).
const schema = z.object({
  vocab_size: size(10_000_000),
  d_model: size(65_536),
  d_ff: size(1_048_576),
  d_kv: size(8_192),
  num_heads: size(4_096),
  num_layers: size(1_024),
  num_decoder_layers: optional(size(1_024)),
  feed_forward_proj: optional(z.string()),
  dense_act_fn: optional(z.string()),
  is_gated_act: optional(z.boolean()),
  shared_kv: optional(z.boolean()),
  num_memory_heads: optional(z.union([z.literal(0), z.literal(1)])),
  talking_heads: optional(z.boolean()),
  first_layers: optional(z.object({ num_layers: size(1_024), num_heads: size(4_096), d_ff: size(1_048_576) })),
  depthwise_conv_width: optional(z.int().min(0).max(31)),
  ...longFields,
  ...expertFields,
  ...fairseqFields,
  tie_word_embeddings: optional(z.boolean()),
  scale_decoder_outputs: optional(z.boolean()),
  relative_attention_num_buckets: optional(size(65_536).min(4).multipleOf(2)),
  relative_attention_max_distance: optional(size(1_048_576)),
  layer_norm_epsilon: optional(z.number().positive().max(1)),
  dropout_rate: optional(z.number().min(0).lt(1)),
  pad_token_id: optional(z.int().min(0)),
  eos_token_id: optional(z.union([z.int().min(0), z.array(z.int().min(0))])),
  decoder_start_token_id: optional(z.int().min(0)),
});

/** Whether a parsed config.json is that of a T5, whether or not its values are valid. */
export function isT5Config(json: unknown): boolean {
  return typeof json === "object" && json !== null && knownType(json) !== undefined;
}

const MODEL_TYPES = ["t5", "mt5", "umt5", "longt5", "switch_transformers", "fairseq_t5"] as const;

type ModelType = (typeof MODEL_TYPES)[number];

function knownType(json: object): ModelType | undefined {
  const type = "model_type" in json ? json.model_type : undefined;
  const known = MODEL_TYPES.find((each) => each === type);
  if (known !== undefined) return known;
  // config.json of 2019 has no model_type; these keys are T5's only.
  return type === undefined && "d_kv" in json && "relative_attention_num_buckets" in json ? "t5" : undefined;
}

function modelType(json: object): ModelType {
  const known = knownType(json);
  if (known !== undefined) return known;
  const type = "model_type" in json ? json.model_type : undefined;
  const found = type === undefined ? "names no model_type" : `is of model_type ${JSON.stringify(type)}`;
  throw new ModelError(
    "config",
    `config.json ${found}, and only ${MODEL_TYPES.map((each) => `"${each}"`).join(", ")} work here: T5 1.0 and 1.1, t5-efficient, Flan-T5, ByT5, mT5, umT5, LongT5, Switch Transformers, METRO-T0. Choose such a model.`,
  );
}

function refuseContradictions(config: T5Config): void {
  const { vocabSize, relativeAttentionNumBuckets: buckets, relativeAttentionMaxDistance: distance } = config;
  const ids = { pad: config.padTokenId, eos: config.eosTokenId, decoder_start: config.decoderStartTokenId };
  for (const [name, id] of Object.entries(ids)) {
    if (id < vocabSize) continue;
    throw new ModelError(
      "config",
      `config.json gives ${name}_token_id as ${id}, outside its vocabulary of ${vocabSize}. Take the config.json that came with the weights.`,
    );
  }
  const { firstLayers, numLayers, numDecoderLayers, talkingHeads, sharedKeyValue, sharedHeads } = config;
  if (firstLayers !== null && firstLayers.numLayers > Math.min(numLayers, numDecoderLayers)) {
    throw new ModelError(
      "config",
      `config.json gives first_layers.num_layers as ${firstLayers.numLayers}; the stacks have ${numLayers} and ${numDecoderLayers} layers. Take the config.json that came with the weights.`,
    );
  }
  if (talkingHeads && (sharedKeyValue || sharedHeads)) {
    throw new ModelError(
      "config",
      "config.json asks for talking_heads together with shared_kv or num_memory_heads, which no T5 has. Take the config.json that came with the weights.",
    );
  }
  const otherKeys = talkingHeads || sharedKeyValue || sharedHeads || firstLayers !== null;
  if (config.longAttention !== null && otherKeys) refuseMixedLong();
  refuseMixedExperts(config, otherKeys);
  refuseConvolution(config, otherKeys);
  refuseMixedFairseq(config, otherKeys);
  if (distance > buckets / 2) return;
  throw new ModelError(
    "config",
    `config.json gives relative_attention_max_distance as ${distance}; ${buckets} buckets need more than ${buckets / 2}. Take the config.json that came with the weights.`,
  );
}
