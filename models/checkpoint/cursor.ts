/** Reads numbers and byte strings from a buffer, one after the other: shared by the readers of binary formats. */

/** The buffer ends before the value that was asked for. */
export class EndOfBytes extends Error {
  constructor() {
    super("it breaks off");
  }
}

/**
 * A position in a buffer, which each read moves on. Every read throws {@link EndOfBytes} where the buffer ends first.
 */
export class ByteCursor {
  /** Bytes from the start of the buffer. */
  at: number;
  protected readonly content: Uint8Array;
  private readonly view: DataView;
  private readonly littleEndian: boolean;

  constructor(content: Uint8Array, { at = 0, littleEndian = true } = {}) {
    this.content = content;
    this.view = new DataView(content.buffer, content.byteOffset, content.byteLength);
    this.at = at;
    this.littleEndian = littleEndian;
  }

  /** Bytes left. */
  get left(): number {
    return this.content.length - this.at;
  }

  /** Moves on. @returns where it was */
  skip(count: number): number {
    if (!(count >= 0 && count <= this.left)) throw new EndOfBytes();
    this.at += count;
    return this.at - count;
  }

  /** The next bytes, in the buffer's own memory. */
  bytes(count: number): Uint8Array {
    const begin = this.skip(count);
    return this.content.subarray(begin, begin + count);
  }

  /** An unsigned integer of some bytes; above 2^53 it is rounded. */
  uint(size: number): number {
    const begin = this.skip(size);
    let value = 0;
    for (let i = 0; i < size; i += 1) {
      value = value * 256 + (this.content[this.littleEndian ? begin + size - 1 - i : begin + i] ?? 0);
    }
    return value;
  }

  /** A two's complement integer of 1, 2, 4 or 8 bytes; beyond 2^53 it is rounded. */
  int(size: number): number {
    const begin = this.skip(size);
    if (size === 1) return this.view.getInt8(begin);
    if (size === 2) return this.view.getInt16(begin, this.littleEndian);
    if (size === 4) return this.view.getInt32(begin, this.littleEndian);
    return Number(this.view.getBigInt64(begin, this.littleEndian));
  }

  /** A float of 4 or 8 bytes. */
  float(size: 4 | 8, littleEndian = this.littleEndian): number {
    const begin = this.skip(size);
    return size === 4 ? this.view.getFloat32(begin, littleEndian) : this.view.getFloat64(begin, littleEndian);
  }

  /** An unsigned integer of 7 bits a byte, the lowest first; above 2^53 it is rounded. @throws Error after ten bytes */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.uint(1);
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new Error("a number is too large");
  }
}
