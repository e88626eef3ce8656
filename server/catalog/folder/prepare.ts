/**
 * Turns a model folder into tensors on disk that the engine can map: in place if possible, else converted once into
 * the cache.
 */
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { tensorPlan } from "../../../models/checkpoint/plan.ts";
import type { TensorDtype, TensorSpec } from "../../../models/checkpoint/safetensors.ts";
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { tensorShapes } from "../../../models/t5/weights.ts";
import { cacheFolder } from "../../files/whole-file.ts";
import { readManifest } from "../installed.ts";
import { touch, trimCache } from "./cache.ts";
import { type Checkpoint, openSafetensors, readTensor, storedTensor } from "./checkpoint.ts";
import { type ConversionOptions, convertWeights } from "./convert.ts";
import { disagreement, type OpenedModel, openModel } from "./open.ts";
import { checkSums, onceIntact } from "./sums.ts";

/** A tensor that the runtime maps as external data. */
export interface WeightReference {
  /** Name of a file in {@link PreparedWeights.folder}. */
  readonly file: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  /** Bytes from the start of the file; a multiple of the element's size. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** A model's weights, ready to use in one precision. */
export interface PreparedWeights {
  readonly precision: "float32" | "int8";
  /** `tieWordEmbeddings` is determined from the tensors. */
  readonly config: T5Config;
  /** Real path of the single folder that contains all files, as ONNX Runtime requires. */
  readonly folder: string;
  /**
   * float32: every tensor of `tensorShapes(config)`, F32, by Hugging Face's name. int8: the stored tensors of
   * `tensorPlan(config)`.
   */
  readonly tensors: ReadonlyMap<string, WeightReference>;
  /** Notes for people on how the weights were obtained. */
  readonly notes: readonly string[];
}

/** Options of the preparation. */
export interface PrepareOptions extends ConversionOptions {
  /** Folder for converted files; the system's cache folder if absent. */
  readonly cacheFolder?: string;
  /** Called with the model's shape before anything is converted; may refuse it by throwing. */
  readonly accept?: (config: T5Config) => void;
}

/**
 * Prepares a model's weights for the engine. float32 maps the published file if it is float32; float16, bfloat16,
 * shards in several folders, and int8 files are converted once into the cache. int8 maps the file that ships with the
 * model, or quantizes the published weights once, with one tensor in memory at a time. Files with a checksum in
 * spanfill.json are verified.
 * @throws ModelError "config" or "checkpoint"
 */
export async function prepareWeights(
  directory: string,
  precision: "float32" | "int8",
  options: PrepareOptions = {},
): Promise<PreparedWeights> {
  const model = await openModel(directory, precision === "int8" ? "int8" : "float");
  const { config } = model;
  options.accept?.(config);
  const cache = options.cacheFolder ?? cacheFolder();
  const files = model.checkpoint.files.map((file) => file.path);
  await checkSums(directory, readManifest(directory).sha256, files, cache);
  const plan = tensorPlan(config);
  const specs = precision === "int8" ? plan.flatMap((tensor) => tensor.stored) : floatSpecs(config);
  const direct = references(specs, model.checkpoint);
  if (direct !== undefined) {
    if (precision === "float32") await checkFinite(model.checkpoint, specs, cache);
    return { precision, config, ...direct, notes: [] };
  }
  const key = cacheKey(model, specs);
  const path = join(cache, `${cacheName(directory)}-${key.slice(0, 16)}.safetensors`);
  const cached = await cachedReferences(path, specs, key);
  const notes = [note(model, precision, path)];
  if (cached !== undefined) {
    await touch(path);
    return { precision, config, ...cached, notes };
  }
  await convertWeights(path, model, plan, specs, { spanfill: FORMAT, key }, options);
  await trimCache(cache, path);
  const written = await cachedReferences(path, specs, key);
  if (written === undefined) throw new ModelError("checkpoint", `${path} was changed while it was written. Try again.`);
  return { precision, config, ...written, notes };
}

/**
 * Quantizes a folder's published weights into one file; this makes the files that ship.
 * @param file path to write, usually `model.int8.safetensors`
 * @throws ModelError "config" or "checkpoint"
 */
export async function writeInt8(directory: string, file: string, options: PrepareOptions = {}): Promise<void> {
  const model = await openModel(directory, "float");
  const plan = tensorPlan(model.config);
  const specs = plan.flatMap((tensor) => tensor.stored);
  if (model.form === "int8")
    throw new ModelError("checkpoint", `${directory} does not contain published weights to quantize.`);
  await convertWeights(file, model, plan, specs, { spanfill: FORMAT }, options);
}

/** Format version of cached files, part of their key: changes when the same plan would produce different bytes. */
const FORMAT = "1";

function floatSpecs(config: T5Config): TensorSpec[] {
  return [...tensorShapes(config)].map(([name, shape]) => ({ name, dtype: "F32" as const, shape }));
}

/** Reads weights that are mapped in place once, to check that all values are finite. */
async function checkFinite(checkpoint: Checkpoint, specs: readonly TensorSpec[], marksFolder: string): Promise<void> {
  for (const { path } of checkpoint.files) {
    await onceIntact(path, "finite", marksFolder, async () => {
      for (const { name } of specs) {
        const tensor = storedTensor(name, checkpoint);
        if (tensor.file === path) await readTensor(name, tensor);
      }
    });
  }
}

/**
 * References to the specs' tensors, if the checkpoint stores each in the needed form, aligned, and all in one folder.
 */
function references(
  specs: readonly TensorSpec[],
  checkpoint: Checkpoint,
): Pick<PreparedWeights, "folder" | "tensors"> | undefined {
  const tensors = new Map<string, WeightReference>();
  const folders = new Set<string>();
  for (const { name, dtype } of specs) {
    const tensor = checkpoint.tensors.get(name);
    if (tensor?.offset === undefined || tensor.dtype !== dtype || (dtype === "F32" && tensor.offset % 4 !== 0)) {
      return undefined;
    }
    const { file, shape, offset, length } = tensor;
    folders.add(dirname(file));
    tensors.set(name, { file: basename(file), dtype, shape, offset, length });
  }
  const [folder = ""] = folders;
  return folders.size === 1 ? { folder, tensors } : undefined;
}

/** References into a file written earlier; undefined if it does not exist or would be written differently now. */
async function cachedReferences(path: string, specs: readonly TensorSpec[], key: string) {
  try {
    const checkpoint = await openSafetensors(path);
    const { key: storedKey } = checkpoint.metadata;
    const same = storedKey === key && disagreement(specs, checkpoint.tensors) === undefined;
    return same ? references(specs, checkpoint) : undefined;
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}

/** A key of the current state of the source files, the shape, and the tensors to write. */
function cacheKey(model: OpenedModel, specs: readonly TensorSpec[]): string {
  const sources = model.checkpoint.files.map(({ path, state }) => [path, state]);
  return createHash("sha256")
    .update(JSON.stringify([FORMAT, sources, model.config, specs]))
    .digest("hex");
}

function cacheName(directory: string): string {
  return basename(directory).replace(/[^\w.-]/g, "_") || "model";
}

function note(model: OpenedModel, precision: "float32" | "int8", path: string): string {
  if (model.form === "int8")
    return `float32 weights were converted from the model's int8 file, with its rounding: ${path}`;
  return precision === "int8"
    ? `int8 weights quantized from the published ones: ${path}`
    : `float32 weights converted from the published ones: ${path}`;
}
