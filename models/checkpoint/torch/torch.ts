/** Reads `pytorch_model.bin`, written by torch.save: the zip layout of PyTorch 1.6 and later, and the one before. */

import crc32 from "crc-32";
import { ModelError } from "../../errors.ts";
import { DTYPE_BYTES, elementCount } from "../safetensors.ts";
import {
  type ByteSource,
  gather,
  malformed,
  placedTensor,
  type StoredTensor,
  swapBytes,
  type TensorMap,
} from "../tensor.ts";
import { UnsupportedTensor } from "./harmless-globals.ts";
import { pickleNames } from "./names.ts";
import { readPickle } from "./pickle.ts";
import { type Storage, TensorView, type UnreadStorage } from "./views.ts";
import { entryOffset, refuseWrongSum, zipEntries } from "./zip.ts";

/**
 * Finds the tensors of a state dict in the zip layout: `NAME/data.pkl`, and a file of bytes for each storage.
 * @throws ModelError "checkpoint" when it is malformed, or names anything that a state dict does not need
 * @see torch/serialization.py: _save, _load
 */
export async function readTorchZip(source: ByteSource): Promise<TensorMap> {
  const entries = await zipEntries(source);
  const [pickleName, ...others] = [...entries.keys()].filter((name) => /^[^/]*\/data\.pkl$/.test(name));
  const pickle = entries.get(pickleName ?? "");
  if (pickleName === undefined || pickle === undefined || others.length > 0) {
    throw malformed(source.name, "is a zip archive, but not PyTorch's: it has no single data.pkl");
  }
  if (pickle.sizeBytes > MAX_PICKLE_BYTES) throw malformed(source.name, `holds a pickle of ${pickle.sizeBytes} bytes`);
  const folder = pickleName.slice(0, -"data.pkl".length);
  const storages = new Map<string, Storage>();
  const bytes = await source.read(await entryOffset(source, pickleName, pickle), pickle.sizeBytes);
  refuseWrongSum(source, pickleName, pickle, crc32.buf(bytes));
  const read = readPickle(bytes, 0, pickleNames(storages), source.name);
  if (read === undefined) throw malformed(source.name, `is truncated: ${pickleName} breaks off`);
  const order = entries.get(`${folder}byteorder`);
  const swapped =
    order !== undefined &&
    order.sizeBytes === 3 &&
    text(await source.read(await entryOffset(source, `${folder}byteorder`, order), 3)) === "big";
  const place = async (storage: Storage) => {
    const name = `${folder}data/${storage.key}`;
    const entry = entries.get(name);
    if (entry === undefined) throw malformed(source.name, `lacks ${name}, which holds its tensors`);
    if (entry.sizeBytes !== storage.count * DTYPE_BYTES[storage.dtype]) {
      throw malformed(source.name, `holds ${name} with ${entry.sizeBytes} bytes, which contradicts its tensors`);
    }
    storage.offset = await entryOffset(source, name, entry);
  };
  await Promise.all([...storages.values()].map(place)); // at once, so that the file is opened once
  return tensors(source, read.value, swapped);
}

/**
 * Finds the tensors of a state dict in the layout before PyTorch 1.6: five pickles (magic number, version, machine,
 * state dict, storage keys), then each storage as its length and its bytes.
 * @throws ModelError "checkpoint" when it is malformed, or names anything that a state dict does not need
 * @see torch/serialization.py: _legacy_save, _legacy_load
 */
export async function readTorchLegacy(source: ByteSource): Promise<TensorMap> {
  const storages = new Map<string, Storage>();
  const unread = new Map<string, UnreadStorage>();
  const [pickles, end] = await leadingPickles(source, 5, storages, unread);
  const [, version, machine, state, keys] = pickles;
  if (version !== 1001 || !(machine instanceof Map) || !Array.isArray(keys)) {
    throw malformed(source.name, "is not a model's state dict");
  }
  const swapped = machine.get("little_endian") === false;
  let at = end;
  const found = new Set<string>();
  for (const key of keys) {
    const name = typeof key === "string" || typeof key === "number" ? String(key) : "";
    const storage = storages.get(name);
    const passed = unread.get(name);
    const { count: expected } = storage ?? passed ?? {};
    if (expected === undefined || found.has(name))
      throw malformed(
        source.name,
        `lists a storage ${typeof key === "string" ? key.slice(0, 100) : "with an odd name"} that no tensor uses`,
      );
    if (at + 8 > source.sizeBytes) throw malformed(source.name, "is truncated: it ends before its tensors do");
    const prefix = await source.read(at, 8);
    const count = Number(new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, !swapped));
    if (count !== expected) throw malformed(source.name, `holds ${count} values where its tensors need ${expected}`);
    if (storage !== undefined) storage.offset = at + 8;
    at += 8 + count * (storage === undefined ? (passed?.valueBytes ?? 0) : DTYPE_BYTES[storage.dtype]);
    found.add(name);
  }
  if ([...storages.keys()].some((name) => !found.has(name)))
    throw malformed(source.name, "does not hold all the values of its tensors");
  if (at > source.sizeBytes) {
    throw malformed(source.name, `is truncated: its tensors end at ${at} and it has ${source.sizeBytes} bytes`);
  }
  return tensors(source, state, swapped);
}

/** A model's pickle takes 100 to 200 bytes per tensor. */
const MAX_PICKLE_BYTES = 8 * 1024 * 1024;
/** The pickles at a file's beginning, and their end: read in a window that grows until they fit. */
async function leadingPickles(
  source: ByteSource,
  count: number,
  storages: Map<string, Storage>,
  unread: Map<string, UnreadStorage>,
): Promise<[unknown[], number]> {
  for (let window = 1 << 18; ; window *= 4) {
    const bytes = await source.read(0, Math.min(window, source.sizeBytes));
    const values: unknown[] = [];
    let at = 0;
    storages.clear();
    unread.clear();
    while (values.length < count) {
      const read = readPickle(bytes, at, pickleNames(storages, unread), source.name);
      if (read === undefined) break;
      values.push(read.value);
      at = read.end;
    }
    if (values.length === count) return [values, at];
    if (bytes.length === source.sizeBytes) throw malformed(source.name, "is truncated: its list of tensors breaks off");
    if (window > MAX_PICKLE_BYTES) throw malformed(source.name, `begins with a pickle of over ${window} bytes`);
  }
}

/** The tables in which training programs put a state dict: Lightning, plain loops, DeepSpeed. */
const TABLES = ["state_dict", "model_state_dict", "model", "module"];

/**
 * The state dict among other values: in a table of a known name, also within another, or in the only table of tensors.
 * @throws ModelError "checkpoint" when there are several
 */
function stateDict(source: ByteSource, saved: unknown): unknown {
  let inner = saved;
  for (let depth = 0; depth < MOST_TABLES; depth += 1) {
    const next: unknown = TABLES.map((name) => (inner instanceof Map ? inner.get(name) : undefined)).find(
      (value) => value instanceof Map,
    );
    if (next === undefined) break;
    inner = next;
  }
  if (!(inner instanceof Map) || holdsTensors(inner)) return inner;
  const tables = [...inner].filter(([, value]) => holdsTensors(value));
  if (tables.length > 1) {
    const listed = tables.map(([name]) => String(name).slice(0, 100)).join(", ");
    throw new ModelError(
      "checkpoint",
      `${source.name} holds several tables of tensors: ${listed}. Save the one to use by itself (torch.save of its state_dict).`,
    );
  }
  return tables[0]?.[1] ?? inner;
}

const MOST_TABLES = 4;

function holdsTensors(value: unknown): boolean {
  return (
    value instanceof Map &&
    [...value].some(
      ([name, each]) => typeof name === "string" && name.endsWith(".weight") && each instanceof TensorView,
    )
  );
}

/** The tensors of a state dict, which may be a table among other values. */
function tensors(source: ByteSource, saved: unknown, swapped: boolean): TensorMap {
  const inner = stateDict(source, saved);
  const found = new Map<string, StoredTensor>();
  for (const [name, value] of inner instanceof Map ? inner : []) {
    if (typeof name !== "string") continue;
    if (value instanceof UnsupportedTensor) found.set(name, unread(source, name, value));
    if (value instanceof TensorView) found.set(name, tensor(source, name, value, swapped));
  }
  if (found.size === 0) throw malformed(source.name, "holds no table of tensors by name");
  return found;
}

/** A tensor that matters only to a model which needs it. */
function unread(source: ByteSource, name: string, { dtype, shape }: UnsupportedTensor): StoredTensor {
  const make = () =>
    Promise.reject(
      new ModelError(
        "checkpoint",
        `${source.name} stores ${name} as ${dtype}, which is not supported. Save the model in float32, float16 or bfloat16.`,
      ),
    );
  return { file: source.file, dtype: "U8", shape, offset: undefined, make };
}

function tensor(source: ByteSource, name: string, view: TensorView, swapped: boolean): StoredTensor {
  const { storage, first, shape, strides, dtype } = view;
  const count = elementCount(shape);
  const last = count === 0 ? first - 1 : shape.reduce((sum, axis, i) => sum + (axis - 1) * (strides[i] ?? 0), first);
  if (shape.length !== strides.length || last >= storage.count || count > storage.count) {
    throw malformed(
      source.name,
      `gives ${name} the shape [${shape.join(",")}], more than the ${storage.count} values it has`,
    );
  }
  const size = DTYPE_BYTES[dtype];
  const offset = storage.offset + first * size;
  const plain = isRowMajor(shape, strides);
  if (plain && (!swapped || size === 1)) return placedTensor(source, name, dtype, shape, offset);
  const make = async () => {
    const bytes = await source.read(offset, (last + 1 - first) * size);
    if (swapped) swapBytes(bytes, size);
    return plain ? bytes : gather(bytes, size, shape, strides);
  };
  return { file: source.file, dtype, shape, offset: undefined, make };
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return elementCount(shape) === 0;
    expected *= shape[axis] ?? 1;
  }
  return true;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
