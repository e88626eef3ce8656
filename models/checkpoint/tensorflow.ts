/** Reads checkpoints of Mesh TensorFlow, `model.ckpt-N.index` with its data shards: the format of T5's own buckets. */
import type { TensorDtype } from "./safetensors.ts";
import { DTYPE_BYTES, elementCount } from "./safetensors.ts";
import { maskedCrc32c, unsnappy } from "./snappy.ts";
import {
  type ByteSource,
  type MadeTensor,
  malformed,
  type StoredTensor,
  type TensorMap,
  transposedTensor,
} from "./tensor.ts";

/** What an index says of a tensor. */
export interface BundleEntry {
  /** Number of TensorFlow's element type. @see types.proto */
  readonly type: number;
  readonly shape: readonly number[];
  readonly shard: number;
  readonly offset: number;
  readonly sizeBytes: number;
  /** Masked CRC-32C of the tensor's bytes. */
  readonly checksum: number;
  /** Whether it is cut into slices, each with an entry of its own. */
  readonly sliced: boolean;
}

/** How an index ends. */
export const BUNDLE_MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);

/**
 * Finds the tensors, under Hugging Face's names and in their shapes. Each is checked against its checksum as it is read.
 * @param sibling opens a file beside the index
 * @throws ModelError "checkpoint" when index or shards are malformed or missing
 * @see load_tf_weights_in_t5, transformers modeling_t5.py (4.x) for the names
 */
export async function readTensorBundle(
  source: ByteSource,
  sibling: (path: string) => Promise<ByteSource>,
): Promise<TensorMap> {
  const { shards, entries } = await readBundleIndex(source);
  const prefix = (source.name.split(/[\\/]/).at(-1) ?? "").replace(/\.index$/, "");
  const digits = (value: number) => String(value).padStart(5, "0");
  const opened = new Map<number, ByteSource>();
  const tensors = new Map<string, StoredTensor>();
  for (const [path, entry] of entries) {
    const name = meshName(path);
    if (name === undefined) continue;
    if (tensors.has(name)) throw malformed(source.name, `holds ${name} twice`);
    const shard =
      opened.get(entry.shard) ?? (await sibling(`${prefix}.data-${digits(entry.shard)}-of-${digits(shards)}`));
    opened.set(entry.shard, shard);
    const tensor = bundleTensor(path, entry, shard);
    const plain = path.endsWith("/embedding") || tensor.shape.length !== 2;
    tensors.set(name, plain ? tensor : transposedTensor(shard, tensor));
  }
  if (tensors.size === 0) throw malformed(source.name, "names no tensors of a T5");
  return tensors;
}

/**
 * Reads an index.
 * @returns how many shards there are, and what each name stands for
 * @throws ModelError "checkpoint" when it is malformed or a checksum is wrong
 * @see tensorflow/core/protobuf/tensor_bundle.proto; core/lib/io/format.cc and table.cc
 */
export async function readBundleIndex(
  source: ByteSource,
): Promise<{ readonly shards: number; readonly entries: ReadonlyMap<string, BundleEntry> }> {
  if (source.sizeBytes < FOOTER_BYTES || source.sizeBytes > MAX_INDEX_BYTES) {
    throw malformed(source.name, `is ${source.sizeBytes} bytes long, as no index of a TensorFlow checkpoint is`);
  }
  const bytes = await source.read(0, source.sizeBytes);
  try {
    const footer = new Fields(bytes.subarray(-FOOTER_BYTES));
    footer.varint(); // the metaindex, which is empty: its offset
    footer.varint(); // and size
    let room = MAX_INDEX_BYTES;
    const block = (offset: number, size: number) => {
      const unpacked = tableBlock(bytes, offset, size, room);
      room -= unpacked.length;
      return unpacked;
    };
    const entries = new Map<string, BundleEntry>();
    let shards = 0;
    for (const [, handle] of blockEntries(block(footer.varint(), footer.varint()))) {
      const place = new Fields(handle);
      for (const [key, value] of blockEntries(block(place.varint(), place.varint()))) {
        const name = new TextDecoder().decode(key);
        if (entries.has(name)) throw new Error(`${name} is there twice`);
        if (name === "") shards = bundleHeader(value);
        else entries.set(name, bundleEntry(value));
      }
    }
    return { shards, entries };
  } catch (cause) {
    throw malformed(source.name, `is damaged: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
}

const FOOTER_BYTES = 48;
const MAX_INDEX_BYTES = 32 * 1024 * 1024;
const dtypes: Readonly<Record<number, TensorDtype>> = { 1: "F32", 2: "F64", 3: "I32", 9: "I64", 14: "BF16", 19: "F16" };

/** Hugging Face's name of a variable; undefined for optimizer slots and what else is no weight. */
function meshName(path: string): string | undefined {
  if (path === "shared/embedding") return "shared.weight";
  if (path === "decoder/logits/kernel") return "lm_head.weight";
  const [, last] = /^(encoder|decoder)\/(?:rms_norm|final_layer_norm|layer_norm)\/scale$/.exec(path) ?? [];
  if (last !== undefined) return `${last}.final_layer_norm.weight`;
  const [, stack, block, layer, rest] = /^(encoder|decoder)\/block_(\d+)\/layer_(\d+)\/(.+)$/.exec(path) ?? [];
  if (rest === undefined) return undefined;
  const inside = /^(rms_norm|layer_norm)\/scale$/.test(rest)
    ? "layer_norm"
    : /^((SelfAttention|EncDecAttention)\/([qkvo]|relative_attention_bias)|DenseReluDense\/(wi|wi_0|wi_1|wo)\/kernel)$/
        .exec(rest)?.[0]
        ?.replace("/kernel", "")
        .replace("/", ".");
  if (inside === undefined) return undefined;
  return `${stack}.block.${Number(block)}.layer.${Number(layer)}.${inside}.weight`;
}

function bundleTensor(path: string, entry: BundleEntry, shard: ByteSource): MadeTensor {
  const { type, shape, offset, sizeBytes, checksum } = entry;
  const dtype = dtypes[type];
  if (dtype === undefined || entry.sliced) {
    const what = entry.sliced ? "in slices" : `in TensorFlow's type ${type}`;
    throw malformed(shard.name, `holds ${path} ${what}, which cannot be read`);
  }
  if (sizeBytes !== elementCount(shape) * DTYPE_BYTES[dtype]) {
    throw malformed(shard.name, `gives ${path} ${sizeBytes} bytes, but the shape [${shape.join(",")}]`);
  }
  if (offset + sizeBytes > shard.sizeBytes) {
    throw malformed(shard.name, `is truncated: ${path} ends at ${offset + sizeBytes} of ${shard.sizeBytes} bytes`);
  }
  const make = async () => {
    const bytes = await shard.read(offset, sizeBytes);
    if (maskedCrc32c(bytes) === checksum) return bytes;
    throw malformed(shard.name, `is damaged: the checksum of ${path} is wrong`);
  };
  // A model with one head has lost the axis of its heads.
  const whole = path.endsWith("/relative_attention_bias") && shape.length === 1 ? [1, ...shape] : shape;
  return { file: shard.file, dtype, shape: whole, offset: undefined, make };
}

/** A block of the table, unpacked and checked: its content, then its compression, then a checksum of both. */
function tableBlock(bytes: Uint8Array, offset: number, size: number, room: number): Uint8Array {
  if (offset + size + 5 > bytes.length) throw new Error("a block lies beyond the end");
  const content = bytes.subarray(offset, offset + size);
  const type = bytes[offset + size];
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset + size + 1, 4);
  if (maskedCrc32c(bytes.subarray(offset, offset + size + 1)) !== view.getUint32(0, true)) {
    throw new Error("the checksum of a block is wrong");
  }
  if (type !== 0 && type !== 1) throw new Error(`a block is compressed in a way ${type} that is not known`);
  return type === 0 ? content : unsnappy(content, room);
}

/** Keys (each given by what it shares with the one before) and values of a block. */
function* blockEntries(block: Uint8Array): Generator<[Uint8Array, Uint8Array]> {
  if (block.length < 4) throw new Error("a block is too short");
  const restarts = new DataView(block.buffer, block.byteOffset + block.length - 4, 4).getUint32(0, true);
  const end = block.length - 4 - 4 * restarts;
  if (end < 0) throw new Error("a block is too short");
  const fields = new Fields(block.subarray(0, end));
  let key = new Uint8Array();
  while (!fields.done()) {
    const shared = fields.varint();
    const added = fields.varint();
    const length = fields.varint();
    if (shared > key.length || added > MAX_KEY_BYTES) throw new Error("a key is malformed");
    const next = new Uint8Array(shared + added);
    next.set(key.subarray(0, shared));
    next.set(fields.bytes(added), shared);
    key = next;
    yield [key, fields.bytes(length)];
  }
}

const MAX_KEY_BYTES = 4096;

function bundleHeader(value: Uint8Array): number {
  let shards = 0;
  for (const [field, content] of new Fields(value).message()) {
    if (field === 1 && typeof content === "number") shards = content;
    if (field === 2 && content !== 0) throw new Error("it is of a machine with the other byte order");
  }
  if (shards < 1 || shards > 99_999) throw new Error(`it names ${shards} shards`);
  return shards;
}

function bundleEntry(value: Uint8Array): BundleEntry {
  const numbers = new Map<number, number>();
  const shape: number[] = [];
  let sliced = false;
  for (const [field, content] of new Fields(value).message()) {
    if (typeof content === "number") numbers.set(field, content);
    else if (field === 7) sliced = true;
    else if (field === 2) {
      for (const [, axis] of new Fields(content).message()) {
        let length = 0;
        if (typeof axis !== "number")
          for (const [part, n] of new Fields(axis).message()) length = part === 1 ? Number(n) : length;
        if (shape.push(length) > 8) throw new Error("a tensor has more than 8 axes");
      }
    }
  }
  const number = (field: number) => numbers.get(field) ?? 0;
  return {
    type: number(1),
    shape,
    shard: number(3),
    offset: number(4),
    sizeBytes: number(5),
    checksum: number(6),
    sliced,
  };
}

/** Fields of protocol buffers and varints, read in order. */
class Fields {
  private readonly content: Uint8Array;
  private at = 0;

  constructor(content: Uint8Array) {
    this.content = content;
  }

  done(): boolean {
    return this.at >= this.content.length;
  }

  bytes(length: number): Uint8Array {
    if (length > this.content.length - this.at) throw new Error("it breaks off");
    this.at += length;
    return this.content.subarray(this.at - length, this.at);
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const [byte = 0] = this.bytes(1);
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) {
        if (Number.isSafeInteger(value)) return value;
        break;
      }
    }
    throw new Error("a number is too large");
  }

  *message(): Generator<[number, number | Uint8Array]> {
    while (!this.done()) {
      const tag = this.varint();
      const field = Math.floor(tag / 8);
      if (tag % 8 === 0) yield [field, this.varint()];
      else if (tag % 8 === 2) yield [field, this.bytes(this.varint())];
      else if (tag % 8 === 5) {
        const bytes = this.bytes(4);
        yield [field, new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true)];
      } else throw new Error("a field is malformed");
    }
  }
}
