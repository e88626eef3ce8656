/** The list of all models: the published ones and those on this machine, with the facts about each. */
import { basename, join, resolve } from "node:path";
import * as z from "zod";
import { defined } from "../../base/defined.ts";
import { weightBytes } from "../../models/checkpoint/plan.ts";
import { flopsPerToken } from "../../models/t5/account.ts";
import { parseConfig, type T5Config } from "../../models/t5/config.ts";
import { parameterCount } from "../../models/t5/weights.ts";
import type { ModelRow } from "../../protocol/panel/models.ts";
import { baseOfAdapter } from "../catalog/adapter-base.ts";
import { isAdapterFolder } from "../catalog/folder/shape.ts";
import { listBuiltin } from "../catalog/installed.ts";
import { readMeasurements } from "../catalog/measurements.ts";
import { type CatalogModel, readCatalog } from "../catalog/published.ts";
import { folderBytes, type KeptModel, keptModels, type Places, partialDownloads } from "../catalog/store.ts";
import { doOnce } from "../files/once.ts";
import { readJson } from "../files/whole-file.ts";

/** The lengths for which a model's work is counted. */
const SOURCE_TOKENS = 512;
const TARGET_TOKENS = 64;

/** The models on this machine first, then the published ones in the catalog's order. */
export async function listModels(places: Places): Promise<ModelRow[]> {
  const [{ comparisons }, published, downloaded, partial, measurements] = await Promise.all([
    readCatalog(),
    publishedRows(),
    keptModels(places),
    partialDownloads(places),
    readMeasurements(places),
  ]);
  const downloadedById = new Map(downloaded.map((model) => [model.id, model]));
  const publishedIds = new Set(published.map(({ id }) => id));
  const isApart = ({ directory }: KeptModel) => isAdapterFolder(directory);
  const local = await Promise.all([
    ...listBuiltin().map(({ id, directory }) => folderRow(id, directory, "built-in", undefined)),
    ...downloaded
      .filter((model) => !publishedIds.has(model.id) && !isApart(model))
      .map(({ tuned, ...model }) => folderRow(model.id, model.directory, tuned ? "tuned" : "imported", model)),
  ]);
  const withCopies = published.map((model) => {
    const copy = downloadedById.get(model.id);
    if (copy === undefined) return model;
    return {
      ...model,
      installed: { directory: copy.directory, sizeBytes: copy.sizeBytes, removable: copy.removable },
    };
  });
  const whole = [...local.flat(), ...withCopies];
  const adapters = downloaded.filter(isApart).map((adapter) => ({ adapter, base: baseOfAdapter(adapter.directory) }));
  const underBases = whole.flatMap((model) => [
    model,
    ...adapters
      .filter(({ base }) => base !== undefined && resolve(model.installed?.directory ?? "") === base)
      .map(({ adapter }) => adapterRow(adapter, model)),
  ]);
  return underBases.map((model) => {
    const advice = comparisons.find(({ id }) => id === model.id);
    const partialBytes = partial.get(model.id);
    return {
      ...model,
      measurements: measurements.filter(({ id }) => id === model.id),
      ...(advice && { advice: { than: advice.than, text: advice.text } }),
      ...defined({ partialBytes }),
    };
  });
}

/**
 * The catalog's rows as on a machine without models; computed once, because the memory of 200 shapes takes a while to
 * count.
 */
const publishedRows = doOnce(async () => (await readCatalog()).models.map(row));

/** The row of an adapter: its base's, but for what is its own. */
function adapterRow(
  { id, directory, sizeBytes, removable }: KeptModel,
  { id: adapterOf, ...base }: ModelRow,
): ModelRow {
  return {
    ...base,
    ...{ license: "its own", quality: [], notes: [], downloadable: false, bucket: null, downloadBytes: null },
    ...{ id, adapterOf, family: "adapter", needsFineTuning: false, installed: { directory, sizeBytes, removable } },
  };
}

/** The facts of a row that do not depend on other models. */
type Facts = CatalogModel & { readonly installed?: NonNullable<ModelRow["installed"]> };

function row({ config, hub, parameters, ...facts }: Facts): ModelRow {
  const { encoder, decoder } = flopsPerToken(config);
  const { id, family, bucket, variant, shapeFrom, seen, needsFineTuning, license, quality, notes, installed } = facts;
  return {
    ...{ id, family, bucket, variant, shapeFrom, seen, needsFineTuning, license, quality, notes, parameters },
    ...defined({ installed }),
    downloadable: hub !== null,
    layers: config.numLayers,
    decoderLayers: config.numDecoderLayers,
    dModel: config.dModel,
    dFf: config.dFf,
    dKv: config.dKv,
    heads: config.numHeads,
    vocabulary: config.vocabSize,
    feedForward: config.feedForward,
    downloadBytes: parameters === null || hub === null ? null : 4 * parameters,
    memoryBytes:
      parameters === null ? null : { float32: weightBytes(config, "float32"), int8: weightBytes(config, "int8") },
    flops: SOURCE_TOKENS * encoder + TARGET_TOKENS * decoder,
    measurements: [],
  };
}

/** The row of a model that is not in the catalog; none if its folder is not valid. */
async function folderRow(
  id: string,
  directory: string,
  family: "built-in" | "imported" | "tuned",
  downloaded: { readonly sizeBytes: number; readonly removable: boolean } | undefined,
): Promise<ModelRow[]> {
  let config: T5Config;
  try {
    config = parseConfig(await readJson(join(directory, "config.json"), "config"));
  } catch {
    return []; // `spanfill info` reports what is wrong
  }
  const localRow = row({
    ...{ id, family, config, hub: null, bucket: null, seen: true, shapeFrom: "config", variant: null },
    parameters: parameterCount(config),
    needsFineTuning: false,
    license: family === "built-in" ? "apache-2.0" : "its own",
    quality: await measuredQuality(directory),
    notes: [],
    installed: {
      directory,
      sizeBytes: downloaded?.sizeBytes ?? (await folderBytes(directory)),
      removable: downloaded?.removable === true,
    },
  });
  return [localRow];
}

/** The figures that `spanfill evaluate` stored in a model folder's eval.json. */
async function measuredQuality(directory: string): Promise<ModelRow["quality"]> {
  const parsed = evaluations.safeParse(await readJson(join(directory, "eval.json"), "config").catch(() => []));
  if (!parsed.success) return [];
  return parsed.data.flatMap(({ task, data, groups }) =>
    groups.flatMap(({ name, items, systems }) => {
      const scores = systems.find((system) => system.name === "model")?.scores ?? {};
      const source = `measured: ${basename(data.name)}, ${items} ${task === "infill" ? "gaps" : "texts"}`;
      return Object.entries(scores)
        .filter(([metric]) => (task === "infill" ? name === "words" && metric === "exact" : metric === "rougeL"))
        .map(([metric, { mean }]) => ({
          metric: metric === "exact" ? `${name} filled exactly` : `ROUGE-L, ${task}`,
          value: Math.round(1000 * mean) / 10,
          source,
        }));
    }),
  );
}

const evaluations = z.array(
  z.object({
    task: z.string(),
    data: z.object({ name: z.string() }),
    groups: z.array(
      z.object({
        name: z.string(),
        items: z.number(),
        systems: z.array(z.object({ name: z.string(), scores: z.record(z.string(), z.object({ mean: z.number() })) })),
      }),
    ),
  }),
);
