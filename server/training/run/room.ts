/** Whether a run fits the machine, checked before it starts. */
import { statfs } from "node:fs/promises";
import { freemem } from "node:os";
import { dirname } from "node:path";
import { sizeInWords } from "../../../base/figures.ts";
import { ModelError } from "../../../models/errors.ts";
import { keysOfQuery } from "../../../models/t5/account.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { isGated } from "../../../models/t5/feed-forward.ts";
import { learnedShapes, type Method } from "../../../models/t5/lowering/trainable.ts";
import { parameterCount } from "../../../models/t5/weights.ts";
import { isMissing } from "../../files/whole-file.ts";

/** The memory and disk space that a run needs. */
export interface RoomNeeded {
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

/** The properties that a run's size depends on. */
export interface RunSize {
  readonly optimizer: "adafactor" | "adamw";
  /** Tokens of a batch, padding counted. */
  readonly maxBatchTokens: number;
  readonly maxInputTokens: number;
  readonly method: Method;
  readonly checkpointing?: boolean;
  /** Whether UL2's denoisers make the gaps: targets are as long as inputs then. */
  readonly denoises?: boolean;
}

/**
 * An estimate of a run's memory and disk, from its shape: weights; gradients (twice, since batches add up) and moments
 * of what learns; activations of one batch, kept for the way back; a finished model and two states on disk.
 */
export function roomNeeded(
  config: T5Config,
  { optimizer, maxBatchTokens, maxInputTokens, method, checkpointing = false, denoises = false }: RunSize,
): RoomNeeded {
  const weights = 4 * parameterCount(config);
  const learned = 4 * learnedCount(config, method);
  const moments = optimizer === "adamw" ? 2 * learned : 0;
  const merged = method.kind === "lora" ? weights : 0;
  const { dModel: D, dFf: F, numHeads: H, dKv: K, vocabSize: V } = config;
  const layers = config.numLayers + config.numDecoderLayers;
  const gated = isGated(config.feedForward) ? 4 : 2;
  const layer = 8 * D + 8 * H * K + gated * F + 3 * H * keysOfQuery(config, maxInputTokens);
  const token = checkpointing ? layer + layers * 2 * D : layers * layer;
  // The loss: logits, probabilities and their gradient at a batch's target positions, a sixth of its tokens.
  const loss = 3 * V * (maxBatchTokens / (denoises ? 2 : 6));
  return {
    memoryBytes: weights + merged + 2 * learned + moments + 4 * (token * maxBatchTokens + loss),
    diskBytes: 2 * weights + 2 * (learned + moments),
  };
}

/** How many parameters learn. */
export function learnedCount(config: T5Config, method: Method): number {
  let count = 0;
  for (const shape of learnedShapes(config, method).values())
    count += shape.reduce((product, axis) => product * axis, 1);
  return count;
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
      `Training takes about ${sizeInWords(needed.memoryBytes)} of memory and ${sizeInWords(freeBytes)} are free. Close other programs, give --method lora, --checkpointing, fewer --max-batch-tokens, shorter --max-input-tokens, or a smaller model.`,
    );
  }
  const freeDisk = await freeDiskBytes(folder);
  if (needed.diskBytes > freeDisk) {
    throw new ModelError(
      "checkpoint",
      `Training writes about ${sizeInWords(needed.diskBytes)} to ${folder}, where ${sizeInWords(freeDisk)} are free. Free some space, or name an --out elsewhere.`,
    );
  }
}

/** The free space on the disk of a folder, which need not exist yet. */
export async function freeDiskBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    if (!isMissing(error) || dirname(folder) === folder) throw error;
    return freeDiskBytes(dirname(folder));
  }
}
