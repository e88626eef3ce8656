/** Data files from disk or standard input, compressed or not; and the word n-grams that fills are compared with. */
import * as zlib from "node:zlib";
import * as z from "zod";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { countNgrams } from "../../../models/words/ngram-count.ts";
import { isNgramTable, type NgramTable, readNgramTable } from "../../../models/words/ngram-table.ts";
import { readBytes } from "../../text/input.ts";

/** A file's content as it is, and unpacked. */
export interface DataFile {
  /** Its name, for messages. */
  readonly name: string;
  readonly packed: Buffer;
  readonly bytes: Buffer;
}

/**
 * Reads a file, or standard input for "-"; gzip and Zstandard are recognized by their first bytes.
 * @throws ModelError "input" when it cannot be read or unpacked
 */
export async function readData(file: string, signal: AbortSignal): Promise<DataFile> {
  const name = file === "-" ? "standard input" : file;
  const packed = await readBytes(file, signal);
  try {
    return { name, packed, bytes: unpack(packed, name) };
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    const why = reason(cause);
    throw new ModelError("input", `${name} cannot be unpacked (${why}): it is damaged or cut off. Get it again.`, {
      cause,
    });
  }
}

/**
 * N-gram counts: a table that models/recipes/ngrams.py wrote (the one that ships is packed by Brotli), or counted now
 * in JSON lines with `text` and `source`.
 * @param without sources (`owner/repo:path`) whose repositories are not counted: those of the texts that are judged
 * @throws ModelError "input"
 */
export async function readNgrams(file: string, without: readonly string[], signal: AbortSignal): Promise<NgramTable> {
  const { name, bytes } = await readData(file, signal);
  if (isNgramTable(bytes)) return readNgramTable(bytes, name);
  const left = new Set(without.map(repositoryOf).filter(Boolean));
  return countNgrams(texts(bytes, name, left, signal));
}

const GZIP = 0x1f8b;
const ZSTANDARD = 0x28b52ffd;

/** Node's own Zstandard, which came with Node 22.15 and is unknown to the types of Node 20. */
const unpackZstandard = (zlib as { readonly zstdDecompressSync?: (bytes: Buffer) => Buffer }).zstdDecompressSync;

function unpack(bytes: Buffer, name: string): Buffer {
  if (bytes.length >= 4 && bytes.readUInt16BE(0) === GZIP) return zlib.gunzipSync(bytes);
  if (bytes.length < 4 || bytes.readUInt32BE(0) !== ZSTANDARD) return bytes;
  if (unpackZstandard !== undefined) return unpackZstandard(bytes);
  throw new ModelError(
    "input",
    `${name} is packed with Zstandard, which Node.js reads from 22.15 on. Unpack it first: zstd -dc ${name} | spanfill evaluate --data - ...`,
  );
}

const textRow = z.object({ text: z.string(), source: z.string().default("") });

function* texts(bytes: Buffer, name: string, left: ReadonlySet<string>, signal: AbortSignal): Generator<string> {
  let row = 0;
  for (let from = 0; from < bytes.length; ) {
    signal.throwIfAborted();
    const end = bytes.indexOf("\n", from);
    const line = bytes.toString("utf8", from, end < 0 ? bytes.length : end);
    from = end < 0 ? bytes.length : end + 1;
    row += 1;
    if (line.trim() === "") continue;
    const parsed = textRow.safeParse(parse(line, `${name}, row ${row},`));
    if (!parsed.success)
      throw new ModelError("input", `${name}, row ${row}, has no "text". Give JSON lines with one each.`);
    if (!left.has(repositoryOf(parsed.data.source))) yield parsed.data.text;
  }
}

function repositoryOf(source: string): string {
  return source.split(":")[0] ?? "";
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = reason(cause);
    throw new ModelError("input", `${name} is not JSON (${why}). Give a table of n-grams or JSON lines.`, { cause });
  }
}
