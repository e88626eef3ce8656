/** The settings of a training run as the command line gives them, kept beside the run so that it can go on without them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ModelError } from "../../../models/errors.ts";
import { SCHEDULES } from "../step/schedule.ts";
import { STATE_FOLDER } from "./folder.ts";

/** What to train on what, and how. What is absent is decided by the task, the method, or the advisor. */
export const trainRequestSchema = z.object({
  task: z.string(),
  /** File or folder. */
  data: z.string(),
  base: z.string().exactOptional(),
  out: z.string().exactOptional(),
  columns: z.record(z.string(), z.string()),
  inputColumn: z.string().exactOptional(),
  targetColumn: z.string().exactOptional(),
  template: z.string().exactOptional(),
  prefix: z.string().exactOptional(),
  method: z.enum(["full", "lora", "prompt"]).exactOptional(),
  /** Why that method, of a run that was begun. */
  reason: z.string().exactOptional(),
  freezeEmbedding: z.boolean(),
  loraRank: z.int(),
  loraAlpha: z.number(),
  loraDropout: z.number(),
  loraTargets: z.array(z.string()),
  promptTokens: z.int(),
  epochs: z.int(),
  batchSize: z.int(),
  optimizer: z.enum(["adafactor", "adamw"]).exactOptional(),
  learningRate: z.number().exactOptional(),
  schedule: z.enum(SCHEDULES),
  warmup: z.int(),
  weightDecay: z.number(),
  clipNorm: z.number(),
  dropout: z.number().exactOptional(),
  labelSmoothing: z.number(),
  zLoss: z.number(),
  maxInputTokens: z.int().exactOptional(),
  maxTargetTokens: z.int().exactOptional(),
  maxBatchTokens: z.int(),
  checkpointing: z.boolean().exactOptional(),
  validationShare: z.number(),
  evaluateEvery: z.int().exactOptional(),
  judged: z.int(),
  patience: z.int(),
  seed: z.int(),
  threads: z.int().exactOptional(),
  restart: z.boolean(),
});

/** A run's settings. */
export type TrainRequest = z.output<typeof trainRequestSchema>;

/** Where a run keeps its settings, inside its state's folder. */
export const REQUEST_FILE = "request.json";

/**
 * The settings of a run that was stopped.
 * @throws ModelError "input" when there is none
 */
export async function readRequest(out: string): Promise<TrainRequest> {
  try {
    return trainRequestSchema.parse(JSON.parse(await readFile(join(out, STATE_FOLDER, REQUEST_FILE), "utf8")));
  } catch (cause) {
    throw new ModelError("input", `${out} holds no run that was stopped. Name the --out folder of one.`, { cause });
  }
}
