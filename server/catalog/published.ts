/** The published T5 checkpoints, as models/catalogue.json lists them (scripts/catalogue.mjs makes it). */
import { z } from "zod";
import { parseConfig, type T5Config } from "../../models/t5/config.ts";
import { doOnce } from "../files/once.ts";

/** A value that somebody published for a model. */
export interface PublishedScore {
  /** The benchmark: higher is better. */
  readonly metric: string;
  readonly value: number;
  /** Paper and table. */
  readonly source: string;
}

/** A published checkpoint. */
export interface CatalogueModel {
  /** The hub's name where it is there. */
  readonly id: string;
  readonly family: string;
  /** The hub's repository that holds weights; null where there is none. */
  readonly hub: string | null;
  /** Google's bucket of Mesh TensorFlow checkpoints, where the model is in one. */
  readonly bucket: string | null;
  /** Whether its page has been seen; else its name follows the pattern of others. */
  readonly seen: boolean;
  readonly config: T5Config;
  /** How its shape is known: its config.json, a traced graph, its file's size, its name, or a guess. */
  readonly shapeFrom: "config" | "trace" | "size" | "name" | "guess";
  /** What is unlike T5's layers; null where nothing is. */
  readonly variant: string | null;
  /** Exact; null where the variant's layers are not known. */
  readonly parameters: number | null;
  /** Whether it was only pre-trained, so that it does nothing useful before it is fine-tuned. */
  readonly needsFineTuning: boolean;
  readonly licence: string;
  readonly quality: readonly PublishedScore[];
  readonly notes: readonly string[];
}

/** What the Scale Efficiently paper says of a deep and narrow shape beside a usual one (arXiv 2109.10686, table 4). */
export interface Comparison {
  readonly id: string;
  readonly than: string;
  readonly text: string;
}

/** The catalogue. */
export interface Catalogue {
  readonly models: readonly CatalogueModel[];
  readonly comparisons: readonly Comparison[];
}

/** Reads the catalogue, once. */
export const readCatalogue: () => Promise<Catalogue> = doOnce(async () => {
  const { default: json } = await import("../../models/catalogue.json");
  const { models, comparisons } = schema.parse(json);
  return {
    models: models.map((model) => ({ ...model, config: parseConfig(model.config) })),
    comparisons,
  };
});

const schema = z.object({
  comparisons: z.array(z.object({ id: z.string(), than: z.string(), text: z.string() })),
  models: z.array(
    z.object({
      id: z.string(),
      family: z.string(),
      hub: z.string().nullable(),
      bucket: z.string().nullable(),
      seen: z.boolean(),
      config: z.record(z.string(), z.unknown()),
      shapeFrom: z.enum(["config", "trace", "size", "name", "guess"]),
      variant: z.string().nullable(),
      parameters: z.int().positive().nullable(),
      needsFineTuning: z.boolean(),
      licence: z.string(),
      quality: z.array(z.object({ metric: z.string(), value: z.number(), source: z.string() })),
      notes: z.array(z.string()),
    }),
  ),
});
