/** What a training run tells while it goes: the lines of `spanfill train --json`, which a panel reads. */
import { z } from "zod";

/** A figure with the bounds of its 95% bootstrap interval. */
const interval = z.object({ mean: z.number(), low: z.number(), high: z.number() });

/** One example of what the model makes of an input that it did not learn from. */
const sample = z.object({ input: z.string(), target: z.string(), output: z.string() });

/** What an evaluation found. */
export const evaluationSchema = z.object({
  /** Steps done before it; 0 is the base. */
  step: z.int().min(0),
  /** Mean training loss since the evaluation before; null at step 0. */
  loss: z.number().nullable(),
  /** Negative log-likelihood of a validation token, natural logarithm. */
  validation: z.number(),
  /** The task's metrics on some of the validation examples, shares from 0 to 1. */
  metrics: z.record(z.string(), interval.nullable()),
  samples: z.array(sample),
  /** Of few labels: counts[t][p] examples of label t for which the model wrote label p; the last of `labels` stands for all else. */
  confusion: z.object({ labels: z.array(z.string()), counts: z.array(z.array(z.number())) }).exactOptional(),
});

/** An evaluation. */
export type Evaluation = z.output<typeof evaluationSchema>;

/** One line. Times in seconds, sizes in bytes. */
export const trainEventSchema = z.discriminatedUnion("type", [
  /** Sent once, before anything is computed: what will be learned from what, and how. */
  z.object({
    type: z.literal("plan"),
    task: z.string(),
    base: z.string(),
    out: z.string(),
    method: z.enum(["full", "lora", "prompt"]),
    /** Why this method, for a person. */
    reason: z.string(),
    learnedParameters: z.number(),
    parameters: z.number(),
    examples: z.number(),
    validationExamples: z.number(),
    steps: z.number(),
    /** What was left out or cut, with files and rows. */
    notes: z.array(z.string()),
  }),
  /** Sent after a few real steps were measured, before the first one counts. */
  z.object({
    type: z.literal("estimate"),
    stepSeconds: z.number(),
    secondsPerEpoch: z.number(),
    /** Of all that is left to do, if it does not end early. */
    seconds: z.number(),
    memoryBytes: z.number(),
    freeMemoryBytes: z.number(),
    diskBytes: z.number(),
  }),
  /** A run that was stopped goes on. */
  z.object({ type: z.literal("resumed"), step: z.number() }),
  z.object({
    type: z.literal("step"),
    /** Steps done, this one included. */
    step: z.number(),
    steps: z.number(),
    epoch: z.number(),
    loss: z.number(),
    learningRate: z.number(),
    gradientNorm: z.number(),
    /** Source and target tokens, without padding, a second of computing. */
    tokensPerSecond: z.number(),
    secondsLeft: z.number(),
    memoryBytes: z.number(),
  }),
  evaluationSchema.extend({ type: z.literal("evaluation"), best: z.boolean() }),
  z.object({ type: z.literal("saved"), step: z.number() }),
  /** The loss was no number: the run went back to a saved step and goes on with a lower rate. */
  z.object({
    type: z.literal("rollback"),
    step: z.number(),
    toStep: z.number(),
    learningRate: z.number(),
    reason: z.string(),
  }),
  /** `brief`: for a moment and without being saved, because a person is at work. */
  z.object({ type: z.literal("paused"), step: z.number(), brief: z.literal(true).exactOptional() }),
  z.object({ type: z.literal("continued"), step: z.number() }),
  /** The last line of a run that ended by itself. */
  z.object({
    type: z.literal("done"),
    out: z.string(),
    steps: z.number(),
    evaluations: z.array(evaluationSchema),
    best: evaluationSchema,
    tokensPerSecond: z.number(),
  }),
]);

/** One line of `spanfill train --json`; a line of another shape, `{"error": {code, message}}`, ends a run that failed or was stopped. */
export type TrainEvent = z.output<typeof trainEventSchema>;

/** What a run with `--control` takes, one word a line, on its standard input or from a file: "stop" saves and ends, as Ctrl+C does. */
export const TRAIN_CONTROLS = ["pause", "continue", "stop"] as const;

/** The file beside a run's control file: the run waits while its modification time is still to come, a minute at most. */
export function holdFile(control: string): string {
  return `${control}.hold`;
}
