/** Unpacks Snappy blocks and computes the checksums of TensorFlow's checkpoint tables. */
import { ByteCursor } from "./cursor.ts";

/**
 * Unpacks one block.
 * @param limit the largest unpacked size in bytes
 * @throws Error when it is malformed or its unpacked size is larger
 * @see format_description.txt of google/snappy
 */
export function unsnappy(block: Uint8Array, limit: number): Uint8Array {
  const cursor = new ByteCursor(block);
  const length = cursor.varint();
  if (length > limit) throw new Error(`it would become ${length} bytes`);
  const out = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const tag = cursor.uint(1);
    const kind = tag & 3;
    const high = tag >> 2;
    if (kind === 0) {
      const count = (high < 60 ? high : cursor.uint(high - 59)) + 1;
      if (count > length - done) throw new Error("a literal is too long");
      out.set(cursor.bytes(count), done);
      done += count;
      continue;
    }
    const count = kind === 1 ? (high & 7) + 4 : high + 1;
    const back = kind === 1 ? (high >> 3) * 256 + cursor.uint(1) : cursor.uint(kind === 2 ? 2 : 4);
    if (back === 0 || back > done || count > length - done) throw new Error("a copy reaches outside");
    for (let i = 0; i < count; i += 1, done += 1) out[done] = out[done - back] ?? 0;
  }
  if (cursor.left > 0) throw new Error("bytes are left over");
  return out;
}

/** CRC-32C of some bytes. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i += 1) crc = (TABLE[(crc ^ (bytes[i] ?? 0)) & 255] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/**
 * CRC-32C of some bytes, masked as TensorFlow and LevelDB store it.
 * @see tensorflow/core/lib/hash/crc32c.h
 */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

const TABLE = Int32Array.from({ length: 256 }, (_, i) => {
  let crc = i;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  return crc;
});
