/** Reads a model folder's shape: from Hugging Face's config.json, or from the gin file of the code that trained it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { MAX_GIN_BYTES, parseGin } from "../../../models/checkpoint/gin/gin.ts";
import { configOfGin } from "../../../models/checkpoint/gin/gin-config.ts";
import type { TensorMap } from "../../../models/checkpoint/tensor.ts";
import { ModelError } from "../../../models/errors.ts";
import { parseConfig, type T5Config } from "../../../models/t5/config.ts";
import { readJson } from "../../files/whole-file.ts";
import { openSource } from "./source.ts";

/** Whether a folder has a file that declares the model's shape. */
export function saysShape(directory: string): boolean {
  return shapeFile(directory) !== undefined;
}

/**
 * Reads config.json, or else `operative_config.gin` (Mesh TensorFlow) or `config.gin` (T5X, whose checkpoints lie in
 * subfolders).
 * @returns a function of the tensors, because gin does not state the vocabulary's size
 * @throws ModelError "config" when there is neither, or it is malformed
 */
export async function declaredShape(directory: string): Promise<(tensors: TensorMap) => T5Config> {
  const path = shapeFile(directory);
  if (path === undefined || path.endsWith(".json")) {
    const config = parseConfig(await readJson(path ?? join(directory, "config.json"), "config"));
    return () => config;
  }
  const source = await openSource(path);
  if (source.sizeBytes > MAX_GIN_BYTES) {
    throw new ModelError("config", `${path} is ${source.sizeBytes} bytes long, too long for the gin file of a T5.`);
  }
  const gin = parseGin(new TextDecoder().decode(await source.read(0, source.sizeBytes)), path);
  return (tensors) => parseConfig(configOfGin(gin, tensors));
}

function shapeFile(directory: string): string | undefined {
  const names = ["config.json", "operative_config.gin", "config.gin", join("..", "config.gin")];
  return names.map((name) => join(directory, name)).find(existsSync);
}
