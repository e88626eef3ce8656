/** The figures of a shape, with or without weights, and the comparisons of the paper on T5's shapes. */
import { weightBytes } from "../../models/checkpoint/plan.ts";
import { ModelError } from "../../models/errors.ts";
import { flopsPerToken, type Memory, memory, meshFlops } from "../../models/t5/account.ts";
import { parseConfig, type T5Config } from "../../models/t5/config.ts";
import { parameterCount } from "../../models/t5/weights.ts";
import { readJson } from "../files/whole-file.ts";
import { readCatalog } from "./published.ts";

/** Exact figures of a shape. */
export interface ShapeAccount {
  readonly config: T5Config;
  readonly parameters: number;
  /** Bytes of the weights as the engine loads them in each precision, and of the other memory, see {@link Memory}. */
  readonly memoryBytes: { readonly float32: number; readonly int8: number } & Memory;
  /**
   * Operations in matrix products.
   * @see flopsPerToken, models/t5/account.ts
   */
  readonly flopsPerToken: ReturnType<typeof flopsPerToken>;
}

/** A shape in percent of another, and the Scale Efficiently paper's remark on the two. */
export interface ShapeComparison {
  readonly than: string;
  readonly parametersPercent: number;
  /** Operations of a step on an example of T5's pre-training, counted as Mesh TensorFlow performs it. */
  readonly operationsPercent: number;
  readonly paper: string;
}

/** The account of a shape. */
export function shapeAccount(config: T5Config): ShapeAccount {
  const weights = { float32: weightBytes(config, "float32"), int8: weightBytes(config, "int8") };
  return {
    config,
    parameters: parameterCount(config),
    memoryBytes: { ...weights, ...memory(config) },
    flopsPerToken: flopsPerToken(config),
  };
}

/**
 * The account of a shape without weights: that of a published model, or of a config.json.
 * @returns undefined if `name` is neither
 * @throws ModelError "config" when the file is not a shape, or the published model's shape is not known
 */
export async function shapeNamed(name: string): Promise<(ShapeAccount & { readonly id: string }) | undefined> {
  if (name.endsWith(".json")) return { id: name, ...shapeAccount(parseConfig(await readJson(name, "config"))) };
  const { models } = await readCatalog();
  const published = models.find(({ id }) => id === name) ?? models.find(({ id }) => id.split("/").at(-1) === name);
  if (published === undefined) return undefined;
  if (published.parameters === null) {
    throw new ModelError("config", `The layers of ${published.id} were not published, so nothing can be counted.`);
  }
  return { id: published.id, ...shapeAccount(published.config) };
}

/** The paper's comparisons of a published model with others; empty for most. */
export async function comparisonsOf(name: string): Promise<ShapeComparison[]> {
  const { models, comparisons } = await readCatalog();
  const shapeOf = (id: string) => models.find((model) => model.id === id)?.config;
  return comparisons.flatMap(({ id, than, text }) => {
    const [mine, theirs] = [shapeOf(id), shapeOf(than)];
    if (id !== name || mine === undefined || theirs === undefined) return [];
    const percent = (count: (config: T5Config) => number) => (100 * count(mine)) / count(theirs);
    return [{ than, parametersPercent: percent(parameterCount), operationsPercent: percent(meshFlops), paper: text }];
  });
}
