/**
 * Turns a model folder into tensors on disk that the engine can map: in place if possible, else converted once into
 * the cache.
 */
import { createHash } from "node:crypto";
import { rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  type SlowerForms,
  slowerFormsMetadata,
  slowerFormsOf,
  tensorPlan,
} from "../../../../models/checkpoint/plan.ts";
import type { TensorDtype, TensorSpec } from "../../../../models/checkpoint/safetensors.ts";
import { ModelError } from "../../../../models/errors.ts";
import type { T5Config } from "../../../../models/t5/config.ts";
import { tensorShapes } from "../../../../models/t5/weights.ts";
import { hasMetadata, removeOwn } from "../../../files/removal.ts";
import { cacheFolder } from "../../../files/whole-file.ts";
import { readManifest } from "../../installed.ts";
import { touch, trimCache } from "../cache.ts";
import { type Checkpoint, openSafetensors, readTensor, storedTensor } from "../checkpoint.ts";
import type { ConversionOptions } from "../convert.ts";
import { disagreement, type OpenedModel, openModel } from "../open.ts";
import { checkSums, onceIntact } from "../sums.ts";

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
  /**
   * Called with int8 weights that were just made, before they are kept: returns the names of planned tensors whose
   * products are too far from those of float activations. Columns then become blocks, and blocks floats.
   */
  readonly tooFar?: (weights: PreparedWeights) => Promise<readonly string[]>;
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
  const usualPlan = tensorPlan(config);
  const planOf = ({ metadata }: Checkpoint) => {
    const slower = slowerFormsOf(metadata);
    return slower.size === 0 ? usualPlan : tensorPlan(config, slower);
  };
  const specsOf = (file: Checkpoint) =>
    precision === "int8" ? planOf(file).flatMap((tensor) => tensor.stored) : floatSpecs(config);
  const specs = specsOf(model.checkpoint);
  const direct = references(specs, model.checkpoint);
  if (direct !== undefined) {
    if (precision === "float32") await checkFinite(model.checkpoint, specs, cache);
    return { precision, config, ...direct, notes: [] };
  }
  const key = cacheKey(model, specs);
  const path = join(cache, `${cacheName(directory)}-${key.slice(0, 16)}.safetensors`);
  const notes = [note(model, precision, path)];
  const cached = await cachedReferences(path, specsOf, key);
  if (cached !== undefined) {
    await touch(path);
    return { precision, config, ...cached, notes };
  }
  const read = async (file: string): Promise<PreparedWeights> => {
    const written = await cachedReferences(file, specsOf, key);
    if (written !== undefined) return { precision, config, ...written, notes };
    throw new ModelError("checkpoint", `${file} was changed while it was written. Try again.`);
  };
  const { convertWeights } = await import("../convert.ts"); // needed once for a model
  const make = (file: string, slower: SlowerForms) => {
    const plan = precision === "int8" ? tensorPlan(config, slower) : planOf(model.checkpoint);
    const layout = precision === "int8" ? plan.flatMap((tensor) => tensor.stored) : specs;
    const metadata = { spanfill: FORMAT, key, ...slowerFormsMetadata(slower) };
    return convertWeights(file, model, plan, layout, metadata, options);
  };
  const { tooFar } = options;
  if (precision === "float32" || tooFar === undefined) await make(path, new Map());
  else await makeChecked(path, make, async (file) => tooFar(await read(file)));
  await trimCache(cache, path);
  return read(path);
}

/**
 * Makes an int8 file under another name until it passes, since a file that has its own name has been checked: first in
 * the quickest forms, then in slower ones where products are too far off.
 */
async function makeChecked(
  path: string,
  make: (file: string, slower: SlowerForms) => Promise<void>,
  tooFar: (file: string) => Promise<readonly string[]>,
): Promise<void> {
  const { draftOf, sweepDraftsOf } = await import("../../../files/draft.ts");
  await sweepDraftsOf(path);
  const draft = await draftOf(path);
  const slower = new Map<string, "block" | "float">();
  try {
    for (let more = true; more; ) {
      await make(draft, slower);
      const names = (await tooFar(draft)).filter((name) => slower.get(name) !== "float");
      for (const name of names) slower.set(name, slower.has(name) ? "float" : "block");
      more = names.length > 0;
    }
    await rename(draft, path);
  } finally {
    await removeOwn(draft, dirname(path), hasMetadata("spanfill", "key"));
  }
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
  const { convertWeights } = await import("../convert.ts");
  await convertWeights(file, model, plan, specs, { spanfill: FORMAT }, options);
}

/** Format version of cached files, part of their key: changes when the same plan would produce different bytes. */
const FORMAT = "2";

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
async function cachedReferences(path: string, specsOf: (file: Checkpoint) => readonly TensorSpec[], key: string) {
  try {
    const checkpoint = await openSafetensors(path);
    const specs = specsOf(checkpoint);
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
