/** A loaded model with an adapter: the adapter's arrays, and what its manifest adds to the facts about the model. */
import { resolve } from "node:path";
import { defined } from "../../../base/defined.ts";
import type { GraphAdapter } from "../../../models/t5/adapters/adapters.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { readManifest } from "../../catalog/installed.ts";
import type { ModelInfo, ModelReference } from "../engine.ts";

/** Reads an adapter for a model, whose int8 weights may have other channels than the published ones. */
export async function readAdapter(
  folder: string,
  { directory, config, wanted }: { directory: string; config: T5Config; wanted: ModelReference["precision"] },
): Promise<GraphAdapter> {
  // Few models have adapters.
  const { readGraphAdapter } = await import("../../catalog/graph-adapters.ts");
  const adapter = await readGraphAdapter(folder, config);
  if (wanted === "float32" || [...adapter.slots.values()].every(({ kind }) => kind !== "lora")) return adapter;
  const [{ movedChannels }, { withMovedChannels }] = await Promise.all([
    import("../../catalog/folder/int8/moved-channels.ts"),
    import("../../../models/checkpoint/lora.ts"),
  ]);
  return withMovedChannels(adapter, await movedChannels(directory));
}

/** The facts about a model with an adapter, whose manifest says what it learned. */
export function adaptedInfo({ modes: baseModes, ...base }: ModelInfo, folder: string): ModelInfo {
  const { id, prefixes, labels, calibration, languages, ...own } = readManifest(folder);
  const modes = own.modes ?? (prefixes.infill === undefined ? baseModes : undefined);
  return {
    ...base,
    ...{ id, calibration, languages, directory: resolve(folder), prefixes: { ...base.prefixes, ...prefixes } },
    ...defined({ labels, modes }),
  };
}
