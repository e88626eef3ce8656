/** Checkpoint files in memory for the tests of their readers: read by ranges, archives assembled. */

import crc32 from "crc-32";
import { formatOf, unknownFormat } from "../../models/checkpoint/formats.ts";
import { BUNDLE_MAGIC } from "../../models/checkpoint/magic.ts";
import { crc32c, maskedCrc32c } from "../../models/checkpoint/snappy.ts";
import { type ByteSource, byteLength, malformed, readStored } from "../../models/checkpoint/tensor.ts";

/**
 * A file of these bytes. A reader that asks for more than the file has at once fails the test: it would take any
 * memory.
 */
export function bytesSource(bytes: Uint8Array, name = "model.bin"): ByteSource {
  return {
    name,
    file: name,
    sizeBytes: bytes.length,
    async read(offset, length) {
      if (!(length <= bytes.length)) throw new Error(`a reader asks for ${length} bytes of ${bytes.length}`);
      if (!(offset >= 0 && offset + length <= bytes.length)) throw malformed(name, "was truncated while it was read");
      return new Uint8Array(bytes.subarray(offset, offset + length));
    },
  };
}

/** Opens a file by its content and reads every tensor: name -> bytes. */
export async function readAll(
  bytes: Uint8Array,
  siblings: ReadonlyMap<string, Uint8Array> = new Map(),
  isWanted: (name: string) => boolean = () => true,
): Promise<Map<string, Uint8Array>> {
  const source = bytesSource(bytes);
  const format = await formatOf(source);
  if (format === undefined) throw await unknownFormat(source);
  const opened = new Map<string, ByteSource>([[source.file, source]]);
  const sibling = async (path: string) => {
    const content = siblings.get(path);
    if (content === undefined) throw malformed(path, "does not exist");
    const other = bytesSource(content, path);
    opened.set(path, other);
    return other;
  };
  const values = new Map<string, Uint8Array>();
  for (const [name, tensor] of await format.read(source, sibling)) {
    if (!isWanted(name)) continue;
    if (byteLength(tensor) > 100 * 1024 * 1024) throw new Error(`${name} would take ${byteLength(tensor)} bytes`);
    values.set(name, await readStored(opened.get(tensor.file) ?? source, tensor));
  }
  return values;
}

/** A zip archive of files stored as they are. */
export function storedZip(files: readonly (readonly [string, Uint8Array])[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of files) {
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeInt32LE(crc32.buf(content), 16);
    for (const at of [20, 24]) entry.writeUInt32LE(content.length, at);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry, Buffer.from(name));
    parts.push(local, Buffer.from(name), Buffer.from(content));
    offset += 30 + name.length + content.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  for (const at of [8, 10]) end.writeUInt16LE(files.length, at);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

/** The blocks of entries of a TensorBundle's index, one after the other without their trailers, as a single block. */
export function bundleBlock(index: Uint8Array): Uint8Array {
  const varint = (from: number): [number, number] => {
    let [value, at] = [0, from];
    do value += ((index[at] ?? 0) & 127) * 128 ** (at - from);
    while ((index[at++] ?? 0) > 127);
    return [value, at];
  };
  const [, first] = varint(index.length - 48);
  const [, second] = varint(first);
  // of the block of handles, whose first entry is 0, length of its key, length of its value, key, value
  const [at] = varint(second);
  const keyLength = index[at + 1] ?? 0;
  const [offset, next] = varint(at + 3 + keyLength);
  const [size] = varint(next);
  return index.slice(offset, offset + size);
}

/** An index with one block of entries, whose checksums are right. */
export function bundleIndex(block: Uint8Array): Uint8Array {
  const checked = (content: Uint8Array) => {
    const whole = Buffer.concat([content, Buffer.alloc(5)]);
    whole.writeUInt32LE(maskedCrc32c(whole.subarray(0, content.length + 1)), content.length + 1);
    return whole;
  };
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]);
  const handle = [...varint(0), ...varint(block.length)];
  const handles = checked(Uint8Array.from([0, 1, handle.length, 0x7a, ...handle, 0, 0, 0, 0, 1, 0, 0, 0]));
  const entries = checked(block);
  const footer = Buffer.alloc(48);
  footer.set([0, 0, ...varint(entries.length), ...varint(handles.length - 5)]);
  footer.set(BUNDLE_MAGIC, 40);
  return Buffer.concat([entries, handles, footer]);
}

/** A node of an OCDBT database at its height, in a database of its own: the files by their paths. */
export function ocdbtDatabase(body: Uint8Array, height: number, path = "d/0"): Map<string, Uint8Array> {
  const node = ocdbtFrame(0x0cdb20de, body);
  const head = Buffer.concat([Buffer.alloc(16), Buffer.from([0, 8, 8, 4, 0])]);
  const table = Buffer.from([1, path.length, 0, ...Buffer.from(path)]);
  const length = [(node.length & 127) | 128, ((node.length >> 7) & 127) | 128, node.length >> 14];
  const manifest = Buffer.concat([head, table, Buffer.from([1, 1, height, 0, 0, ...length])]);
  return new Map<string, Uint8Array>([
    ["manifest.ocdbt", ocdbtFrame(0x0cdb3a2a, manifest)],
    [path, node],
  ]);
}

/** A manifest or a node of OCDBT, not packed, whose length and checksum are right. */
function ocdbtFrame(magic: number, body: Uint8Array): Uint8Array {
  const frame = Buffer.concat([Buffer.alloc(14), body, Buffer.alloc(4)]);
  frame.writeUInt32BE(magic, 0);
  frame.writeBigUInt64LE(BigInt(frame.length), 4);
  frame.writeUInt32LE(crc32c(frame.subarray(0, -4)), frame.length - 4);
  return frame;
}

/** Opens files in memory by their paths. */
export function bytesFolder(files: ReadonlyMap<string, Uint8Array>): (path: string) => Promise<ByteSource> {
  return async (path) => {
    const content = files.get(path);
    if (content === undefined) throw malformed(path, "does not exist");
    return bytesSource(content, path);
  };
}
