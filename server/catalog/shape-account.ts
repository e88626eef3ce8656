/** What a shape amounts to, whether or not its weights are at hand, and what the paper on T5's shapes compares it with. */
import { weightBytes } from "../../models/checkpoint/plan.ts";
import { ModelError } from "../../models/errors.ts";
import { flopsPerToken, type Memory, memory, meshFlops } from "../../models/t5/account.ts";
import { parseConfig, type T5Config } from "../../models/t5/config.ts";
import { parameterCount } from "../../models/t5/weights.ts";
import { readJson } from "../files/whole-file.ts";
import { readCatalogue } from "./published.ts";

/** Exact figures of a shape. */
export interface ShapeAccount {
  readonly config: T5Config;
  readonly parameters: number;
  /** Of the weights as the engine loads them, in either precision; and beside them, see {@link Memory}. */
  readonly memoryBytes: { readonly float32: number; readonly int8: number } & Memory;
  /** Of matrix products. @see flopsPerToken, models/t5/account.ts */
  readonly flopsPerToken: ReturnType<typeof flopsPerToken>;
}

/** A shape beside another, in percent of it, and the Scale Efficiently paper's words on the two. */
export interface ShapeComparison {
  readonly than: string;
  readonly parametersPercent: number;
  /** Of a step on an example of T5's pre-training, counted as Mesh TensorFlow performs it. */
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
 * The account of a shape that no weights are there of: a published model's by its name, or that of a config.json.
 * @returns undefined where `name` is neither
 * @throws ModelError "config" when the file is no shape, or the published model's is not known
 */
export async function shapeNamed(name: string): Promise<(ShapeAccount & { readonly id: string }) | undefined> {
  if (name.endsWith(".json")) return { id: name, ...shapeAccount(parseConfig(await readJson(name, "config"))) };
  const { models } = await readCatalogue();
  const found = models.find(({ id }) => id === name) ?? models.find(({ id }) => id.split("/").at(-1) === name);
  if (found === undefined) return undefined;
  if (found.parameters === null) {
    throw new ModelError("config", `What the layers of ${found.id} are was not published: nothing can be counted.`);
  }
  return { id: found.id, ...shapeAccount(found.config) };
}

/** What the paper sets a published model beside; nothing for most. */
export async function comparisonsOf(name: string): Promise<ShapeComparison[]> {
  const { models, comparisons } = await readCatalogue();
  const shapeOf = (id: string) => models.find((model) => model.id === id)?.config;
  return comparisons.flatMap(({ id, than, text }) => {
    const [mine, theirs] = [shapeOf(id), shapeOf(than)];
    if (id !== name || mine === undefined || theirs === undefined) return [];
    const percent = (count: (config: T5Config) => number) => (100 * count(mine)) / count(theirs);
    return [{ than, parametersPercent: percent(parameterCount), operationsPercent: percent(meshFlops), paper: text }];
  });
}
