/** The result of an evaluation as `spanfill evaluate --json` prints it and eval.json keeps it: one stable, versioned shape. */
import { z } from "zod";

/** A mean or share with the bounds of its 95% bootstrap interval; shares and ROUGE from 0 to 1. */
const interval = z.strictObject({ mean: z.number(), low: z.number(), high: z.number() });
/** null: the items give no such figure. */
const scores = z.record(z.string(), interval.nullable());

/**
 * An evaluation of one model on one task. What the metrics of a group are called depends on the task: `rouge1` to `rougeLsum`, `exact`,
 * `contentWords`, `numbers`, `names`, `copied`, `length` (summarize, title); `exact`, `anyCase`, `among`, `f1`, `perplexityToken`,
 * `perplexityWord` (infill); `exact`, `f1` (qa); `accuracy`, `macroF1`, `f1 of LABEL` (classify).
 */
export const evaluationReport = z.strictObject({
  /** Rises when a field changes its meaning or goes. */
  version: z.literal(1),
  task: z.enum(["summarize", "title", "infill", "qa", "classify"]),
  model: z.strictObject({ id: z.string(), precision: z.enum(["int8", "float32"]), parameters: z.int().positive() }),
  data: z.strictObject({
    /** The file's name, without its folder. */
    name: z.string(),
    /** Of the file as it is, in hexadecimal. */
    sha256: z.string(),
    /** Rows of the file that could be used, and how many of them were. */
    rows: z.int(),
    used: z.int(),
    /** Rows left out because a text or a target is empty. */
    empty: z.int(),
    /** Role -> column. */
    columns: z.record(z.string(), z.string()),
  }),
  /** Everything that the figures depend on besides model and data. */
  settings: z.strictObject({
    /** Draws the rows of --limit, the gaps, and the resamples of the intervals. */
    seed: z.int(),
    resamples: z.int(),
    /** Proposals counted by `among`. */
    alternatives: z.int().optional(),
    /** How outputs were made and compared, in sentences. */
    notes: z.array(z.string()).readonly(),
  }),
  /** Items by kind; the first system is the model, `difference` is the model minus the system, on the same resamples. */
  groups: z
    .array(
      z.strictObject({
        name: z.string(),
        items: z.int(),
        systems: z.array(z.strictObject({ name: z.string(), scores, difference: scores.optional() })).readonly(),
      }),
    )
    .readonly(),
  /** classify only. counts[t][p]: items with the true label t for which the model said p; the last p is anything else. */
  confusion: z
    .strictObject({ labels: z.array(z.string()).readonly(), counts: z.array(z.array(z.int()).readonly()).readonly() })
    .optional(),
  /** Wall time of everything but loading the model. */
  seconds: z.number(),
});

/** See {@link evaluationReport}. */
export type EvaluationReport = z.infer<typeof evaluationReport>;
