/** The experts of a Switch Transformer in a configuration: feed-forward layers of which each token takes one. */
import * as z from "zod";
import { ModelError } from "../../errors.ts";

/** The sparse layers of a Switch Transformer. @see configuration_switch_transformers.py of transformers */
export interface Experts {
  /** Experts of a sparse layer (E). */
  readonly count: number;
  /** Tokens of a row that an expert takes; later ones skip the layer. */
  readonly capacity: number;
  /** Sparse layers of the encoder; they are spread evenly. */
  readonly encoderLayers: number;
  /** Sparse layers of the decoder. */
  readonly decoderLayers: number;
  /** Weight of the routers' z-loss in training. */
  readonly zLoss: number;
  /** Weight in training of the loss that grows where few experts take most tokens. */
  readonly balanceLoss: number;
}

/** Switch Transformers' keys of config.json. */
export const expertFields = {
  num_experts: z.int().min(1).max(65_536).nullish(),
  expert_capacity: z.int().min(1).max(1_048_576).nullish(),
  num_sparse_encoder_layers: z.int().min(0).max(1_024).nullish(),
  num_sparse_decoder_layers: z.int().min(0).max(1_024).nullish(),
  router_bias: z.boolean().nullish(),
  router_dtype: z.string().nullish(),
  router_z_loss_coef: z.number().min(0).max(1e6).nullish(),
  router_aux_loss_coef: z.number().min(0).max(1e6).nullish(),
};

/**
 * Reads the sparse layers; defaults are those of transformers.
 * @throws ModelError "config" for a router or feed-forward layer that no published Switch Transformer has
 */
export function parseExperts(raw: z.infer<z.ZodObject<typeof expertFields>>, feedForward: string): Experts {
  if (raw.num_experts == null) throw refused("lacks num_experts, which cannot be guessed");
  if (raw.router_bias) throw refused("asks for routers with a bias (router_bias), which no Switch Transformer has");
  if (raw.router_dtype != null && raw.router_dtype !== "float32")
    throw refused(
      `asks for routers in ${raw.router_dtype.slice(0, 20)} (router_dtype); they choose experts in float32`,
    );
  if (feedForward !== "relu") throw refused(`asks for experts with ${feedForward}; a Switch Transformer's have relu`);
  return {
    count: raw.num_experts,
    capacity: raw.expert_capacity ?? 64,
    encoderLayers: raw.num_sparse_encoder_layers ?? 3,
    decoderLayers: raw.num_sparse_decoder_layers ?? 3,
    zLoss: raw.router_z_loss_coef ?? 0.001,
    balanceLoss: raw.router_aux_loss_coef ?? 0.001,
  };
}

interface Layers {
  readonly experts: Experts | null;
  readonly numLayers: number;
  readonly numDecoderLayers: number;
}

/**
 * Refuses what transformers could not have written.
 * @param otherKeys whether other architectures' keys are set
 * @throws ModelError "config" for sparse layers beyond a stack's, or other architectures' keys
 */
export function refuseMixedExperts({ experts, numLayers, numDecoderLayers }: Layers, otherKeys: boolean): void {
  if (experts === null) return;
  for (const [key, sparse, all] of [
    ["num_sparse_encoder_layers", experts.encoderLayers, numLayers],
    ["num_sparse_decoder_layers", experts.decoderLayers, numDecoderLayers],
  ] as const)
    if (sparse > all) throw refused(`gives ${key} as ${sparse}, more than the stack's ${all} layers`);
  if (otherKeys)
    throw refused(
      "asks for talking_heads, shared_kv, num_memory_heads or first_layers, which no Switch Transformer has",
    );
}

/** The keys of config.json that {@link parseExperts} reads back. */
export function expertsJson(experts: Experts): Readonly<Record<string, unknown>> {
  return {
    num_experts: experts.count,
    expert_capacity: experts.capacity,
    num_sparse_encoder_layers: experts.encoderLayers,
    num_sparse_decoder_layers: experts.decoderLayers,
    dense_act_fn: "relu",
    router_dtype: "float32",
    router_jitter_noise: 0,
    router_z_loss_coef: experts.zLoss,
    router_aux_loss_coef: experts.balanceLoss,
  };
}

function refused(what: string): ModelError {
  return new ModelError("config", `config.json ${what}. Take the config.json that came with the weights.`);
}
