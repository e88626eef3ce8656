/** The index of a TensorFlow checkpoint: a table of each tensor's shard and its bytes in it. */
import protobuf from "protobufjs/light.js";
import { reason } from "../../../base/reason.ts";
import { ByteCursor } from "../cursor.ts";
import { maskedCrc32c, unsnappy } from "../snappy.ts";
import { type ByteSource, isCount, malformed } from "../tensor.ts";

/** A tensor's entry in an index. */
export interface BundleEntry {
  /** Number of TensorFlow's element type. @see types.proto */
  readonly type: number;
  readonly shape: readonly number[];
  readonly shard: number;
  readonly offset: number;
  readonly sizeBytes: number;
  /** Masked CRC-32C of the tensor's bytes. */
  readonly checksum: number;
  /** The pieces of a partitioned tensor, each with a separate entry under {@link sliceKey}; none when it is whole. */
  readonly slices: readonly (readonly Extent[])[];
}

/** The part of an axis that a piece covers; a length of -1 is the whole axis. */
export interface Extent {
  readonly start: number;
  readonly length: number;
}

/**
 * Reads an index.
 * @returns the number of shards, and the entries by name (its bytes as Latin-1)
 * @throws ModelError "checkpoint" when it is malformed or a checksum is wrong
 * @see tensorflow/core/protobuf/tensor_bundle.proto; core/lib/io/format.cc and table.cc
 */
export async function readBundleIndex(
  source: ByteSource,
): Promise<{ readonly shards: number; readonly entries: ReadonlyMap<string, BundleEntry> }> {
  if (source.sizeBytes < FOOTER_BYTES || source.sizeBytes > MAX_INDEX_BYTES) {
    throw malformed(
      source.name,
      `is ${source.sizeBytes} bytes long, which an index of a TensorFlow checkpoint cannot be`,
    );
  }
  const bytes = await source.read(0, source.sizeBytes);
  try {
    const footer = new ByteCursor(bytes.subarray(-FOOTER_BYTES));
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
      const place = new ByteCursor(handle);
      for (const [key, value] of blockEntries(block(place.varint(), place.varint()))) {
        const name = String.fromCharCode(...key);
        if (entries.has(name)) throw new Error(`${JSON.stringify(name)} occurs twice`);
        if (name === "") shards = bundleHeader(value);
        else entries.set(name, bundleEntry(value));
      }
    }
    return { shards, entries };
  } catch (cause) {
    throw malformed(source.name, `is damaged: ${reason(cause)}`, cause);
  }
}

/**
 * The name under which an index keeps a piece of a tensor.
 * @see EncodeTensorNameSlice, tensorflow/core/util/saved_tensor_slice_util.cc; ordered_code.cc for the numbers
 */
export function sliceKey(name: string, slice: readonly Extent[]): string {
  const escaped = name.replaceAll("\0", "\0\xff").replaceAll("\xff", "\xff\0");
  const extents = slice.flatMap(({ start, length }) => [orderedInteger(start), orderedInteger(length)]);
  const axes = slice.length === 0 ? "\0" : `\x01${String.fromCharCode(slice.length)}`;
  return `\0${escaped}\0\x01${axes}${extents.join("")}`;
}

const FOOTER_BYTES = 48;
const MAX_INDEX_BYTES = 8 * 1024 * 1024;
/**
 * A block of the table, unpacked and checked. In the file its compression and a checksum of both follow its content.
 */
function tableBlock(bytes: Uint8Array, offset: number, size: number, room: number): Uint8Array {
  const cursor = new ByteCursor(bytes, { at: offset });
  const content = cursor.bytes(size);
  const type = cursor.uint(1);
  if (maskedCrc32c(bytes.subarray(offset, cursor.at)) !== cursor.uint(4)) {
    throw new Error("the checksum of a block is wrong");
  }
  if (type !== 0 && type !== 1) throw new Error(`a block has the unknown compression ${type}`);
  return type === 0 ? content : unsnappy(content, room);
}

/** The keys (each stored as its difference from the one before) and values of a block. */
function* blockEntries(block: Uint8Array): Generator<[Uint8Array, Uint8Array]> {
  // A block ends with the offsets of whole keys and their number.
  const restarts = new ByteCursor(block, { at: Math.max(0, block.length - 4) }).uint(4);
  const fields = new ByteCursor(new ByteCursor(block).bytes(block.length - 4 - 4 * restarts));
  let key = new Uint8Array();
  while (fields.left > 0) {
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
  const { num_shards: shards, endianness } = decoded<HeaderProto>("Header", value);
  if (endianness !== 0) throw new Error("it was written on a machine with the other byte order");
  if (shards < 1 || shards > 99_999) throw new Error(`it names ${shards} shards`);
  return shards;
}

/** An integer as bytes in sorting order: as many leading ones as there are bytes, the inverted sign, the digits. */
function orderedInteger(value: number): string {
  const bits = Math.floor(value < 0 ? -value - 1 : value)
    .toString(2)
    .replace(/^0$/, "").length;
  const length = Math.floor(bits / 7) + 1;
  if (length > 7) throw new Error("a slice is too large");
  let digits = BigInt.asUintN(8 * length, BigInt(value));
  digits ^= ((0xffn << BigInt(8 - length)) & 0xffn) << BigInt(8 * (length - 1));
  const bytes = Array.from({ length }, (_, i) => Number((digits >> BigInt(8 * (length - 1 - i))) & 0xffn));
  return String.fromCharCode(...bytes);
}

function bundleEntry(value: Uint8Array): BundleEntry {
  const { dtype, shape, shard_id, offset, size, crc32c, slices } = decoded<EntryProto>("Entry", value);
  const axes = shape?.dim.map((dim) => dim.size) ?? [];
  const extents = slices.map((slice) => slice.extent);
  if ([axes, ...extents].some((each) => each.length > 8)) throw new Error("a tensor has more than 8 axes");
  if (extents.length > MAX_SLICES) throw new Error(`a tensor is in more than ${MAX_SLICES} pieces`);
  if (![...axes, shard_id, offset, size].every(isCount)) throw new Error("a number is too large");
  return { type: dtype, shape: axes, shard: shard_id, offset, sizeBytes: size, checksum: crc32c, slices: extents };
}

const MAX_SLICES = 256;

interface HeaderProto {
  readonly num_shards: number;
  readonly endianness: number;
}

interface EntryProto {
  readonly dtype: number;
  readonly shape: { readonly dim: readonly { readonly size: number }[] } | null;
  readonly shard_id: number;
  readonly offset: number;
  readonly size: number;
  readonly crc32c: number;
  readonly slices: readonly { readonly extent: readonly Extent[] }[];
}

/** The fields that are read of tensor_bundle.proto, tensor_shape.proto and tensor_slice.proto. */
const schema = protobuf.Root.fromJSON({
  nested: {
    Header: {
      edition: "proto2",
      fields: { num_shards: { type: "int32", id: 1 }, endianness: { type: "int32", id: 2 } },
    },
    Dim: { edition: "proto2", fields: { size: { type: "int64", id: 1 } } },
    Shape: { edition: "proto2", fields: { dim: { rule: "repeated", type: "Dim", id: 2 } } },
    Extent: {
      edition: "proto2",
      fields: { start: { type: "int64", id: 1 }, length: { type: "int64", id: 2, options: { default: -1 } } },
    },
    Slice: { edition: "proto2", fields: { extent: { rule: "repeated", type: "Extent", id: 1 } } },
    Entry: {
      edition: "proto2",
      fields: {
        dtype: { type: "int32", id: 1 },
        shape: { type: "Shape", id: 2 },
        shard_id: { type: "int32", id: 3 },
        offset: { type: "int64", id: 4 },
        size: { type: "int64", id: 5 },
        crc32c: { type: "fixed32", id: 6 },
        slices: { rule: "repeated", type: "Slice", id: 7 },
      },
    },
  },
});

/** A message, as the schema declares it; an absent message is null. */
function decoded<T>(name: string, value: Uint8Array): T {
  const type = schema.lookupType(name);
  return type.toObject(type.decode(value), { defaults: true, arrays: true, longs: Number }) as T;
}
