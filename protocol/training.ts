/** The events of a training run: the lines of `spanfill train --json`, which the panel reads. */
import * as z from "zod";

/** A figure with the bounds of its 95% bootstrap interval. */
const interval = z.object({ mean: z.number(), low: z.number(), high: z.number() });

/** An example of the model's output for an input that it did not learn from. */
const sample = z.object({ input: z.string(), target: z.string(), output: z.string() });

/** The result of an evaluation. */
export const evaluationSchema = z.object({
  /** Steps before it; 0 is the base model. */
  step: z.int().min(0),
  /** Mean training loss since the previous evaluation; null at step 0. */
  loss: z.number().nullable(),
  /** Negative log-likelihood per validation token, natural logarithm. */
  validation: z.number(),
  /** The task's metrics on some of the validation examples, shares from 0 to 1. */
  metrics: z.record(z.string(), interval.nullable()),
  samples: z.array(sample),
  /**
   * Present for few labels. counts[t][p]: examples with label t and output p; the last of `labels` stands for all
   * other outputs.
   */
  confusion: z.object({ labels: z.array(z.string()), counts: z.array(z.array(z.number())) }).exactOptional(),
});

/** An evaluation. */
export type Evaluation = z.output<typeof evaluationSchema>;

/** One line. Times in seconds, sizes in bytes. */
export const trainEventSchema = z.discriminatedUnion("type", [
  /** Sent once, before any computation: the task, the data and the method. */
  z.object({
    type: z.literal("plan"),
    task: z.string(),
    base: z.string(),
    out: z.string(),
    method: z.enum(["full", "lora", "bottleneck", "prompt"]),
    /** The reason for this method, for a person. */
    reason: z.string(),
    learnedParameters: z.number(),
    parameters: z.number(),
    examples: z.number(),
    validationExamples: z.number(),
    steps: z.number(),
    /** Notes on omitted or truncated data, with files and rows. */
    notes: z.array(z.string()),
  }),
  /** Sent after a few real steps were measured, before the first one counts. */
  z.object({
    type: z.literal("estimate"),
    stepSeconds: z.number(),
    secondsPerEpoch: z.number(),
    /** Time for everything that remains, unless it ends early. */
    seconds: z.number(),
    memoryBytes: z.number(),
    freeMemoryBytes: z.number(),
    diskBytes: z.number(),
  }),
  /** A stopped run resumes. */
  z.object({ type: z.literal("resumed"), step: z.number() }),
  z.object({
    type: z.literal("step"),
    /** Number of steps so far, including this one. */
    step: z.number(),
    steps: z.number(),
    epoch: z.number(),
    loss: z.number(),
    learningRate: z.number(),
    gradientNorm: z.number(),
    /** Source and target tokens, without padding, per second of computing. */
    tokensPerSecond: z.number(),
    secondsLeft: z.number(),
    memoryBytes: z.number(),
  }),
  evaluationSchema.extend({ type: z.literal("evaluation"), best: z.boolean() }),
  z.object({ type: z.literal("saved"), step: z.number() }),
  /** The loss was not a number: the run returned to a saved step and continues with a lower rate. */
  z.object({
    type: z.literal("rollback"),
    step: z.number(),
    toStep: z.number(),
    learningRate: z.number(),
    reason: z.string(),
  }),
  /** `brief`: for a moment and without saving, because a person is working. */
  z.object({ type: z.literal("paused"), step: z.number(), brief: z.literal(true).exactOptional() }),
  z.object({ type: z.literal("continued"), step: z.number() }),
  /** The last line of a run that completed. */
  z.object({
    type: z.literal("done"),
    out: z.string(),
    steps: z.number(),
    evaluations: z.array(evaluationSchema),
    best: evaluationSchema,
    tokensPerSecond: z.number(),
  }),
]);

/**
 * A line of `spanfill train --json`. A line of another shape, `{"error": {code, message}}`, ends a run that failed or
 * was stopped.
 */
export type TrainEvent = z.output<typeof trainEventSchema>;

/**
 * Commands for a run with `--control`, one word per line on its standard input or from a file. "stop" saves and ends,
 * like Ctrl+C.
 */
export const TRAIN_CONTROLS = ["pause", "continue", "stop"] as const;

/**
 * The file next to a run's control file. The run waits while its modification time is in the future, for at most a
 * minute.
 */
export function holdFile(control: string): string {
  return `${control}.hold`;
}
