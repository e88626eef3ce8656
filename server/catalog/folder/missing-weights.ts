/** The error for a folder without weights: it may hold an adapter, or have them elsewhere. */
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import { readJson } from "../../files/whole-file.ts";
import { ADAPTER_CONFIG, fileKind } from "./model-files.ts";

/**
 * The error for a folder without weights.
 * @throws ModelError "checkpoint" that names the adapter in it, if there is one
 */
export async function missingWeights(directory: string): Promise<ModelError> {
  await refuseAdapter(directory);
  return new ModelError(
    "checkpoint",
    `${directory} does not contain model.safetensors or other weights. ${await adviceFor(directory)}`,
  );
}

/** Advice about a folder without weights. */
async function adviceFor(directory: string): Promise<string> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const names: string[] = entries.map(({ name }) => name);
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    const inside = await readdir(join(directory, name)).catch(() => []);
    names.push(...inside.map((inner) => `${name}/${inner}`));
  }
  const elsewhere = names.find((name) => fileKind(basename(name)) === "weights");
  if (elsewhere !== undefined)
    return `There are weights in ${elsewhere}: give that folder, with the configuration and the tokenizer in it.`;
  if (names.some((name) => name.endsWith(".onnx")))
    return "It contains ONNX graphs, which are not read: take the weights that they were made from.";
  return "Give the folder of a complete model.";
}

/** @throws ModelError "checkpoint" that names the adapter's kind and base, when the folder holds one */
export async function refuseAdapter(directory: string): Promise<void> {
  const path = join(directory, ADAPTER_CONFIG);
  const json = await readJson(path, "checkpoint").catch(() => undefined);
  if (typeof json !== "object" || json === null) return;
  const {
    peft_type: kind = "PEFT",
    base_model_name_or_path: base,
    model_name: hubBase,
  } = { peft_type: undefined, base_model_name_or_path: undefined, model_name: undefined, ...json };
  const { isAdapterHub } = await import("../../../models/checkpoint/adapterhub.ts");
  if (isAdapterHub(json))
    throw new ModelError(
      "checkpoint",
      `${directory} holds a bottleneck adapter of ${hubBase ?? "another model"}, not a model, and cannot be merged with its base: it stands between the weights. Use it beside its base (--adapter), or name the base here.`,
    );
  throw new ModelError(
    "checkpoint",
    `${directory} holds an adapter (${kind}) of ${base ?? "another model"}, not a model. Merge it with its base: spanfill models import ${directory}.`,
  );
}
