/** What a model folder says of the model's shape: Hugging Face's config.json, or the gin file of the code that trained it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { MAX_GIN_BYTES, parseGin } from "../../../models/checkpoint/gin/gin.ts";
import { configOfGin } from "../../../models/checkpoint/gin/gin-config.ts";
import type { TensorMap } from "../../../models/checkpoint/tensor.ts";
import { ModelError } from "../../../models/errors.ts";
import { parseConfig, type T5Config } from "../../../models/t5/config.ts";
import { readJson } from "../../files/whole-file.ts";
import { openSource } from "./source.ts";

/** Whether a folder has a file that says what the model's shape is. */
export function saysShape(directory: string): boolean {
  return shapeFile(directory) !== undefined;
}

/**
 * Reads config.json, or where there is none `operative_config.gin` (Mesh TensorFlow) or `config.gin` (T5X, whose checkpoints lie in
 * folders below it).
 * @returns the shape once the tensors are known, for gin does not say the size of the vocabulary
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
    throw new ModelError("config", `${path} is ${source.sizeBytes} bytes long, as no gin file of a T5 is.`);
  }
  const gin = parseGin(new TextDecoder().decode(await source.read(0, source.sizeBytes)), path);
  return (tensors) => parseConfig(configOfGin(gin, tensors));
}

function shapeFile(directory: string): string | undefined {
  const names = ["config.json", "operative_config.gin", "config.gin", join("..", "config.gin")];
  return names.map((name) => join(directory, name)).find(existsSync);
}
