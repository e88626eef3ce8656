/** Reads `pytorch_model.bin`, written by torch.save: the zip layout of PyTorch 1.6 and later, and the one before. */

import crc32 from "crc-32";
import { ModelError } from "../../errors.ts";
import { DTYPE_BYTES, elementCount, type TensorDtype } from "../safetensors.ts";
import {
  type ByteSource,
  gather,
  isCount,
  malformed,
  placedTensor,
  type StoredTensor,
  swapBytes,
  type TensorMap,
} from "../tensor.ts";
import { harmlessGlobals, UnsupportedTensor } from "./harmless-globals.ts";
import { readPickle } from "./pickle.ts";
import { type Storage, StorageView, TensorView } from "./views.ts";
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
  const read = readPickle(bytes, 0, names(storages), source.name);
  if (read === undefined) throw malformed(source.name, `is truncated: ${pickleName} breaks off`);
  const order = entries.get(`${folder}byteorder`);
  const swapped =
    order !== undefined &&
    order.sizeBytes === 3 &&
    text(await source.read(await entryOffset(source, `${folder}byteorder`, order), 3)) === "big";
  for (const storage of storages.values()) {
    const name = `${folder}data/${storage.key}`;
    const entry = entries.get(name);
    if (entry === undefined) throw malformed(source.name, `lacks ${name}, which holds its tensors`);
    if (entry.sizeBytes !== storage.count * DTYPE_BYTES[storage.dtype]) {
      throw malformed(source.name, `holds ${name} with ${entry.sizeBytes} bytes, which contradicts its tensors`);
    }
    storage.offset = await entryOffset(source, name, entry);
  }
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
  const [pickles, end] = await leadingPickles(source, 5, storages);
  const [, version, machine, state, keys] = pickles;
  if (version !== 1001 || !(machine instanceof Map) || !Array.isArray(keys)) {
    throw malformed(source.name, "is not a model's state dict");
  }
  const swapped = machine.get("little_endian") === false;
  let at = end;
  const found = new Set<unknown>();
  for (const key of keys) {
    const storage = typeof key === "string" || typeof key === "number" ? storages.get(String(key)) : undefined;
    if (storage === undefined || found.has(key))
      throw malformed(
        source.name,
        `lists a storage ${typeof key === "string" ? key.slice(0, 100) : "with an odd name"} that no tensor uses`,
      );
    if (at + 8 > source.sizeBytes) throw malformed(source.name, "is truncated: it ends before its tensors do");
    const prefix = await source.read(at, 8);
    const count = Number(new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, !swapped));
    if (count !== storage.count) {
      throw malformed(source.name, `holds ${count} values where its tensors need ${storage.count}`);
    }
    storage.offset = at + 8;
    at = storage.offset + count * DTYPE_BYTES[storage.dtype];
    found.add(key);
  }
  if (found.size < storages.size) throw malformed(source.name, "does not hold all the values of its tensors");
  if (at > source.sizeBytes) {
    throw malformed(source.name, `is truncated: its tensors end at ${at} and it has ${source.sizeBytes} bytes`);
  }
  return tensors(source, state, swapped);
}

/** A model's pickle takes 100 to 200 bytes per tensor. */
const MAX_PICKLE_BYTES = 8 * 1024 * 1024;
/** More axes than any weight has. */
const MAX_AXES = 8;

const storageTypes: Readonly<Record<string, TensorDtype>> = {
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  DoubleStorage: "F64",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "U8",
};

class StorageType {
  readonly dtype: TensorDtype;

  constructor(dtype: TensorDtype) {
    this.dtype = dtype;
  }
}

/** All names that a pickle of weights may use. The functions are ours and return records. */
const globals: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...Object.entries(storageTypes).map(([name, dtype]): [string, unknown] => [`torch.${name}`, new StorageType(dtype)]),
  ["collections.OrderedDict", orderedDict],
  ["torch._utils._rebuild_tensor", rebuildTensor],
  ["torch._utils._rebuild_tensor_v2", rebuildTensor],
  ["torch._utils._rebuild_tensor_v3", rebuildOtherTensor],
  ["torch._utils._rebuild_parameter", rebuildParameter],
  ["torch.storage.UntypedStorage", new StorageType("U8")],
  ...harmlessGlobals,
]);

function orderedDict(...items: unknown[]): Map<unknown, unknown> {
  if (items.length > 0) throw new Error("a dictionary has something else than keys");
  return new Map();
}

function rebuildTensor(view: unknown, first: unknown, shape: unknown, strides: unknown): TensorView {
  const places = [shape, strides].every(
    (list) => Array.isArray(list) && list.length <= MAX_AXES && list.every((each) => isCount(each)),
  );
  if (!(view instanceof StorageView) || !isCount(first) || !places) throw new Error("a tensor is malformed");
  return new TensorView(view.storage, view.first + first, [...counts(shape)], [...counts(strides)]);
}

/** A tensor of a type that has no storage of its name. */
function rebuildOtherTensor(view: unknown, ...given: unknown[]): unknown {
  const name = typeof given[5] === "string" ? given[5] : "another type";
  const dtype = Object.hasOwn(FLOAT8, name) ? FLOAT8[name] : undefined;
  if (dtype === undefined) return new UnsupportedTensor(name);
  const { storage, first, shape, strides } = rebuildTensor(view, given[0], given[1], given[2]);
  if (storage.dtype !== "U8") throw new Error("a tensor is malformed");
  return new TensorView(storage, first, shape, strides, dtype);
}

const FLOAT8: Readonly<Record<string, TensorDtype>> = {
  "torch.float8_e4m3fn": "F8_E4M3",
  "torch.float8_e5m2": "F8_E5M2",
};

function rebuildParameter(tensor: unknown): unknown {
  return tensor;
}

function counts(list: unknown): number[] {
  return Array.isArray(list) ? list.filter(isCount) : [];
}

function names(storages: Map<string, Storage>) {
  const persistent = (id: unknown): StorageView => {
    const [kind, type, key, , count, view] = Array.isArray(id) ? id : [];
    const isName = typeof key === "string" || typeof key === "number";
    if (kind !== "storage" || !(type instanceof StorageType) || !isCount(count) || !isName) {
      throw new Error("an object outside the pickle is not a storage");
    }
    const known = storages.get(String(key));
    const storage = known ?? { key: String(key), dtype: type.dtype, count, offset: 0 };
    if (storage.dtype !== type.dtype || storage.count !== count) throw new Error(`storage ${key} has two sizes`);
    storages.set(storage.key, storage);
    // Only the older layout has views of storages: key, offset, length.
    const first = Array.isArray(view) ? view[1] : 0;
    if (!isCount(first)) throw new Error("a view of a storage is malformed");
    return new StorageView(storage, first);
  };
  return { globals, persistent };
}

/** The pickles at a file's beginning, and their end: read in a window that grows until they fit. */
async function leadingPickles(
  source: ByteSource,
  count: number,
  storages: Map<string, Storage>,
): Promise<[unknown[], number]> {
  for (let window = 1 << 18; ; window *= 4) {
    const bytes = await source.read(0, Math.min(window, source.sizeBytes));
    const values: unknown[] = [];
    let at = 0;
    storages.clear();
    while (values.length < count) {
      const read = readPickle(bytes, at, names(storages), source.name);
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

/** The tensors of a state dict, which may be a table among other values. */
function tensors(source: ByteSource, saved: unknown, swapped: boolean): TensorMap {
  const nested = TABLES.map((name) => (saved instanceof Map ? saved.get(name) : undefined));
  const inner = nested.find((value) => value instanceof Map) ?? saved;
  const found = new Map<string, StoredTensor>();
  for (const [name, value] of inner instanceof Map ? inner : []) {
    if (typeof name === "string" && value instanceof UnsupportedTensor)
      throw new ModelError(
        "checkpoint",
        `${source.name} stores ${name} as ${value.dtype}, which is not supported. Save the model in float32, float16 or bfloat16.`,
      );
    if (typeof name !== "string" || !(value instanceof TensorView)) continue;
    found.set(name, tensor(source, name, value, swapped));
  }
  if (found.size === 0) throw malformed(source.name, "holds no table of tensors by name");
  return found;
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
