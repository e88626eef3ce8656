/** Values in a file of PyTorch, and the views of them. */
import type { TensorDtype } from "../safetensors.ts";

/** Contiguous values, of which tensors are views. */
export interface Storage {
  readonly key: string;
  readonly dtype: TensorDtype;
  readonly count: number;
  /** Offset of the first byte in the file, once it is known. */
  offset: number;
}

/** A storage of a type that is not read. */
export interface UnreadStorage {
  readonly count: number;
  readonly valueBytes: number;
}

/** A tensor: some of a storage's values. */
export class TensorView {
  readonly storage: Storage;
  readonly first: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** Type of the values; a storage of bytes has no name for some. */
  readonly dtype: TensorDtype;

  constructor(
    storage: Storage,
    first: number,
    shape: readonly number[],
    strides: readonly number[],
    dtype = storage.dtype,
  ) {
    this.storage = storage;
    this.first = first;
    this.shape = shape;
    this.strides = strides;
    this.dtype = dtype;
  }
}

/** A view of a storage, from an offset on. */
export class StorageView {
  readonly storage: Storage;
  readonly first: number;

  constructor(storage: Storage, first: number) {
    this.storage = storage;
    this.first = first;
  }
}
