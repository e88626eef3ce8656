/** Imports an adapter: merges it with its base, or keeps it apart from it as one of its adapters. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isAdapterHub } from "../../models/checkpoint/adapterhub.ts";
import { ModelError } from "../../models/errors.ts";
import { copyRegularFile } from "../files/regular-file.ts";
import { readJson } from "../files/whole-file.ts";
import { mergeAdapter, readAdapter } from "./adapter.ts";
import { baseName, nameOfBase } from "./adapter-base.ts";
import { declare } from "./declare.ts";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from "./folder/model-files.ts";
import { openModel } from "./folder/open.ts";
import { readGraphAdapter } from "./graph-adapters.ts";
import { resolveModel } from "./installed.ts";

/** How an adapter is imported. */
export interface AdapterImport {
  readonly id: string;
  readonly base?: string;
  /** Whether a LoRA stays apart. */
  readonly apart?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Merges an adapter with its base; bottlenecks, and a LoRA if asked, are copied and name their base.
 * @param to an existing folder
 * @returns whether it stays apart
 * @throws ModelError "checkpoint" when the base is not here, or the adapter does not fit it
 */
export async function importAdapter(
  to: string,
  folder: string,
  { id, base: asked, apart = false, signal }: AdapterImport,
): Promise<boolean> {
  const path = join(folder, ADAPTER_CONFIG);
  if (!apart && !isAdapterHub(await readJson(path, "checkpoint"))) {
    const adapter = await readAdapter(folder);
    const { peft_type: kind, base_model_name_or_path: named } = adapter.config;
    await mergeAdapter(adapter, findBase(folder, kind, asked ?? named ?? undefined, named), to, signal);
    return false;
  }
  const named = baseName(folder);
  const base = findBase(folder, "bottleneck or LoRA", asked ?? named, named);
  await readGraphAdapter(folder, (await openModel(base, "int8")).config);
  signal.throwIfAborted();
  for (const name of [ADAPTER_CONFIG, ...ADAPTER_WEIGHTS])
    if (existsSync(join(folder, name))) await copyRegularFile(join(folder, name), join(to, name));
  await declare(to, id, nameOfBase(base));
  return true;
}

function findBase(folder: string, kind: string, wanted: string | undefined, named: string | null | undefined): string {
  const what = `${folder} holds an adapter (${kind}) of ${named ?? "a model that it does not name"}`;
  if (!wanted) throw new ModelError("checkpoint", `${what}. Name that model with --base.`);
  try {
    return resolveModel(wanted, { workingFolder: process.cwd() });
  } catch (cause) {
    const advice = "Download that model first (spanfill models get), or name its folder with --base";
    throw new ModelError("checkpoint", `${what}, which is not here. ${advice}.`, { cause });
  }
}
