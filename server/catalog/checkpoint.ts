/** The tensors of a model folder as places in files: one model.safetensors, or shards with an index. */
import { open, readdir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { toFloat32 } from "../../models/checkpoint/float.ts";
import { headerLength, PREFIX_BYTES, parseHeader, type TensorDtype } from "../../models/checkpoint/safetensors.ts";
import { ModelError } from "../../models/errors.ts";
import { isMissing, readJson, reason } from "./files.ts";

/** A tensor's place in a file. */
export interface StoredTensor {
  /** Real path (no symbolic link in it). */
  readonly file: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** A weight file as it is on disk now. */
export interface WeightFile {
  /** Real path. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** Opened weights: nothing read but the headers. */
export interface Checkpoint {
  readonly files: readonly WeightFile[];
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The header's own words; of the first shard when there are several. */
  readonly metadata: Readonly<Record<string, string>>;
}

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/**
 * Opens the weights of a folder: `model.safetensors`, else the shards that `model.safetensors.index.json` names.
 * @throws ModelError "checkpoint" when there are none, or a file is malformed
 */
export async function openCheckpoint(directory: string): Promise<Checkpoint> {
  const names = await listFolder(directory);
  if (names.includes(SINGLE)) return openSafetensors(join(directory, SINGLE));
  if (names.includes(INDEX)) return openShards(directory);
  const others = names.filter((name) => /\.(bin|msgpack|h5|ckpt.*|gguf|pt|onnx)$/.test(name));
  const hint =
    others.length > 0
      ? `It has ${others.slice(0, 3).join(", ")}, which cannot be read yet: take the model's safetensors version, often the repository's branch refs/pr/1`
      : "Give the folder of a complete model";
  throw new ModelError("checkpoint", `${directory} holds no ${SINGLE}. ${hint}.`);
}

/**
 * Opens one safetensors file.
 * @throws ModelError "checkpoint" when it is missing or malformed
 */
export async function openSafetensors(path: string): Promise<Checkpoint> {
  try {
    const file = await realpath(path);
    const { size: sizeBytes, mtimeMs: modifiedMs } = await stat(file);
    const prefix = await readAt(file, 0, Math.min(PREFIX_BYTES, sizeBytes));
    const bytes = await readAt(file, 0, PREFIX_BYTES + headerLength(prefix, sizeBytes, path));
    const { tensors, metadata } = parseHeader(bytes, sizeBytes, path);
    const stored = [...tensors].map(([name, place]): [string, StoredTensor] => [
      name,
      {
        file,
        dtype: place.dtype,
        shape: place.shape,
        offset: place.beginOffset,
        length: place.endOffset - place.beginOffset,
      },
    ]);
    return { files: [{ path: file, sizeBytes, modifiedMs }], tensors: new Map(stored), metadata };
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    const what = isMissing(cause) ? "does not exist, or is a link to nothing" : `cannot be read (${reason(cause)})`;
    throw new ModelError("checkpoint", `${path} ${what}. Download the file again.`, { cause });
  }
}

/**
 * Reads one tensor as float32 values, row-major.
 * @throws ModelError "checkpoint" when it holds integers, or the file became shorter
 */
export async function readTensor(name: string, tensor: StoredTensor): Promise<Float32Array> {
  const { dtype } = tensor;
  if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") {
    throw new ModelError(
      "checkpoint",
      `${basename(tensor.file)} stores ${name} as ${dtype} where floating-point values are needed. Choose a float32, float16 or bfloat16 version of the model.`,
    );
  }
  return toFloat32(await readTensorBytes(tensor), dtype);
}

/** Reads one tensor's bytes. */
export function readTensorBytes(tensor: StoredTensor): Promise<Uint8Array> {
  return readAt(tensor.file, tensor.offset, tensor.length);
}

/** Whether two tensors hold the same values of the same type; reads a few megabytes at a time, to the first difference. */
export async function sameTensor(a: StoredTensor, b: StoredTensor): Promise<boolean> {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return false;
  const step = 4 * 1024 * 1024;
  for (let at = 0; at < a.length; at += step) {
    const count = Math.min(step, a.length - at);
    const [x, y] = await Promise.all([readAt(a.file, a.offset + at, count), readAt(b.file, b.offset + at, count)]);
    if (Buffer.compare(x, y) !== 0) return false;
  }
  return true;
}

/**
 * The names in a folder.
 * @throws ModelError "config" when it is no folder
 */
export async function listFolder(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (cause) {
    const what = isMissing(cause) ? "is not a folder" : `cannot be read (${reason(cause)})`;
    throw new ModelError("config", `${directory} ${what}. Give the folder of a model.`, { cause });
  }
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

async function openShards(directory: string): Promise<Checkpoint> {
  const path = join(directory, INDEX);
  const parsed = indexSchema.safeParse(await readJson(path, "checkpoint"));
  if (!parsed.success) {
    throw new ModelError("checkpoint", `${path} has no "weight_map" of names. Download the file again.`, {
      cause: parsed.error,
    });
  }
  const places = Object.entries(parsed.data.weight_map);
  const shards = new Map<string, Checkpoint>();
  const tensors = new Map<string, StoredTensor>();
  for (const [name, shard] of places) {
    if (shard !== basename(shard) || !shard.endsWith(".safetensors")) {
      throw new ModelError("checkpoint", `${path} places ${name} in "${shard}", which is no file of this folder.`);
    }
    const opened = shards.get(shard) ?? (await openSafetensors(join(directory, shard)));
    shards.set(shard, opened);
    const tensor = opened.tensors.get(name);
    if (tensor === undefined) {
      throw new ModelError(
        "checkpoint",
        `${path} places ${name} in ${shard}, which does not hold it. Download index and shards of one version.`,
      );
    }
    tensors.set(name, tensor);
  }
  const [first] = shards.values();
  return { files: [...shards.values()].flatMap((shard) => shard.files), tensors, metadata: first?.metadata ?? {} };
}

/** Reads exactly `length` bytes; in pieces, for one read gives at most 2 GiB. */
async function readAt(file: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const handle = await open(file);
  try {
    for (let done = 0; done < length; ) {
      const count = Math.min(length - done, 1 << 30);
      const { bytesRead } = await handle.read(bytes, done, count, offset + done);
      if (bytesRead === 0) {
        throw new ModelError("checkpoint", `${file} became shorter while it was read. Download the file again.`);
      }
      done += bytesRead;
    }
  } finally {
    await handle.close();
  }
  return bytes;
}
