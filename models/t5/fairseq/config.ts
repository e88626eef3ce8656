/** The layers of METRO-T0 (`fairseq_t5`) in a configuration. */
import * as z from "zod";
import { ModelError } from "../../errors.ts";
import type { FeedForward } from "../feed-forward.ts";

/**
 * The layers that a METRO-T0 has and no T5: learned positions beside the encoder's biases, norms with a bias after each
 * sublayer and the embedding instead of before, biases in linear layers, and scaled queries.
 * @see modeling_fairseq_t5.py and configuration_fairseq_t5.py of gonglinyuan/metro_t0
 */
export interface Fairseq {
  /** Positions for which biases are laid out; the learned ones are always {@link LEARNED_POSITIONS}. */
  readonly maxPositions: number;
}

/** Rows of the table of learned positions, besides those up to the padding's id, in every METRO-T0. */
export const LEARNED_POSITIONS = 1024;

/** The keys of config.json. */
export const fairseqFields = { max_positions: z.int().min(2).max(1_048_576).nullish() };

/** The ids that a `fairseq_t5` has where config.json does not give them. */
export const FAIRSEQ_IDS = { pad: 1, eos: 2 };

/** Reads the keys. @throws ModelError "config" for a feed-forward layer that its code refuses */
export function parseFairseq(raw: { max_positions?: number | null | undefined }, feedForward: FeedForward): Fairseq {
  if (feedForward !== "relu" && feedForward !== "gated-gelu")
    throw new ModelError(
      "config",
      `config.json gives feed_forward_proj as ${feedForward}; a fairseq_t5 has relu or gated-gelu. Take the config.json that came with the weights.`,
    );
  return { maxPositions: raw.max_positions ?? LEARNED_POSITIONS };
}

/** The keys of config.json, which {@link parseFairseq} reads back. */
export function fairseqJson({ maxPositions }: Fairseq): Readonly<Record<string, unknown>> {
  return { max_positions: maxPositions };
}

/** @throws ModelError "config" for a METRO-T0 with another architecture's keys */
export function refuseMixedFairseq(
  { fairseq, convolution }: { readonly fairseq: Fairseq | null; readonly convolution: number },
  otherKeys: boolean,
): void {
  if (fairseq === null || (!otherKeys && convolution === 0)) return;
  throw new ModelError(
    "config",
    "config.json asks for shared_kv, num_memory_heads, talking_heads, first_layers or depthwise_conv_width in a fairseq_t5, which no METRO-T0 has. Take the config.json that came with the weights.",
  );
}

/** Tokens that an input or an output may have; more have no position. */
export function positionLimit({ fairseq }: { readonly fairseq: Fairseq | null }): number {
  return fairseq === null ? Number.POSITIVE_INFINITY : Math.min(fairseq.maxPositions, LEARNED_POSITIONS);
}

/** @throws ModelError "input" for more tokens than a METRO-T0 has positions */
export function requirePositions(config: { readonly fairseq: Fairseq | null }, tokens: number, what: string): void {
  const limit = positionLimit(config);
  if (tokens <= limit) return;
  throw new ModelError(
    "input",
    `${what} has ${tokens} tokens, and this METRO-T0 has positions for ${limit}. Shorten it, or use a T5, which has no such limit.`,
  );
}

/** Refuses a METRO-T0 where only a T5's layers are known. @param work as "Growing" */
export function refuseFairseq({ fairseq }: { readonly fairseq: Fairseq | null }, work: string, advice: string): void {
  if (fairseq === null) return;
  throw new ModelError("config", `${work} needs a T5's layers, which a METRO-T0 (fairseq_t5) does not have. ${advice}`);
}
