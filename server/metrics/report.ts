/**
 * The result of an evaluation in a stable, versioned shape, as `spanfill evaluate --json` prints it and eval.json
 * stores it.
 */
import * as z from "zod";

/** A mean or share with the bounds of its 95% bootstrap interval; shares and ROUGE from 0 to 1. */
const interval = z.strictObject({ mean: z.number(), low: z.number(), high: z.number() });
/** null if the figure is undefined for the items. */
const scores = z.record(z.string(), interval.nullable());

/**
 * An evaluation of one model on one task. The metrics of a group depend on the task: `rouge1` to `rougeLsum`,
 * `exact`, `contentWords`, `numbers`, `names`, `copied`, `length` (summarize, title); `exact`, `anyCase`, `among`,
 * `f1`, `perplexityToken`, `perplexityWord` (infill); `exact`, `f1` (qa); `accuracy`, `macroF1`, `f1 of LABEL`
 * (classify).
 */
export const evaluationReport = z.strictObject({
  /** Increases when a field changes its meaning or is removed. */
  version: z.literal(1),
  task: z.enum(["summarize", "title", "infill", "qa", "classify"]),
  model: z.strictObject({ id: z.string(), precision: z.enum(["int8", "float32"]), parameters: z.int().positive() }),
  data: z.strictObject({
    /** The file's name, without its folder. */
    name: z.string(),
    /** SHA-256 of the file, in hexadecimal. */
    sha256: z.string(),
    /** Number of usable rows in the file, and how many of them were used. */
    rows: z.int(),
    used: z.int(),
    /** Number of rows omitted because a text or a target is empty. */
    empty: z.int(),
    /** Role -> column. */
    columns: z.record(z.string(), z.string()),
  }),
  /** Everything besides model and data that the figures depend on. */
  settings: z.strictObject({
    /** Seed for the rows of --limit, the gaps, and the resamples of the intervals. */
    seed: z.int(),
    resamples: z.int(),
    /** Number of proposals counted by `among`. */
    alternatives: z.int().optional(),
    /** How outputs were generated and compared, in sentences. */
    notes: z.array(z.string()).readonly(),
  }),
  /**
   * Items by kind; the first system is the model, `difference` is the model minus the system, on the same resamples.
   */
  groups: z
    .array(
      z.strictObject({
        name: z.string(),
        items: z.int(),
        systems: z.array(z.strictObject({ name: z.string(), scores, difference: scores.optional() })).readonly(),
      }),
    )
    .readonly(),
  /** classify only. counts[t][p]: items with true label t and output p; the last p is anything else. */
  confusion: z
    .strictObject({ labels: z.array(z.string()).readonly(), counts: z.array(z.array(z.int()).readonly()).readonly() })
    .optional(),
  /** Wall time without loading the model. */
  seconds: z.number(),
});

/** See {@link evaluationReport}. */
export type EvaluationReport = z.infer<typeof evaluationReport>;
