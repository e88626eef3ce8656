/**
 * Summaries that are made once for each text, model and settings: whole ones without the model, and the parts of
 * changed texts.
 */
import * as z from "zod";
import { version } from "../../../package.json";
import type { LoadedModel } from "../../engine/engine.ts";
import { NoProse, proseOf } from "./prose.ts";
import { type PartMemory, type SummarizeOptions, type SummarizeParams, summarize } from "./summarize.ts";
import type { Summary } from "./summary.ts";
import type { SummaryCache } from "./summary-cache.ts";

/** A summary without how it came about this time. */
export type RememberedSummary = Omit<Summary, "logProbs" | "ms" | "tokens" | "cancelled">;

/** The services that remembered summaries need. */
export interface RememberingContext {
  readonly model: () => Promise<LoadedModel>;
  /** A key for the model's answers. @see AnswerIdentity */
  readonly identity: string;
  readonly cache: SummaryCache;
}

/**
 * The summary of a text, from the cache when neither it nor what it is made with has changed.
 * @returns undefined when the signal stopped it
 * @throws what `summarize` throws
 */
export async function rememberedSummary(
  { model, identity, cache }: RememberingContext,
  params: SummarizeParams,
  options: SummarizeOptions,
): Promise<RememberedSummary | undefined> {
  const key = ["summary", version, identity, params];
  const known = cache.get(key, summarySchema);
  if (known !== undefined) return known;
  // Before the model, which may have to be loaded for it.
  if ((await proseOf(params.text, params.language)) === undefined) throw new NoProse();
  const parts = partMemory(cache, identity);
  const made = await summarize({ model: await model(), parts }, params, options);
  const { logProbs, ms, tokens, cancelled, ...kept } = made;
  if (cancelled) return undefined;
  cache.set(key, kept);
  return kept;
}

function partMemory(cache: SummaryCache, identity: string): PartMemory {
  return {
    get: (key) => cache.get(["part", version, identity, ...key], partSchema),
    set: (key, part) => cache.set(["part", version, identity, ...key], part),
  };
}

const partSchema = z.object({ text: z.string(), confidence: z.number(), logProbs: z.array(z.number()) });

const summarySchema: z.ZodType<RememberedSummary> = z.object({
  summary: z.string(),
  chunks: z.int(),
  coverage: z.number(),
  model: z.string(),
  confidence: z.number(),
  calibrated: z.boolean(),
  origin: z.enum(["model", "text", "quotes"]),
  language: z.string().exactOptional(),
});

/** The same, or undefined also for a text without prose. */
export async function summaryIfProse(
  ...given: Parameters<typeof rememberedSummary>
): Promise<RememberedSummary | undefined> {
  try {
    return await rememberedSummary(...given);
  } catch (error) {
    if (error instanceof NoProse) return undefined;
    throw error;
  }
}
