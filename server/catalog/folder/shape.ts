/** Reads a model's shape: from config.json, the gin file of the code that trained it, or its GGUF file. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TensorMap } from "../../../models/checkpoint/tensor.ts";
import { ModelError } from "../../../models/errors.ts";
import { parseConfig, type T5Config } from "../../../models/t5/config.ts";
import { readJson } from "../../files/whole-file.ts";
import { onlyGguf } from "./gguf/only-gguf.ts";
import { ADAPTER_CONFIG, ggufFiles, SHAPE_FILES } from "./model-files.ts";
import { openSource } from "./source.ts";

/** Whether a folder or GGUF file declares the model's shape. */
export function saysShape(directory: string): boolean {
  return shapeFile(directory) !== undefined || ggufFiles(directory).length > 0;
}

/** Whether a folder holds an adapter apart from its base. */
export function isAdapterFolder(directory: string): boolean {
  return existsSync(join(directory, ADAPTER_CONFIG)) && !saysShape(directory);
}

/**
 * Reads config.json, or else `operative_config.gin` (Mesh TensorFlow) or `config.gin` (T5X, whose checkpoints lie in
 * subfolders), or else the metadata of a GGUF file.
 * @returns a function of the tensors, because gin and GGUF do not state everything
 * @throws ModelError "config" when there is none, or it is malformed
 */
export async function declaredShape(directory: string): Promise<(tensors: TensorMap) => Promise<T5Config>> {
  const shape = await namingShapeFile(directory, () => statedShape(directory));
  return (tensors) => namingShapeFile(directory, async () => shape(tensors));
}

/**
 * Runs work whose errors name config.json: where another file states the shape, they name that one and its keys.
 */
export async function namingShapeFile<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const file = shapeFile(directory) ?? ggufFiles(directory)[0];
    if (!(cause instanceof ModelError) || file === undefined || file.endsWith("config.json")) throw cause;
    const { namingFile } = await import("./shape-message.ts");
    const message = namingFile(cause.message, file);
    throw message === cause.message ? cause : new ModelError(cause.code, message, { cause });
  }
}

async function statedShape(directory: string): Promise<(tensors: TensorMap) => T5Config | Promise<T5Config>> {
  const path = shapeFile(directory);
  const gguf = path === undefined ? onlyGguf(directory) : undefined;
  if (gguf !== undefined) return (await import("./gguf/gguf.ts")).ggufShape(gguf);
  if (path === undefined || path.endsWith(".json")) {
    const config = parseConfig(await readJson(path ?? join(directory, "config.json"), "config"));
    return () => config;
  }
  const { MAX_GIN_BYTES, parseGin } = await import("../../../models/checkpoint/gin/gin.ts");
  const { configOfGin } = await import("../../../models/checkpoint/gin/gin-config.ts");
  const source = await openSource(path);
  if (source.sizeBytes > MAX_GIN_BYTES) {
    throw new ModelError("config", `${path} is ${source.sizeBytes} bytes long, too long for the gin file of a T5.`);
  }
  const gin = parseGin(new TextDecoder().decode(await source.read(0, source.sizeBytes)), path);
  return (tensors) => parseConfig(configOfGin(gin, tensors));
}

/** The file that states a folder's shape, other than a GGUF file; T5X's may lie one folder up. */
export function shapeFile(directory: string): string | undefined {
  const names = [...SHAPE_FILES, join("..", "config.gin")];
  return names.map((name) => join(directory, name)).find(existsSync);
}
