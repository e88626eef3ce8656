/** Reads the structure of Flax's msgpack files through a small window; arrays stay in the file as places. */
import { ByteCursor, EndOfBytes } from "../cursor.ts";
import { type ByteSource, isCount, malformed } from "../tensor.ts";

/** An array of Flax's, and the place of its bytes. */
export class PlacedArray {
  readonly shape: readonly number[];
  /** NumPy's name of the element type. */
  readonly dtype: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly length: number;

  constructor(shape: readonly number[], dtype: string, offset: number, length: number) {
    this.shape = shape;
    this.dtype = dtype;
    this.offset = offset;
    this.length = length;
  }
}

/**
 * A value of a file; `undefined` is one that checkpoints do not need (binary data outside arrays, other extensions).
 */
export type MsgpackValue =
  | null
  | undefined
  | boolean
  | number
  | string
  | PlacedArray
  | readonly MsgpackValue[]
  | MsgpackMap;
/** A map with text keys. */
export interface MsgpackMap extends ReadonlyMap<string, MsgpackValue> {}

/**
 * Reads the single value of a file.
 * @throws ModelError "checkpoint" when it is truncated, malformed, nested too deeply or has more values than any
 *   checkpoint
 * @see the msgpack specification; flax/serialization.py: extension 1 is an array, [shape, name of the type, bytes]; 3 a
 *   number
 */
export async function readMsgpack(source: ByteSource): Promise<MsgpackValue> {
  const reader = new Reader(source);
  const value = await reader.value(0).catch((error: unknown) => {
    if (!(error instanceof EndOfBytes)) throw error;
    throw malformed(source.name, `is truncated: it ends at ${source.sizeBytes} within a value`, error);
  });
  if (reader.at !== source.sizeBytes) {
    throw malformed(source.name, `is malformed: its content ends at ${reader.at} of ${source.sizeBytes} bytes`);
  }
  return value;
}

/** Ten times the values of a model of a thousand tensors; it bounds the memory that a hostile file can request. */
const MAX_VALUES = 300_000;
const MAX_DEPTH = 32;
const MAX_TEXT_BYTES = 1 << 20;
const WINDOW_BYTES = 1 << 16;
/** More bytes than precede any value's content. */
const HEAD_BYTES = 16;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads values from a window of the file, which moves on before a value that it may not hold. */
class Reader {
  private readonly source: ByteSource;
  private window = windowOf(new Uint8Array(0));
  private windowOffset = 0;
  private values = 0;

  constructor(source: ByteSource) {
    this.source = source;
  }

  /** Bytes from the start of the file. */
  get at(): number {
    return this.windowOffset + this.window.at;
  }

  async value(depth: number): Promise<MsgpackValue> {
    this.values += 1;
    if (depth > MAX_DEPTH) throw this.tooMuch();
    this.expect(0);
    if (this.lacks(HEAD_BYTES)) await this.fill(HEAD_BYTES);
    const code = this.window.uint(1);
    if (code < 0x80) return code;
    if (code < 0x90) return this.map(code & 15, depth);
    if (code < 0xa0) return this.array(code & 15, depth);
    if (code < 0xc0) return this.text(code & 31);
    if (code >= 0xe0) return code - 256;
    switch (code) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.skip(this.window.uint(1 << (code - 0xc4)));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.extension(this.window.uint(1 << (code - 0xc7)));
      case 0xca:
        return this.window.float(4);
      case 0xcb:
        return this.window.float(8);
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return this.window.uint(1 << (code - 0xcc));
      case 0xd0:
        return this.window.int(1);
      case 0xd1:
        return this.window.int(2);
      case 0xd2:
        return this.window.int(4);
      case 0xd3:
        return this.window.int(8);
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.extension(1 << (code - 0xd4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.text(this.window.uint(1 << (code - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.array(this.window.uint(code === 0xdc ? 2 : 4), depth);
      case 0xde:
      case 0xdf:
        return this.map(this.window.uint(code === 0xde ? 2 : 4), depth);
      default:
        throw this.wrong(`holds the byte 0x${code.toString(16)}, which msgpack does not use`);
    }
  }

  private async map(count: number, depth: number): Promise<MsgpackValue> {
    this.expect(2 * count);
    const map = new Map<string, MsgpackValue>();
    for (let i = 0; i < count; i += 1) {
      const key = await this.value(depth + 1);
      if (typeof key !== "string" && typeof key !== "number") throw this.wrong("has a key that is not a text");
      if (map.has(String(key))) throw this.wrong(`holds ${key} twice`);
      map.set(String(key), await this.value(depth + 1));
    }
    return map;
  }

  private async array(count: number, depth: number): Promise<MsgpackValue> {
    this.expect(count);
    const items: MsgpackValue[] = [];
    for (let i = 0; i < count; i += 1) items.push(await this.value(depth + 1));
    return items;
  }

  private async text(length: number): Promise<string> {
    if (length > MAX_TEXT_BYTES) throw this.wrong(`holds a text of ${length} bytes`);
    if (this.lacks(length)) await this.fill(length);
    const bytes = this.window.bytes(length);
    try {
      return utf8.decode(bytes);
    } catch (cause) {
      throw malformed(this.source.name, "is malformed: a text in it is not UTF-8", cause);
    }
  }

  private async extension(length: number): Promise<MsgpackValue> {
    const type = this.window.uint(1);
    const end = this.at + length;
    if (type !== 1 && type !== 3) return this.skip(length);
    if (this.lacks(HEAD_BYTES)) await this.fill(HEAD_BYTES);
    const header = this.window.uint(1);
    const shape = header === 0x93 ? await this.value(MAX_DEPTH - 1) : undefined;
    const dtype = await this.value(MAX_DEPTH);
    if (this.lacks(HEAD_BYTES)) await this.fill(HEAD_BYTES);
    const code = this.window.uint(1);
    const size = code >= 0xc4 && code <= 0xc6 ? this.window.uint(1 << (code - 0xc4)) : -1;
    if (!Array.isArray(shape) || !shape.every(isCount) || typeof dtype !== "string" || this.at + size !== end) {
      throw this.wrong("holds an array in a layout that is not Flax's");
    }
    const offset = this.at;
    this.skip(size);
    return new PlacedArray(shape, dtype, offset, size);
  }

  private skip(length: number): undefined {
    if (length > this.source.sizeBytes - this.at) throw new EndOfBytes();
    if (length <= this.window.left) this.window.skip(length);
    else this.moveTo(this.at + length, new Uint8Array(0));
  }

  /** Whether the window holds neither the next `length` bytes nor all that are left. */
  private lacks(length: number): boolean {
    return this.window.left < Math.min(length, this.source.sizeBytes - this.at);
  }

  private async fill(length: number): Promise<void> {
    const left = this.source.sizeBytes - this.at;
    this.moveTo(this.at, await this.source.read(this.at, Math.min(Math.max(length, WINDOW_BYTES), left)));
  }

  private moveTo(offset: number, bytes: Uint8Array): void {
    this.windowOffset = offset;
    this.window = windowOf(bytes);
  }

  /** Refuses a file with that many values more, of at least a byte each, before they are read. */
  private expect(count: number): void {
    if (count > this.source.sizeBytes - this.at) throw new EndOfBytes();
    if (this.values + count > MAX_VALUES) throw this.tooMuch();
  }

  private tooMuch() {
    return this.wrong("holds more than a checkpoint does");
  }

  private wrong(what: string) {
    return malformed(this.source.name, `is malformed: it ${what}`);
  }
}

function windowOf(bytes: Uint8Array): ByteCursor {
  return new ByteCursor(bytes, { littleEndian: false });
}
