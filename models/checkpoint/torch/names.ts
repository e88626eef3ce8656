/** The names that a pickle of weights may use, and the tensors that they build. */

import { table } from "../../../base/table.ts";
import type { TensorDtype } from "../safetensors.ts";
import { isCount } from "../tensor.ts";
import { harmlessGlobals, UnsupportedTensor } from "./harmless-globals.ts";
import type { PickleNames } from "./pickle.ts";
import { type Storage, StorageView, TensorView, type UnreadStorage } from "./views.ts";

/** More axes than any weight has. */
const MAX_AXES = 8;

const storageTypes: Readonly<Record<string, TensorDtype>> = table({
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
});

/** Storages whose values are not read, with the bytes of one. */
const OTHER_STORAGES: Readonly<Record<string, number>> = table({
  ComplexFloatStorage: 8,
  ComplexDoubleStorage: 16,
  QInt8Storage: 1,
  QInt32Storage: 4,
  QUInt8Storage: 1,
  QUInt4x2Storage: 1,
  QUInt2x4Storage: 1,
});

class OtherStorage {
  readonly name: string;
  readonly bytes: number;

  constructor(name: string, bytes: number) {
    this.name = name;
    this.bytes = bytes;
  }
}

class StorageType {
  readonly dtype: TensorDtype;

  constructor(dtype: TensorDtype) {
    this.dtype = dtype;
  }
}

/** All names that a pickle of weights may use. The functions are ours and return records. */
const globals: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...["torch", "torch.cuda"].flatMap((module) => [
    ...Object.entries(storageTypes).map(([name, dtype]) => [`${module}.${name}`, new StorageType(dtype)] as const),
    ...Object.entries(OTHER_STORAGES).map(
      ([name, bytes]) => [`${module}.${name}`, new OtherStorage(name, bytes)] as const,
    ),
  ]),
  ["collections.OrderedDict", orderedDict],
  ["torch._utils._rebuild_tensor", rebuildAnyTensor],
  ["torch._utils._rebuild_tensor_v2", rebuildAnyTensor],
  ["torch._utils._rebuild_tensor_v3", rebuildOtherTensor],
  ["torch._utils._rebuild_parameter", rebuildParameter],
  ["torch.storage.UntypedStorage", new StorageType("U8")],
  ...harmlessGlobals,
]);

function orderedDict(...items: unknown[]): Map<unknown, unknown> {
  if (items.length > 0) throw new Error("a dictionary has something else than keys");
  return new Map();
}

function rebuildAnyTensor(view: unknown, first: unknown, shape: unknown, strides: unknown): unknown {
  if (view instanceof OtherStorage) return new UnsupportedTensor(`torch.${view.name}`, shape);
  return rebuildTensor(view, first, shape, strides);
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
  if (dtype === undefined) return new UnsupportedTensor(name, given[1]);
  const { storage, first, shape, strides } = rebuildTensor(view, given[0], given[1], given[2]);
  if (storage.dtype !== "U8") throw new Error("a tensor is malformed");
  return new TensorView(storage, first, shape, strides, dtype);
}

const FLOAT8: Readonly<Record<string, TensorDtype>> = table({
  "torch.float8_e4m3fn": "F8_E4M3",
  "torch.float8_e5m2": "F8_E5M2",
});

function rebuildParameter(tensor: unknown): unknown {
  return tensor;
}

function counts(list: unknown): number[] {
  return Array.isArray(list) ? list.filter(isCount) : [];
}

/**
 * Names for one file.
 * @param storages gets those that its tensors name
 * @param unread gets those of types that are not read
 */
export function pickleNames(storages: Map<string, Storage>, unread = new Map<string, UnreadStorage>()): PickleNames {
  const persistent = (id: unknown): StorageView | OtherStorage => {
    const [kind, type, key, , count, view] = Array.isArray(id) ? id : [];
    const isName = typeof key === "string" || typeof key === "number";
    if (kind === "storage" && type instanceof OtherStorage) {
      if (isName && isCount(count)) unread.set(String(key), { count, valueBytes: type.bytes });
      return type;
    }
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
