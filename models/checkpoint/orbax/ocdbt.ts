/** Reads TensorStore's database in files (OCDBT), in which Orbax stores the files of many arrays. */
import { reason } from "../../../base/reason.ts";
import { ByteCursor, EndOfBytes } from "../cursor.ts";
import { crc32c } from "../snappy.ts";
import { type ByteSource, malformed } from "../tensor.ts";
import { unpackZstd } from "../zstd.ts";

/** The root file of a database. */
const OCDBT_MANIFEST = "manifest.ocdbt";

/**
 * Lists the keys of the newest version of a database; their values are not read.
 * @param sibling opens a file by its path relative to the folder of the manifest
 * @returns a function that opens a key's value as a file
 * @throws ModelError "checkpoint" when the database is malformed, a checksum is wrong, or a path leaves its folder
 * @see tensorstore/kvstore/ocdbt/index.rst, "Storage format"
 */
export async function openOcdbt(
  sibling: (path: string) => Promise<ByteSource>,
): Promise<(key: string) => Promise<ByteSource>> {
  const manifest = await sibling(OCDBT_MANIFEST);
  const values = await new Reader(manifest, sibling).values();
  return async (key) => {
    const value = values.get(key);
    if (value === undefined) throw malformed(manifest.name, `lacks ${key}`);
    return value;
  };
}

/** Magic numbers, which are big-endian in the file, unlike its other numbers. */
const MANIFEST_MAGIC = 0x2a3adb0c;
const NODE_MAGIC = 0xde20db0c;
const CHECKSUM_BYTES = 4;
/** The limit of all nodes together, unpacked: a hundred times the need of a model of a thousand arrays. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_ENTRIES = 100_000;

/** A place in a data file. */
interface Place {
  readonly path: string;
  /** Prefix of the paths that are named there. */
  readonly base: string;
  readonly offset: number;
  readonly length: number;
}

class Reader {
  private readonly manifest: ByteSource;
  private readonly sibling: (path: string) => Promise<ByteSource>;
  private readonly found = new Map<string, ByteSource>();
  private readonly files = new Map<string, ByteSource>();
  private room = MAX_BYTES;

  constructor(manifest: ByteSource, sibling: (path: string) => Promise<ByteSource>) {
    this.manifest = manifest;
    this.sibling = sibling;
  }

  async values(): Promise<ReadonlyMap<string, ByteSource>> {
    const { manifest } = this;
    if (manifest.sizeBytes > MAX_BYTES) throw malformed(manifest.name, `is ${manifest.sizeBytes} bytes long`);
    const bytes = await manifest.read(0, manifest.sizeBytes);
    const root = this.decoded(manifest.name, bytes, MANIFEST_MAGIC, (fields) => {
      fields.bytes(16); // the database's identifier
      if (fields.varint() !== 0) throw new Error("its versions are in separate files");
      for (let i = 0; i < 2; i += 1) fields.varint(); // the largest sizes of an inline value and of a node
      fields.bytes(1);
      if (fields.varint() === 1) fields.bytes(4); // compression level
      const table = fields.files("");
      const count = fields.count();
      fields.varints(count); // generations, the newest last
      const height = fields.bytes(count).at(-1) ?? 0;
      const [ids, offsets, lengths] = [fields.varints(count), fields.varints(count), fields.varints(count)];
      return { height, ...placeIn(table, ids.at(-1), offsets.at(-1), lengths.at(-1)) };
    });
    await this.node(root, root.height, "");
    return this.found;
  }

  /** Adds the keys of a node and of those below it. @param prefix the beginning of all keys */
  private async node(place: Place, height: number, prefix: string): Promise<void> {
    const file = await this.file(place.path);
    if (place.offset + place.length > file.sizeBytes || place.length > MAX_BYTES) {
      throw malformed(
        file.name,
        `is truncated: a node ends at ${place.offset + place.length} of ${file.sizeBytes} bytes`,
      );
    }
    const bytes = await file.read(place.offset, place.length);
    const children = this.decoded(file.name, bytes, NODE_MAGIC, (fields) => {
      if (fields.uint(1) !== height) throw new Error("a node has the wrong height");
      const table = fields.files(place.base);
      const count = fields.count();
      if (height === 0) {
        this.leaf(fields, table, count, prefix, file);
        return [];
      }
      const { keys, common } = fields.keys(count, true);
      const [ids, offsets, lengths] = [fields.varints(count), fields.varints(count), fields.varints(count)];
      return keys.map((key, i): [Place, string] => [
        placeIn(table, ids[i], offsets[i], lengths[i]),
        prefix + key.slice(0, common[i]),
      ]);
    });
    for (const [child, start] of children) await this.node(child, height - 1, start);
  }

  private leaf(fields: Fields, table: readonly DataFile[], count: number, prefix: string, file: ByteSource): void {
    const { keys } = fields.keys(count, false);
    const lengths = fields.varints(count);
    const kinds = fields.varints(count);
    const outside = kinds.filter((kind) => kind === 1).length;
    const [ids, offsets] = [fields.varints(outside), fields.varints(outside)];
    let next = 0;
    for (const [i, key] of keys.entries()) {
      const name = prefix + key;
      const length = lengths[i] ?? 0;
      if (this.found.size > MAX_ENTRIES || this.found.has(name))
        throw new Error("it holds too many keys, or one twice");
      if (kinds[i] === 0) this.found.set(name, inline(file, name, fields.bytes(length)));
      else {
        this.found.set(name, this.outside(name, placeIn(table, ids[next], offsets[next], length)));
        next += 1;
      }
    }
  }

  /** A value in a data file, as a separate file. */
  private outside(key: string, { path, offset, length }: Place): ByteSource {
    const read = async (from: number, count: number) => {
      const file = await this.file(path);
      if (from + count > length || offset + length > file.sizeBytes) {
        throw malformed(file.name, `is truncated: ${key} ends at ${offset + length} of ${file.sizeBytes} bytes`);
      }
      return file.read(offset + from, count);
    };
    return { name: `${this.manifest.name} ${key}`, file: this.manifest.file, sizeBytes: length, read };
  }

  private async file(path: string): Promise<ByteSource> {
    if (!/^[\w.-]+(\/[\w.-]+)*$/.test(path) || path.split("/").some((part) => /^\.+$/.test(part))) {
      throw malformed(this.manifest.name, `keeps data in "${path.slice(0, 200)}", which is not a file in its folder`);
    }
    const file = this.files.get(path) ?? (await this.sibling(path));
    this.files.set(path, file);
    return file;
  }

  /** Reads the body of a manifest or a node after checking its frame and checksum. */
  private decoded<T>(name: string, bytes: Uint8Array, magic: number, read: (fields: Fields) => T): T {
    try {
      const end = bytes.length - CHECKSUM_BYTES;
      const fields = new ByteCursor(bytes);
      if (fields.uint(4) !== magic) throw new Error("it is not an OCDBT file");
      if (fields.uint(8) !== bytes.length) throw new Error("its length is not the one it states");
      const checksum = new ByteCursor(bytes, { at: Math.max(0, end) }).uint(CHECKSUM_BYTES);
      if (crc32c(bytes.subarray(0, end)) !== checksum) throw new Error("its checksum is wrong");
      const [version, compression] = [fields.varint(), fields.varint()];
      if (version !== 0 || compression > 1) throw new Error("it is of a later version");
      const stored = bytes.subarray(fields.at, end);
      const body = compression === 0 ? stored : unpackZstd(stored, this.room);
      this.room -= body.length;
      if (this.room < 0) throw new Error("it holds more than any checkpoint");
      return read(new Fields(body));
    } catch (cause) {
      throw malformed(name, `is damaged: ${reason(cause)}`, cause);
    }
  }
}

interface DataFile {
  readonly path: string;
  readonly base: string;
}

function placeIn(table: readonly DataFile[], id = -1, offset = 0, length = 0): Place {
  const file = table[id];
  if (file === undefined) throw new Error("a data file is not in the table");
  return { ...file, offset, length };
}

/** A value inside its node. */
function inline({ file }: ByteSource, name: string, bytes: Uint8Array): ByteSource {
  const read = async (from: number, count: number) => {
    if (from + count > bytes.length) throw malformed(name, "is truncated");
    return new Uint8Array(bytes.subarray(from, from + count));
  };
  return { name, file, sizeBytes: bytes.length, read };
}

/** The fields of a manifest or a node, read in order. */
class Fields extends ByteCursor {
  /** The number of following items, each of which takes at least one byte. */
  count(): number {
    const value = this.varint();
    if (value > this.content.length) throw new EndOfBytes();
    return value;
  }

  varints(count: number): number[] {
    return Array.from({ length: count }, () => this.varint());
  }

  /**
   * Texts, each stored as its difference from the one before.
   * @param common whether lengths of shared prefixes follow
   */
  keys(count: number, common: boolean): { readonly keys: string[]; readonly common: readonly number[] } {
    const shared = [0, ...this.varints(Math.max(0, count - 1))];
    const added = this.varints(count);
    const lengths = common ? this.varints(count) : [];
    return { keys: this.texts(shared, added), common: lengths };
  }

  /** The table of data files. @param base prefix of all paths */
  files(base: string): DataFile[] {
    const count = this.count();
    const shared = [0, ...this.varints(Math.max(0, count - 1))];
    const added = this.varints(count);
    const bases = this.varints(count);
    return this.texts(shared, added).map((path, i) => ({ path: base + path, base: base + path.slice(0, bases[i]) }));
  }

  private texts(shared: readonly number[], added: readonly number[]): string[] {
    let last = "";
    return added.map((length, i) => {
      const from = shared[i] ?? 0;
      if (from > last.length || from + length > MAX_TEXT) throw new Error("a name is malformed");
      last = last.slice(0, from) + String.fromCharCode(...this.bytes(length));
      return last;
    });
  }
}

const MAX_TEXT = 4096;
