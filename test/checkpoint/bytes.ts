/** Checkpoint files in memory for the tests of their readers: read by ranges, archives assembled, damaged at random. */
import { formatOf, unknownFormat } from "../../models/checkpoint/formats.ts";
import { type ByteSource, byteLength, malformed, readStored } from "../../models/checkpoint/tensor.ts";
import { seededRandom } from "../../server/training/random.ts";

/** A file of these bytes. A reader that asks for more than the file has at once fails the test: it would take any memory. */
export function bytesSource(bytes: Uint8Array, name = "model.bin"): ByteSource {
  return {
    name,
    file: name,
    sizeBytes: bytes.length,
    async read(offset, length) {
      if (!(length <= bytes.length)) throw new Error(`a reader asks for ${length} bytes of ${bytes.length}`);
      if (!(offset >= 0 && offset + length <= bytes.length)) throw malformed(name, "became shorter while it was read");
      return new Uint8Array(bytes.subarray(offset, offset + length));
    },
  };
}

/** Opens a file by its content and reads every tensor: name -> bytes. */
export async function readAll(
  bytes: Uint8Array,
  siblings: ReadonlyMap<string, Uint8Array> = new Map(),
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

/** Damaged copies: cut off at places all over the file, and with one to four bytes changed, mostly where the structure is. */
export function* damaged(bytes: Uint8Array, count: number, seed: number): Generator<Uint8Array> {
  const random = seededRandom(seed);
  const extremes = [0, 0x7f, 0x80, 0xff];
  const place = () => Math.floor(random() ** 3 * bytes.length);
  for (let i = 0; i < count; i += 1) {
    yield bytes.subarray(0, random() < 0.5 ? place() : bytes.length - 1 - place());
    const copy = new Uint8Array(bytes);
    for (let n = 1 + Math.floor(random() * 4); n > 0; n -= 1) {
      const at = random() < 0.5 ? place() : bytes.length - 1 - place();
      copy[at] =
        random() < 0.3 ? (extremes[Math.floor(random() * 4)] ?? 0) : (copy[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    }
    yield copy;
  }
}
