/** Whether a run fits the machine, told before it starts rather than when it fails. */
import { statfs } from "node:fs/promises";
import { freemem } from "node:os";
import { ModelError } from "../../models/errors.ts";
import type { T5Config } from "../../models/t5/config.ts";
import { parameterCount } from "../../models/t5/weights.ts";

/** What a run takes. */
export interface RoomNeeded {
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

/** What a run's size depends on. */
export interface RunSize {
  readonly optimizer: "adafactor" | "adamw";
  /** Tokens of a batch, padding counted. */
  readonly maxBatchTokens: number;
  readonly maxInputTokens: number;
}

/**
 * An estimate of a run's memory and disk, from its shape: weights, gradients (twice, since batches add up) and moments; activations of one
 * batch, kept for the way back; a finished model and two states on disk.
 */
export function roomNeeded(config: T5Config, { optimizer, maxBatchTokens, maxInputTokens }: RunSize): RoomNeeded {
  const weights = 4 * parameterCount(config);
  const moments = optimizer === "adamw" ? 2 * weights : 0;
  const { dModel: D, dFf: F, numHeads: H, dKv: K, vocabSize: V } = config;
  const layers = config.numLayers + config.numDecoderLayers;
  const gated = config.feedForward === "relu" ? 2 : 4;
  const token = layers * (8 * D + 8 * H * K + gated * F + 3 * H * maxInputTokens);
  // The loss: logits and probabilities of half a batch's target positions, a quarter of its tokens.
  const loss = 2 * V * (maxBatchTokens / 8);
  return {
    memoryBytes: 3 * weights + moments + 4 * (token * maxBatchTokens + loss),
    diskBytes: weights + 2 * (weights + moments),
  };
}

/**
 * Refuses a run that does not fit.
 * @param folder where it writes; exists
 * @param freeBytes memory that is free; the machine's when absent
 * @throws ModelError "memory" when memory, "checkpoint" when the disk is too small
 */
export async function checkRoom(needed: RoomNeeded, folder: string, freeBytes = freemem()): Promise<void> {
  if (needed.memoryBytes > freeBytes) {
    throw new ModelError(
      "memory",
      `Tuning takes about ${megabytes(needed.memoryBytes)} of memory and ${megabytes(freeBytes)} are free. Close other programs, give fewer --max-batch-tokens, shorter --max-input-tokens, or a smaller model.`,
    );
  }
  const { bavail, bsize } = await statfs(folder);
  if (needed.diskBytes > bavail * bsize) {
    throw new ModelError(
      "checkpoint",
      `Tuning writes about ${megabytes(needed.diskBytes)} to ${folder}, where ${megabytes(bavail * bsize)} are free. Free some space, or name an --out elsewhere.`,
    );
  }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
