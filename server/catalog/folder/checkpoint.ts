/** The tensors of a model folder: finds the files that hold them, in any supported format, and reads them. */
import { basename, dirname, join } from "node:path";
import { type FloatDtype, toFloat32 } from "../../../models/checkpoint/float.ts";
import { formatOf, readSafetensors, unknownFormat } from "../../../models/checkpoint/formats.ts";
import type { TensorDtype } from "../../../models/checkpoint/safetensors.ts";
import type { StoredTensor, TensorMap } from "../../../models/checkpoint/tensor.ts";
import { ModelError } from "../../../models/errors.ts";
import { findWeights, isShardIndex, readShardIndex } from "./find.ts";
import { type FileSource, openSource, readRange } from "./source.ts";

/** A weight file and its state on disk. */
export interface WeightFile {
  /** Real path. */
  readonly path: string;
  /** @see fileState */
  readonly state: readonly number[];
}

/** Opened weights, of which only the headers have been read. */
export interface Checkpoint {
  readonly files: readonly WeightFile[];
  readonly tensors: TensorMap;
  /** The metadata of a safetensors header. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Opens the weights of a folder, in any supported format; safetensors is preferred. Formats are recognized by
 * content; a `.index.json` names shards.
 * @throws ModelError "checkpoint" when there are no weights, or a file is malformed
 */
export async function openCheckpoint(directory: string): Promise<Checkpoint> {
  const path = await findWeights(directory);
  if (path === undefined) {
    throw await (await import("./missing-weights.ts")).missingWeights(directory);
  }
  return isShardIndex(path) ? openShards(path) : openWeights(path);
}

/**
 * Opens one weights file, in any supported format.
 * @throws ModelError "checkpoint" when it is missing or malformed
 */
export async function openWeights(path: string): Promise<Checkpoint> {
  const sources: FileSource[] = [];
  const open = async (file: string) => {
    const source = await openSource(file);
    sources.push(source);
    return source;
  };
  const source = await open(path);
  const format = await formatOf(source);
  if (format === undefined) throw await unknownFormat(source);
  const tensors = await format.read(source, (sibling) => open(join(dirname(path), sibling)));
  return { files: sources.map(weightFile), tensors, metadata: {} };
}

/**
 * Opens one safetensors file.
 * @throws ModelError "checkpoint" when it is missing or malformed
 */
export async function openSafetensors(path: string): Promise<Checkpoint> {
  const source = await openSource(path);
  return { files: [weightFile(source)], ...(await readSafetensors(source)) };
}

/**
 * Compares weight files with the checksums that they hold.
 * @throws ModelError "checkpoint" when one is wrong; the signal's reason when it aborts
 */
export async function verifySums({ files }: Pick<Checkpoint, "files">, signal: AbortSignal): Promise<void> {
  for (const { path } of files) {
    const source = await openSource(path);
    await (await formatOf(source))?.verify?.(source, signal);
  }
}

/**
 * Reads one tensor as float32 values, row-major.
 * @throws ModelError "checkpoint" when it holds integers, NaN or infinite values, or the file was truncated
 */
export async function readTensor(name: string, tensor: StoredTensor): Promise<Float32Array> {
  const { dtype } = tensor;
  if (!isFloat(dtype)) {
    throw new ModelError(
      "checkpoint",
      `${basename(tensor.file)} stores ${name} as ${dtype} where floating-point values are needed. Choose a float32, float16 or bfloat16 version of the model.`,
    );
  }
  const values = toFloat32(await readTensorBytes(tensor), dtype);
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) sum += (values[i] ?? 0) * 0; // NaN from the first non-finite value on
  if (sum === 0) return values;
  throw new ModelError(
    "checkpoint",
    `${basename(tensor.file)} contains NaN or infinite values in ${name}: its training failed, or it is damaged. Download the model again, or choose another.`,
  );
}

/**
 * The stored tensor of a name.
 * @throws ModelError "checkpoint" when the weights lack it
 */
export function storedTensor(name: string, checkpoint: Checkpoint): StoredTensor {
  const tensor = checkpoint.tensors.get(name);
  if (tensor === undefined) throw new ModelError("checkpoint", `The weights lack ${name}. Download the model again.`);
  return tensor;
}

/** Reads one tensor's bytes. */
export function readTensorBytes(tensor: StoredTensor): Promise<Uint8Array> {
  return tensor.offset === undefined ? tensor.make() : readRange(tensor.file, tensor.offset, tensor.length);
}

/** Whether two tensors have the same type and values; reads a few megabytes at a time, up to the first difference. */
export async function sameTensor(a: StoredTensor, b: StoredTensor): Promise<boolean> {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return false;
  if (a.offset === undefined || b.offset === undefined) {
    return Buffer.compare(await readTensorBytes(a), await readTensorBytes(b)) === 0;
  }
  if (a.file === b.file && a.offset === b.offset) return true;
  const step = 4 * 1024 * 1024;
  for (let at = 0; at < a.length; at += step) {
    const count = Math.min(step, a.length - at);
    const [x, y] = await Promise.all([
      readRange(a.file, a.offset + at, count),
      readRange(b.file, b.offset + at, count),
    ]);
    if (Buffer.compare(x, y) !== 0) return false;
  }
  return true;
}

async function openShards(path: string): Promise<Checkpoint> {
  const [{ flaxName }, { kerasName }] = await Promise.all([
    import("../../../models/checkpoint/flax/flax.ts"),
    import("../../../models/checkpoint/tensorflow/keras.ts"),
  ]);
  const shards = new Map<string, Checkpoint>();
  const tensors = new Map<string, StoredTensor>();
  for (const [listed, shard] of Object.entries(await readShardIndex(path))) {
    const opened = shards.get(shard) ?? (await openWeights(join(dirname(path), shard)));
    shards.set(shard, opened);
    const name = kerasName(listed) ?? (listed.includes("/") ? flaxName(listed.split("/")) : listed);
    const tensor = opened.tensors.get(name);
    if (tensor === undefined) {
      throw new ModelError(
        "checkpoint",
        `${path} places ${listed} in ${shard}, which does not contain it. Download the index and the shards of one version.`,
      );
    }
    tensors.set(name, tensor);
  }
  return { files: [...shards.values()].flatMap((shard) => shard.files), tensors, metadata: {} };
}

function isFloat(dtype: TensorDtype): dtype is FloatDtype {
  return !/^[IU]/.test(dtype);
}

function weightFile({ file, state }: FileSource): WeightFile {
  return { path: file, state };
}
