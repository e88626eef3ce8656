/** Reads `flax_model.msgpack`, the file of Flax models in transformers. */

import { table } from "../../../base/table.ts";
import { DTYPE_BYTES, elementCount, type TensorDtype } from "../safetensors.ts";
import {
  type ByteSource,
  isCount,
  malformed,
  placedTensor,
  readStored,
  type StoredTensor,
  type TensorMap,
  transposedTensor,
} from "../tensor.ts";
import { type MsgpackMap, type MsgpackValue, PlacedArray } from "./msgpack.ts";

/**
 * Finds the tensors in the result of `readMsgpack`, under PyTorch's names and in its shapes: linear layers' kernels
 * [in, out] become weights [out, in].
 * @throws ModelError "checkpoint" when it is malformed
 * @see flax/serialization.py; transformers' modeling_flax_pytorch_utils.py
 */
export function flaxTensors(content: MsgpackValue, source: ByteSource): TensorMap {
  const tensors = new Map<string, StoredTensor>();
  for (const [path, array] of flaxArrays(content, source)) {
    const name = flaxName(path);
    if (tensors.has(name)) throw malformed(source.name, `holds ${name} twice`);
    tensors.set(name, flaxTensor(path, array, source));
  }
  if (tensors.size === 0) throw malformed(source.name, "holds no arrays");
  return tensors;
}

/** PyTorch's name for the path of a tensor in Flax: ["lm_head", "kernel"] -> "lm_head.weight". */
export function flaxName(path: readonly string[]): string {
  const last = path[path.length - 1] ?? "";
  const parts = ["kernel", "embedding", "scale"].includes(last) ? [...path.slice(0, -1), "weight"] : path;
  return parts.join(".");
}

/**
 * Lists the arrays in a tree with their paths.
 * @throws ModelError "checkpoint" when an array's size contradicts its shape
 */
export function* flaxArrays(
  value: MsgpackValue,
  source: ByteSource,
  path: readonly string[] = [],
): Generator<[readonly string[], StoredTensor]> {
  if (value instanceof PlacedArray) yield [path, placed(value, path, source)];
  if (!isMap(value)) return;
  if (value.get("__msgpack_chunked_array__") === true) yield [path, chunked(value, path, source)];
  else for (const [key, child] of value) yield* flaxArrays(child, source, [...path, key]);
}

const dtypes: Readonly<Record<string, TensorDtype>> = table({
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint8: "U8",
  bool: "U8",
});

function flaxTensor(path: readonly string[], tensor: StoredTensor, source: ByteSource): StoredTensor {
  const kernel = path[path.length - 1] === "kernel" && tensor.shape.length === 2;
  return kernel ? transposedTensor(source, tensor) : tensor;
}

function placed(array: PlacedArray, path: readonly string[], source: ByteSource): StoredTensor {
  const dtype = dtypes[array.dtype];
  if (dtype === undefined) throw malformed(source.name, `stores ${path.join("/")} as ${array.dtype.slice(0, 40)}`);
  if (array.length !== elementCount(array.shape) * DTYPE_BYTES[dtype]) {
    throw malformed(
      source.name,
      `gives ${path.join("/")} ${array.length} bytes, but the shape [${array.shape.join(",")}] of ${array.dtype}`,
    );
  }
  return placedTensor(source, path.join("/"), dtype, array.shape, array.offset);
}

/** An array too long for msgpack, cut into flat pieces: {shape: {"0": ..}, chunks: {"0": array, ..}}. */
function chunked(map: MsgpackMap, path: readonly string[], source: ByteSource): StoredTensor {
  const shape = items(map.get("shape")).filter(isCount);
  const chunks = items(map.get("chunks")).map((chunk) =>
    chunk instanceof PlacedArray ? placed(chunk, path, source) : undefined,
  );
  const [first] = chunks;
  const whole = chunks.filter((chunk) => chunk !== undefined && chunk.dtype === first?.dtype);
  const count = chunks.reduce((sum, chunk) => sum + elementCount(chunk?.shape ?? []), 0);
  if (first === undefined || whole.length !== chunks.length || count !== elementCount(shape)) {
    throw malformed(source.name, `has ${path.join("/")} in pieces that do not make [${shape.join(",")}]`);
  }
  const make = async () => {
    const bytes = new Uint8Array(count * DTYPE_BYTES[first.dtype]);
    let at = 0;
    for (const chunk of chunks) {
      const piece = chunk === undefined ? new Uint8Array() : await readStored(source, chunk);
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  };
  return { file: source.file, dtype: first.dtype, shape, offset: undefined, make };
}

/** The values of a map that represents a list. */
function items(value: MsgpackValue): MsgpackValue[] {
  return isMap(value) ? Array.from({ length: value.size }, (_, i) => value.get(String(i))) : [];
}

function isMap(value: MsgpackValue): value is MsgpackMap {
  return value instanceof Map;
}
