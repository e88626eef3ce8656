/** The index of a TensorFlow checkpoint, a table of which bytes of which shard each tensor is. */
import { maskedCrc32c, unsnappy } from "./snappy.ts";
import { type ByteSource, malformed } from "./tensor.ts";

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
  /** Where the pieces lie that it is cut into, each an entry of its own under {@link sliceKey}; none when it is whole. */
  readonly slices: readonly (readonly Extent[])[];
}

/** The part of an axis that a piece covers; a length of -1 is the whole axis. */
export interface Extent {
  readonly start: number;
  readonly length: number;
}

/** How an index ends. */
export const BUNDLE_MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);

/**
 * Reads an index.
 * @returns how many shards there are, and what each name (its bytes as Latin-1) stands for
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
        const name = String.fromCharCode(...key);
        if (entries.has(name)) throw new Error(`${JSON.stringify(name)} is there twice`);
        if (name === "") shards = bundleHeader(value);
        else entries.set(name, bundleEntry(value));
      }
    }
    return { shards, entries };
  } catch (cause) {
    throw malformed(source.name, `is damaged: ${cause instanceof Error ? cause.message : cause}`, cause);
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

/** An integer as bytes that sort as it does: as many leading ones as bytes, the inverted sign, the digits. */
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
  const numbers = new Map<number, number>();
  const slices: Extent[][] = [];
  const shape: number[] = [];
  for (const [field, content] of new Fields(value).message()) {
    if (typeof content === "number") numbers.set(field, content);
    else if (field === 7)
      slices.push(parts(content).map((extent) => ({ start: extent(1) ?? 0, length: extent(2) ?? -1 })));
    else if (field === 2) shape.push(...parts(content).map((axis) => axis(1) ?? 0));
    if (shape.length > 8 || (slices.at(-1)?.length ?? 0) > 8) throw new Error("a tensor has more than 8 axes");
    if (slices.length > MAX_SLICES) throw new Error(`a tensor is in more than ${MAX_SLICES} pieces`);
  }
  const number = (field: number) => numbers.get(field) ?? 0;
  return {
    type: number(1),
    shape,
    shard: number(3),
    offset: number(4),
    sizeBytes: number(5),
    checksum: number(6),
    slices,
  };
}

const MAX_SLICES = 256;

/** The messages in a message, each as what it gives its numbers. */
function parts(message: Uint8Array): ((field: number) => number | undefined)[] {
  const found: ((field: number) => number | undefined)[] = [];
  for (const [, content] of new Fields(message).message()) {
    if (typeof content === "number") continue;
    const numbers = new Map([...new Fields(content).message()].filter(([, each]) => typeof each === "number"));
    found.push((field) => {
      const value = numbers.get(field);
      return typeof value === "number" ? value : undefined;
    });
  }
  return found;
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
