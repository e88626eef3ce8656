/** Adapters that stay apart from their base: their arrays as graphs take them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type AdapterTensor, parseAdapterConfig } from "../../models/checkpoint/adapter.ts";
import { hubAdapter, isAdapterHub, parseHubConfig } from "../../models/checkpoint/adapterhub.ts";
import { loraAdapter } from "../../models/checkpoint/lora.ts";
import type { GraphAdapter } from "../../models/t5/adapters/adapters.ts";
import type { T5Config } from "../../models/t5/config.ts";
import { readJson } from "../files/whole-file.ts";
import { openWeights, readTensor } from "./folder/checkpoint.ts";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from "./folder/model-files.ts";

/**
 * Reads an adapter for a base: AdapterHub's bottlenecks or PEFT's LoRA.
 * @throws ModelError "checkpoint" when it is malformed, or does not fit the base
 */
export async function readGraphAdapter(folder: string, base: T5Config): Promise<GraphAdapter> {
  const path = join(folder, ADAPTER_CONFIG);
  const json = await readJson(path, "checkpoint");
  if (!isAdapterHub(json))
    return loraAdapter(base, parseAdapterConfig(json, path), await readAdapterArrays(folder), folder);
  const config = parseHubConfig(json, path);
  return hubAdapter(base, config, await readAdapterArrays(folder), path);
}

/**
 * The arrays of an adapter's folder, by their stored names.
 * @throws ModelError "checkpoint" when there are none, or one is not finite
 */
export async function readAdapterArrays(folder: string): Promise<ReadonlyMap<string, AdapterTensor>> {
  const file = ADAPTER_WEIGHTS.find((name) => existsSync(join(folder, name))) ?? ADAPTER_WEIGHTS[0];
  const { tensors } = await openWeights(join(folder, file));
  const arrays = new Map<string, AdapterTensor>();
  for (const [name, tensor] of tensors)
    arrays.set(name, { shape: tensor.shape, values: await readTensor(name, tensor) });
  return arrays;
}
