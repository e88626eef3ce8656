/** The shape of a T5 model: what config.json says, checked once. */
import { z } from "zod";
import { ModelError } from "../errors.ts";

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
  /** Whether the LM head is the embedding. */
  readonly tieWordEmbeddings: boolean;
  /**
   * Whether the decoder's last states are multiplied by D^-0.5 before the LM head (T5 1.0). Goes with tied embeddings, but
   * transformers 5 saves models whose head is tied and not scaled.
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
 * Reads Hugging Face's config.json of a T5 (1.0, 1.1, ByT5, Flan and others of `model_type` t5). Defaults are those of
 * transformers' T5Config; the sizes have none here, for a wrong guess would only show up as wrong tensors.
 * @param json the parsed file
 * @throws ModelError "config" when it is no T5, lacks a size, or holds a value no T5 can have
 */
export function parseConfig(json: unknown): T5Config {
  if (json === null || typeof json !== "object" || Array.isArray(json)) {
    throw new ModelError("config", "config.json is not a JSON object. Take it from the model's own repository.");
  }
  refuseOthers(json);
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new ModelError("config", explain(parsed.error.issues, json), { cause: parsed.error });
  const raw = parsed.data;
  const padTokenId = raw.pad_token_id ?? 0;
  const config: T5Config = {
    vocabSize: raw.vocab_size,
    dModel: raw.d_model,
    dFf: raw.d_ff,
    dKv: raw.d_kv,
    numHeads: raw.num_heads,
    numLayers: raw.num_layers,
    numDecoderLayers: raw.num_decoder_layers ?? raw.num_layers,
    feedForward: feedForward(raw),
    tieWordEmbeddings: raw.tie_word_embeddings ?? true,
    scaleDecoderOutputs: raw.scale_decoder_outputs ?? raw.tie_word_embeddings ?? true,
    relativeAttentionNumBuckets: raw.relative_attention_num_buckets ?? 32,
    relativeAttentionMaxDistance: raw.relative_attention_max_distance ?? 128,
    layerNormEpsilon: raw.layer_norm_epsilon ?? 1e-6,
    dropoutRate: raw.dropout_rate ?? 0.1,
    padTokenId,
    eosTokenId: (Array.isArray(raw.eos_token_id) ? raw.eos_token_id[0] : raw.eos_token_id) ?? 1,
    decoderStartTokenId: raw.decoder_start_token_id ?? padTokenId,
  };
  refuseContradictions(config);
  return config;
}

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

function refuseOthers(json: object): void {
  const type = "model_type" in json ? json.model_type : undefined;
  if (type === "t5") return;
  const found = type === undefined ? "names no model_type" : `is of model_type ${JSON.stringify(type)}`;
  throw new ModelError(
    "config",
    `config.json ${found}, and only "t5" works here: T5 1.0 and 1.1, t5-efficient, Flan-T5, ByT5. Choose such a model.`,
  );
}

function explain(issues: readonly z.core.$ZodIssue[], json: object): string {
  const missing = issues.filter((issue) => !(String(issue.path[0]) in json)).map((issue) => String(issue.path[0]));
  if (missing.length > 0) {
    return `config.json lacks ${missing.join(", ")}, which cannot be guessed. Take the config.json that came with the weights.`;
  }
  const [issue] = issues;
  const key = String(issue?.path[0]);
  const value = JSON.stringify(Object.entries(json).find(([name]) => name === key)?.[1]);
  return `config.json gives ${key} as ${value?.slice(0, 60)}: ${issue?.message}. Take the config.json that came with the weights.`;
}

/** `feed_forward_proj` decides, as in transformers; the two derived keys only where it is absent. */
function feedForward(raw: z.infer<typeof schema>): FeedForward {
  const derived = raw.dense_act_fn ? `${raw.is_gated_act ? "gated-" : ""}${raw.dense_act_fn}` : "relu";
  const name = raw.feed_forward_proj ?? derived;
  switch (name) {
    case "relu":
    case "gated-gelu":
    case "gated-silu":
      return name;
    case "gated-gelu_new": // the name transformers gives the tanh approximation that "gated-gelu" stands for
      return "gated-gelu";
    default:
      throw new ModelError(
        "config",
        `config.json asks for the feed-forward layer "${name}"; relu, gated-gelu and gated-silu work. Choose a model with one of these.`,
      );
  }
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
  if (distance > buckets / 2) return;
  throw new ModelError(
    "config",
    `config.json gives relative_attention_max_distance as ${distance}; ${buckets} buckets need more than ${buckets / 2}. Take the config.json that came with the weights.`,
  );
}
