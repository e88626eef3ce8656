/**
 * Reads the directory of a zip archive as torch.save writes it (uncompressed, also zip64), so that its files can be
 * read by ranges. A library would unpack streams; here the bytes are used in place.
 */
import crc32 from "crc-32";
import { type ByteSource, malformed } from "../tensor.ts";

/** An uncompressed file of an archive. */
export interface ZipEntry {
  /** Bytes from the archive's start to its local header. */
  readonly headerOffset: number;
  readonly sizeBytes: number;
  /** CRC-32 of its bytes; 0 where PyTorch was told not to compute it. */
  readonly crc32: number;
}

/**
 * Reads the directory at an archive's end.
 * @returns name -> entry
 * @throws ModelError "checkpoint" when it is malformed or truncated, compressed, encrypted, or names a file twice, or
 *   files overlap
 * @see APPNOTE.TXT of PKWARE, 4.3 and 4.5.3
 */
export async function zipEntries(source: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const wrong = (what: string) => malformed(source.name, what);
  const directory = await findDirectory(source);
  const { count, length, offset } = directory;
  if (offset + length > source.sizeBytes) throw wrong("is a truncated zip archive: its directory lies beyond its end");
  if (length > MAX_DIRECTORY_BYTES || count * DIRECTORY_ENTRY > length) throw wrong("has a malformed zip directory");
  if (count > MOST_FILES) throw wrong(`is a zip archive of ${count} files, more than ${MOST_FILES}`);
  const bytes = await source.read(offset, length);
  const view = viewOf(bytes);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i += 1) {
    if (at + DIRECTORY_ENTRY > length || view.getUint32(at, true) !== 0x02014b50) {
      throw wrong("has a malformed zip directory");
    }
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const next = at + DIRECTORY_ENTRY + nameLength + extraLength + view.getUint16(at + 32, true);
    if (next > length) throw wrong("has a malformed zip directory");
    const name = new TextDecoder().decode(bytes.subarray(at + DIRECTORY_ENTRY, at + DIRECTORY_ENTRY + nameLength));
    if (ODD.test(name)) throw wrong("is a zip archive with a name that has control characters or is too long");
    if (entries.has(name)) throw wrong(`holds ${name} twice`);
    const extra = bytes.subarray(at + DIRECTORY_ENTRY + nameLength, at + DIRECTORY_ENTRY + nameLength + extraLength);
    const large = zip64Numbers(extra);
    const number = (place: number) => {
      const value = view.getUint32(at + place, true);
      return value === 0xffffffff ? large() : value;
    };
    const sizeBytes = number(24);
    const stored = number(20);
    const headerOffset = number(42);
    if ((view.getUint16(at + 8, true) & 1) !== 0 || view.getUint16(at + 10, true) !== 0 || stored !== sizeBytes) {
      throw wrong(`is a zip archive with ${name} compressed or encrypted in it, which is not how weights are saved`);
    }
    if (headerOffset + LOCAL_HEADER + sizeBytes > offset) throw wrong(`is malformed: ${name} lies beyond its end`);
    entries.set(name, { headerOffset, sizeBytes, crc32: view.getUint32(at + 16, true) });
    at = next;
  }
  refuseOverlaps(entries, source.name);
  return entries;
}

/**
 * Returns the offset of a file's bytes, which depends on its local header.
 * @throws ModelError "checkpoint" when there is no such header, or the file would lie beyond the archive
 */
export async function entryOffset(source: ByteSource, name: string, entry: ZipEntry): Promise<number> {
  const view = viewOf(await source.read(entry.headerOffset, LOCAL_HEADER));
  const offset = entry.headerOffset + LOCAL_HEADER + view.getUint16(26, true) + view.getUint16(28, true);
  if (view.getUint32(0, true) !== 0x04034b50 || offset + entry.sizeBytes > source.sizeBytes) {
    throw malformed(source.name, `is a malformed zip archive: ${name} is not where its directory says`);
  }
  return offset;
}

/**
 * Compares every file of an archive with its checksum, which takes a read of all of it.
 * @throws ModelError "checkpoint" when one is wrong; the signal's reason when it aborts
 */
export async function verifyZip(source: ByteSource, signal: AbortSignal): Promise<void> {
  for (const [name, entry] of await zipEntries(source)) {
    if (entry.crc32 === 0) continue;
    const offset = await entryOffset(source, name, entry);
    let sum = 0;
    for (let at = 0; at < entry.sizeBytes; at += CHUNK_BYTES) {
      signal.throwIfAborted();
      sum = crc32.buf(await source.read(offset + at, Math.min(CHUNK_BYTES, entry.sizeBytes - at)), sum);
    }
    refuseWrongSum(source, name, entry, sum);
  }
}

const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * Checks the checksum of a file of an archive, signed or not. PyTorch writes 0 where it was told not to compute it.
 * @throws ModelError "checkpoint" when it is wrong
 */
export function refuseWrongSum(source: ByteSource, name: string, entry: ZipEntry, sum: number): void {
  if (entry.crc32 !== 0 && entry.crc32 !== sum >>> 0)
    throw malformed(source.name, `is damaged: the checksum of ${name} is wrong`);
}

const LOCAL_HEADER = 30;
const DIRECTORY_ENTRY = 46;
const DIRECTORY_END = 22;
/** A model has about one per tensor: T5's largest have 600, and experts some 10,000. */
const MOST_FILES = 20_000;
const MAX_DIRECTORY_BYTES = 4 * 1024 * 1024;
/** A name that no program writes. */
const ODD = /\p{Cc}|^.{500}/su;

async function findDirectory(source: ByteSource): Promise<{ count: number; length: number; offset: number }> {
  // A comment of at most 65,535 bytes follows the end record; the record that points to zip64's precedes it.
  const tailLength = Math.min(source.sizeBytes, 0xffff + DIRECTORY_END + ZIP64_LOCATOR);
  const tailOffset = source.sizeBytes - tailLength;
  const view = viewOf(await source.read(tailOffset, tailLength));
  let at = tailLength - DIRECTORY_END;
  while (at >= 0 && view.getUint32(at, true) !== 0x06054b50) at -= 1;
  if (at < 0) throw malformed(source.name, "is truncated: it begins as a zip archive and has no directory at its end");
  const small = {
    count: view.getUint16(at + 10, true),
    length: view.getUint32(at + 12, true),
    offset: view.getUint32(at + 16, true),
  };
  const locator = at - ZIP64_LOCATOR;
  if (locator < 0 || view.getUint32(locator, true) !== 0x07064b50) return small;
  const place = Number(view.getBigUint64(locator + 8, true));
  if (place + ZIP64_END > source.sizeBytes) throw malformed(source.name, "has a malformed zip directory");
  const end = viewOf(await source.read(place, ZIP64_END));
  if (end.getUint32(0, true) !== 0x06064b50) throw malformed(source.name, "has a malformed zip directory");
  const u64 = (offset: number) => Number(end.getBigUint64(offset, true));
  return { count: u64(32), length: u64(40), offset: u64(48) };
}

const ZIP64_LOCATOR = 20;
const ZIP64_END = 56;

/** The 64-bit numbers of a directory entry, in the order of the 32-bit fields that they replace. */
function zip64Numbers(extra: Uint8Array): () => number {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === 1) {
      let next = at + 4;
      return () => {
        if (next + 8 > Math.min(end, extra.length)) return Number.POSITIVE_INFINITY;
        next += 8;
        return Number(view.getBigUint64(next - 8, true));
      };
    }
    at = end;
  }
  return () => Number.POSITIVE_INFINITY;
}

function refuseOverlaps(entries: ReadonlyMap<string, ZipEntry>, file: string): void {
  let end = 0;
  for (const [name, { headerOffset, sizeBytes }] of [...entries].toSorted(
    ([, a], [, b]) => a.headerOffset - b.headerOffset,
  )) {
    if (headerOffset < end) throw malformed(file, `is a malformed zip archive: ${name} overlaps another file`);
    end = headerOffset + LOCAL_HEADER + sizeBytes;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
