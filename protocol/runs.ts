/**
 * Messages about training runs between the panel and the language server: starting, watching, steering, comparing and
 * removing them.
 */
import * as z from "zod";
import type { RunStory } from "./run-story.ts";
import { TRAIN_FIELDS } from "./train-fields.ts";
import { type RunRequest, runRequestSchema } from "./train-request.ts";
import type { TrainEvent } from "./training.ts";

/** The notification from the server to the extension: a `RunNews`. */
export const RUN_NOTIFICATION = "$/spanfill/run";

const id = z.string().min(1).max(200);

/** The token of a Ray cluster, with the address that alone may receive it. */
const clusterToken = z.object({ address: z.string().max(500), token: z.string().max(10_000) });
export type ClusterToken = z.output<typeof clusterToken>;

/** Questions about runs that the server answers. */
export const runQuestions = [
  /** -> `RunList` */
  z.object({ kind: z.literal("runs") }),
  /** -> `RunDetails` */
  z.object({ kind: z.literal("run"), id }),
  /** Reads the data as a run would -> `DataCheck` */
  z.object({ kind: z.literal("checkData"), request: runRequestSchema }),
  /** Estimates a run's needs -> `Fit` */
  z.object({ kind: z.literal("fit"), request: runRequestSchema }),
  /** -> `RunSummary`; `title` becomes part of the model's id */
  z.object({
    kind: z.literal("startRun"),
    title: z.string().min(1).max(100),
    request: runRequestSchema,
    clusterToken: clusterToken.optional(),
  }),
  /** `resume`: a run that was stopped or whose process ended -> `RunSummary` */
  z.object({
    kind: z.literal("steerRun"),
    id,
    action: z.enum(["pause", "continue", "stop", "resume"]),
    clusterToken: clusterToken.optional(),
  }),
  /** Tries a Ray cluster, after asking a person for its token -> a sentence; null if the person left */
  z.object({ kind: z.literal("cluster"), address: z.string().min(1).max(500), clusterToken: clusterToken.optional() }),
  /** Times a run's base where the run would be computed, and on this machine -> `Pace` */
  z.object({ kind: z.literal("pace"), request: runRequestSchema, clusterToken: clusterToken.optional() }),
  /** Compares the base of a run that has ended with its model, on the examples that it kept out -> `Comparison` */
  z.object({ kind: z.literal("compareRun"), id }),
  /** Throws away a run that has ended; its model too where asked -> `Removed` */
  z.object({ kind: z.literal("removeRun"), id, model: z.boolean() }),
] as const;

/** The state of a run. `lost`: its process ended without a message; it can be resumed. */
const RUN_STATES = ["starting", "running", "paused", "stopped", "done", "failed", "lost"] as const;
export type RunState = (typeof RUN_STATES)[number];

/** A run's entry in the history. */
export interface RunSummary {
  readonly id: string;
  readonly title: string;
  readonly state: RunState;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly request: RunRequest;
  /** Id of the resulting model, usable from the first evaluation on (with its best weights so far). */
  readonly model: string;
  readonly usable: boolean;
  readonly step: number;
  /** 0 until known. */
  readonly steps: number;
  readonly secondsLeft?: number;
  /** Paused for a moment because a person is typing. */
  readonly waiting?: true;
  /** The base's evaluation and the best one so far, without samples. */
  readonly base?: Score;
  readonly best?: Score;
  /** Why it failed, and how to fix it. */
  readonly message?: string;
}

/** The result of an evaluation. */
export interface Score {
  readonly step: number;
  readonly validation: number;
  /** Means, shares from 0 to 1; null if there was nothing to judge. */
  readonly metrics: Readonly<Record<string, number | null>>;
}

export interface RunList {
  /** Newest first. */
  readonly runs: readonly RunSummary[];
}

/** A run with its whole story. */
export interface RunDetails extends RunStory {
  readonly summary: RunSummary;
}

/** The events of a run since the news before, to be folded into its story; sent at most ten times a second. */
export interface RunNews {
  readonly summary: RunSummary;
  readonly events: readonly TrainEvent[];
}

/** Lengths in tokens. */
const lengths = z.object({
  least: z.number(),
  median: z.number(),
  /** 95% are at most this long. */
  long: z.number(),
  most: z.number(),
  limit: z.number(),
});

/** The output of `spanfill data check --json`. */
export const dataCheckSchema = z.object({
  data: z.string(),
  task: z.string(),
  /** Role -> column; empty for texts. */
  columns: z.record(z.string(), z.string()),
  /** All columns of the rows, for choosing others; absent for texts. */
  available: z.array(z.string()).exactOptional(),
  prefix: z.string(),
  examples: z.number(),
  validationExamples: z.number(),
  inputTokens: lengths.exactOptional(),
  targetTokens: lengths.exactOptional(),
  labels: z.record(z.string(), z.number()).exactOptional(),
  notes: z.array(z.string()),
  preview: z.array(
    z.object({
      place: z.string(),
      input: z.string(),
      inputTokens: z.number(),
      target: z.string(),
      targetTokens: z.number(),
    }),
  ),
});
export type DataCheck = z.output<typeof dataCheckSchema>;

/** The needs of a run before anything is measured: the answer of `spanfill train --dry-run --json`. */
export const fitSchema = z.object({
  method: z.enum(TRAIN_FIELDS.method.type.choices),
  /** The reason for this method, for a person. */
  reason: z.string(),
  checkpointing: z.boolean(),
  memoryBytes: z.number(),
  freeMemoryBytes: z.number(),
  diskBytes: z.number(),
  freeDiskBytes: z.number(),
  examples: z.number(),
  steps: z.number(),
  /** A rough estimate from the model's operations; the run measures real steps before the first one counts. */
  seconds: z.number(),
  /** Whether memory and disk suffice. */
  fits: z.boolean(),
  /** The shape that is enough for these data, where `spanfill scale` measured them. */
  enough: z
    .object({
      /** The size of the text. */
      bytes: z.number(),
      shape: z.string(),
      parameters: z.number(),
      hours: z.number(),
    })
    .exactOptional(),
});
export type Fit = z.output<typeof fitSchema>;

/** `firstStepSeconds` pass until the first step is done: a cluster starts its workers. */
const speed = z.object({ tokensPerSecond: z.number(), firstStepSeconds: z.number() });

/** The speed of training in two places: the answer of `spanfill train --measure --json`. */
export const paceSchema = z.object({
  /** Where the run would be computed, as `on` of a request, with so many workers. */
  on: z.string(),
  workers: z.number(),
  there: speed,
  here: speed,
});
export type Pace = z.output<typeof paceSchema>;
