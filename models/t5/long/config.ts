/** LongT5's encoder attention in a configuration: blocks that attend to their neighbors, and global tokens. */
import * as z from "zod";
import { ModelError } from "../../errors.ts";

/** The attention of LongT5's encoder. @see configuration_longt5.py of transformers; Guo et al. 2021, "LongT5" */
export interface LongAttention {
  /** Tokens to each side that a token attends to. */
  readonly localRadius: number;
  /** Tokens summed up by one global token, to which all attend (transient-global attention); null without any. */
  readonly globalBlockSize: number | null;
}

/** Tokens that a LongT5 reads at once where nobody says how many: the longest inputs of its paper. */
export const LONG_CONTEXT = 16_384;

/** LongT5's keys of config.json. */
export const longFields = {
  encoder_attention_type: z.string().nullish(),
  local_radius: z.int().min(1).max(1_048_576).nullish(),
  global_block_size: z.int().min(1).max(1_048_576).nullish(),
};

/**
 * Reads the attention of a LongT5.
 * @throws ModelError "config" for an attention that LongT5 does not have
 */
export function longAttention(raw: z.infer<z.ZodObject<typeof longFields>>): LongAttention {
  const kind = raw.encoder_attention_type ?? "local";
  if (kind !== "local" && kind !== "transient-global") {
    throw new ModelError(
      "config",
      `config.json asks for the encoder attention ${JSON.stringify(kind).slice(0, 60)}; "local" and "transient-global" work. Take the config.json that came with the weights.`,
    );
  }
  return {
    localRadius: raw.local_radius ?? 127,
    globalBlockSize: kind === "local" ? null : (raw.global_block_size ?? 16),
  };
}

/** @throws ModelError "config" that names the keys of other architectures */
export function refuseMixedLong(): never {
  throw new ModelError(
    "config",
    "config.json asks for talking_heads, shared_kv, num_memory_heads or first_layers, which no LongT5 has. Take the config.json that came with the weights.",
  );
}

/** The keys of config.json that {@link longAttention} reads back. */
export function longJson({ localRadius, globalBlockSize }: LongAttention): Readonly<Record<string, unknown>> {
  return {
    encoder_attention_type: globalBlockSize === null ? "local" : "transient-global",
    local_radius: localRadius,
    ...(globalBlockSize !== null && { global_block_size: globalBlockSize }),
  };
}

/** The name of self-attention in a LongT5's encoder. */
export function longModule({ globalBlockSize }: LongAttention): string {
  return globalBlockSize === null ? "LocalSelfAttention" : "TransientGlobalSelfAttention";
}

/**
 * Tensors under the names of a LongT5's encoder attention: T5X names them as a T5's.
 * @see convert_longt5x_checkpoint_to_flax.py of transformers
 */
export function withLongNames<T>(long: LongAttention | null, tensors: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  if (long === null) return tensors;
  const module = `$1.${longModule(long)}.`;
  const named = (name: string) => name.replace(/^(encoder\.block\.\d+\.layer\.0)\.SelfAttention\./, module);
  return new Map([...tensors].map(([name, tensor]) => [named(name), tensor]));
}
