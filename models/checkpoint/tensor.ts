/**
 * The input of all checkpoint readers, a file's bytes by ranges, and their output, tensors that are found but not read.
 */
import { ModelError } from "../errors.ts";
import { DTYPE_BYTES, elementCount, type TensorDtype } from "./safetensors.ts";

/** A file that is read by ranges, never as a whole. */
export interface ByteSource {
  /** Its name in messages. */
  readonly name: string;
  /** Real path (no symbolic link in it). */
  readonly file: string;
  readonly sizeBytes: number;
  /**
   * Reads exactly these bytes into a new buffer.
   * @throws ModelError "checkpoint" where the file ends before them
   */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A tensor whose file holds its values as needed: little-endian, row-major, contiguous. */
export interface PlacedTensor {
  /** Real path. */
  readonly file: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** A tensor whose values are computed from its file: transposed, unpacked, dequantized. */
export interface MadeTensor {
  /** Real path of its file, or of one of its files. */
  readonly file: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly offset: undefined;
  /** Returns the values, little-endian and row-major, in a new buffer. */
  readonly make: () => Promise<Uint8Array>;
}

/** A tensor of a checkpoint of any format, found but not read. */
export type StoredTensor = PlacedTensor | MadeTensor;

/** Tensors by name. */
export type TensorMap = ReadonlyMap<string, StoredTensor>;

/** Size of a tensor's values in bytes. */
export function byteLength({ dtype, shape }: Pick<StoredTensor, "dtype" | "shape">): number {
  return elementCount(shape) * DTYPE_BYTES[dtype];
}

/**
 * A tensor at a place in a file.
 * @throws ModelError "checkpoint" when the file ends before it does
 */
export function placedTensor(
  source: ByteSource,
  name: string,
  dtype: TensorDtype,
  shape: readonly number[],
  offset: number,
): PlacedTensor {
  const length = byteLength({ dtype, shape });
  if (offset + length > source.sizeBytes) {
    throw malformed(
      source.name,
      `is truncated: ${name} ends at ${offset + length} and the file has ${source.sizeBytes} bytes`,
    );
  }
  return { file: source.file, dtype, shape, offset, length };
}

/** Reads the values of a source's tensor. */
export function readStored(source: ByteSource, tensor: StoredTensor): Promise<Uint8Array> {
  return tensor.offset === undefined ? tensor.make() : source.read(tensor.offset, tensor.length);
}

/**
 * The transposed tensor [B, A] of one [A, B]: many formats store linear layers [in, out], and transformers [out, in].
 */
export function transposedTensor(source: ByteSource, tensor: StoredTensor): MadeTensor {
  const { file, dtype, shape } = tensor;
  const [rows = 1, columns = 1] = shape;
  const make = async () => gather(await readStored(source, tensor), DTYPE_BYTES[dtype], [columns, rows], [1, columns]);
  return { file, dtype, shape: [columns, rows], offset: undefined, make };
}

/**
 * Copies elements from a buffer.
 * @param size bytes of an element
 * @param strides elements from one index to the next, for each axis of the buffer
 * @returns the elements in row-major order
 */
export function gather(
  bytes: Uint8Array,
  size: number,
  shape: readonly number[],
  strides: readonly number[],
): Uint8Array {
  if (size === 8) return gather(bytes, 4, [...shape, 2], [...strides.map((stride) => 2 * stride), 1]);
  const out = new Uint8Array(elementCount(shape) * size);
  const [from, to] = [elements(bytes, size), elements(out, size)];
  const last = shape.length - 1;
  const count = shape[last] ?? 1;
  const stride = strides[last] ?? 1;
  let at = 0;
  const copy = (axis: number, begin: number) => {
    if (axis < last) {
      for (let i = 0; i < (shape[axis] ?? 0); i += 1) copy(axis + 1, begin + i * (strides[axis] ?? 0));
      return;
    }
    for (let i = 0, index = begin; i < count; i += 1, index += stride) to[at + i] = from[index] ?? 0;
    at += count;
  };
  if (out.length > 0) copy(0, 0);
  return out;
}

/**
 * Copies a block of an array to its place in the array, without the part beyond the array's edges.
 * @param origin index of the block's first element
 * @param size bytes of an element
 */
export function copyBlock(
  block: Uint8Array,
  blockShape: readonly number[],
  values: Uint8Array,
  shape: readonly number[],
  origin: readonly number[],
  size: number,
): void {
  const last = shape.length - 1;
  const run = last < 0 ? 1 : Math.min(blockShape[last] ?? 0, (shape[last] ?? 0) - (origin[last] ?? 0));
  const copy = (axis: number, from: number, to: number) => {
    if (axis >= last) {
      const begin = (last < 0 ? 0 : to + (origin[last] ?? 0)) * size;
      values.set(block.subarray(from * size, (from + run) * size), begin);
      return;
    }
    const count = Math.min(blockShape[axis] ?? 0, (shape[axis] ?? 0) - (origin[axis] ?? 0));
    for (let i = 0; i < count; i += 1) {
      copy(axis + 1, (from + i) * (blockShape[axis + 1] ?? 1), (to + (origin[axis] ?? 0) + i) * (shape[axis + 1] ?? 1));
    }
  };
  copy(0, 0, 0);
}

/** Reverses the bytes of each element, in place. */
export function swapBytes(bytes: Uint8Array, size: number): Uint8Array {
  for (let at = 0; at + size <= bytes.length; at += size) bytes.subarray(at, at + size).reverse();
  return bytes;
}

/** Whether a value read from a file can be a count of items or bytes. */
export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** The error for a file that violates its format. */
export function malformed(file: string, what: string, cause?: unknown): ModelError {
  return new ModelError("checkpoint", `${file} ${what}. Download the file again.`, { cause });
}

/** A view of whole elements of 1, 2 or 4 bytes. */
function elements(bytes: Uint8Array, size: number): Uint8Array | Uint16Array | Uint32Array {
  const own = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  const count = Math.floor(own.byteLength / size);
  if (size === 4) return new Uint32Array(own.buffer, own.byteOffset, count);
  if (size === 2) return new Uint16Array(own.buffer, own.byteOffset, count);
  return own;
}
