/** The published T5 checkpoints, as models/catalog.json lists them (scripts/catalog.mjs makes it). */
import * as z from "zod";
import { parseConfig, type T5Config } from "../../models/t5/config.ts";
import { doOnce } from "../files/once.ts";

/** A published score of a model. */
export interface PublishedScore {
  /** The benchmark: higher is better. */
  readonly metric: string;
  readonly value: number;
  /** Paper and table. */
  readonly source: string;
}

/** A published checkpoint. */
export interface CatalogModel {
  /** The hub's name if it is there. */
  readonly id: string;
  readonly family: string;
  /** The hub's repository with weights; null if there is none. */
  readonly hub: string | null;
  /** Google's bucket of Mesh TensorFlow checkpoints that contains the model; null if none does. */
  readonly bucket: string | null;
  /** Whether we have seen its page; otherwise its name follows the pattern of others. */
  readonly seen: boolean;
  readonly config: T5Config;
  /** The source of its shape: its config.json, a traced graph, its file's size, its name, or a guess. */
  readonly shapeFrom: "config" | "trace" | "size" | "name" | "guess";
  /** The difference from T5's layers; null if there is none. */
  readonly variant: string | null;
  /** Exact number; null if the variant's layers are not known. */
  readonly parameters: number | null;
  /** Whether it was only pre-trained and needs fine-tuning before it is useful. */
  readonly needsFineTuning: boolean;
  readonly license: string;
  readonly quality: readonly PublishedScore[];
  readonly notes: readonly string[];
}

/** The Scale Efficiently paper's comparison of a deep and narrow shape with a usual one (arXiv 2109.10686, table 4). */
export interface Comparison {
  readonly id: string;
  readonly than: string;
  readonly text: string;
}

/** The catalog. */
export interface Catalog {
  readonly models: readonly CatalogModel[];
  readonly comparisons: readonly Comparison[];
}

/** Reads the catalog, once. */
export const readCatalog: () => Promise<Catalog> = doOnce(async () => {
  const { default: json } = await import("../../models/catalog.json");
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
      license: z.string(),
      quality: z.array(z.object({ metric: z.string(), value: z.number(), source: z.string() })),
      notes: z.array(z.string()),
    }),
  ),
});
