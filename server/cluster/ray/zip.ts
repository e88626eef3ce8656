/** Zip files whose entries are stored as they are: what travels is token ids and weights, which hardly get smaller. */
import crc32 from "crc-32";

/** A file of an archive. */
export interface ZipEntry {
  /** With "/" between folders. */
  readonly name: string;
  readonly content: Uint8Array;
}

/**
 * Returns an archive of less than 4 GB. Entries have no times, so that the same files give the same bytes.
 * @see APPNOTE.TXT of PKWARE, sections 4.3.7, 4.3.12 and 4.3.16
 */
export function storedZip(entries: readonly ZipEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, content } of entries) {
    const names = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(VERSION, 0);
    common.writeUInt16LE(UTF8_NAMES, 2);
    common.writeUInt16LE(FIRST_DAY, 8);
    common.writeInt32LE(crc32.buf(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(names.length, 22);
    parts.push(signature("PK\x03\x04"), common, names, content);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(REGULAR_FILE, 6);
    rest.writeUInt32LE(at, 10);
    directory.push(signature("PK\x01\x02"), MADE_BY_UNIX, common, rest, names);
    at += 30 + names.length + content.length;
  }
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(
    directory.reduce((bytes, { length }) => bytes + length, 0),
    8,
  );
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, ...directory, signature("PK\x05\x06"), end]);
}

const VERSION = 20;
const UTF8_NAMES = 1 << 11;
/** 1 January 1980. */
const FIRST_DAY = 0x21;
const MADE_BY_UNIX = Uint8Array.of(VERSION, 3);
/** Mode 0644, in the upper half. */
const REGULAR_FILE = (0o100644 << 16) >>> 0;

function signature(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}
