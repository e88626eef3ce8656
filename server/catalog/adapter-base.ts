/** Adapters that stay apart from their base: which base they have. The server asks this, so it reads no weights. */
import { join, resolve } from "node:path";
import * as z from "zod";
import { ModelError } from "../../models/errors.ts";
import { readRegularTextSync } from "../files/regular-file.ts";
import { ADAPTER_CONFIG } from "./folder/model-files.ts";
import { isAdapterFolder } from "./folder/shape.ts";
import { readManifest, resolveModel } from "./installed.ts";

/** A base and, if one was chosen, an adapter's folder. */
export interface ModelParts {
  readonly directory: string;
  readonly adapter?: string;
}

/**
 * The base and the adapter of a folder, which may be a model's or an adapter's.
 * @throws ModelError "checkpoint" when an adapter's base is not here
 */
export function partsOf({ directory, adapter }: ModelParts): ModelParts {
  if (adapter !== undefined) return { directory, adapter };
  return isAdapterFolder(directory) ? { directory: requireBase(directory), adapter: directory } : { directory };
}

/** The folder of an adapter's base; undefined for other folders, and where the base is not here. */
export function baseOfAdapter(directory: string): string | undefined {
  try {
    return isAdapterFolder(directory) ? requireBase(directory) : undefined;
  } catch {
    return undefined; // loading the adapter reports it
  }
}

/** The base that an adapter's folder names; undefined if it names none. */
export function baseName(directory: string): string | undefined {
  const { base } = readManifest(directory);
  if (base !== undefined) return base;
  const named = namesSchema.safeParse(JSON.parse(readRegularTextSync(join(directory, ADAPTER_CONFIG)))).data;
  return named?.base_model_name_or_path ?? named?.model_name ?? undefined;
}

const namesSchema = z.looseObject({
  base_model_name_or_path: z.string().min(1).nullish(),
  model_name: z.string().min(1).nullish(),
});

/** How an adapter names its base, so that it is found again: by its id, or else by its path. */
export function nameOfBase(directory: string): string {
  const { id } = readManifest(directory);
  try {
    if (resolve(resolveModel(id)) === resolve(directory)) return id;
  } catch {
    // no model of that name is installed
  }
  return resolve(directory);
}

function requireBase(directory: string): string {
  const named = baseName(directory);
  const what = `${directory} holds an adapter of ${named ?? "a model that it does not name"}`;
  if (named === undefined) throw new ModelError("checkpoint", `${what}. Name that model with --model.`);
  let base: string;
  try {
    base = resolveModel(named);
  } catch (cause) {
    const advice = "Download that model first (spanfill models get), or name it with --model";
    throw new ModelError("checkpoint", `${what}, which is not here. ${advice}.`, { cause });
  }
  if (!isAdapterFolder(base)) return resolve(base);
  throw new ModelError("checkpoint", `${what}, which is an adapter itself. Name the model with --model.`);
}
