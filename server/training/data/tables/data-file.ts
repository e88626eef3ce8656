/** Data files from disk or standard input, compressed or not; and the word n-grams that fills are compared with. */
import { pipeline, Readable, type Transform } from "node:stream";
import * as zlib from "node:zlib";
import * as z from "zod";
import { reason } from "../../../../base/reason.ts";
import { ModelError } from "../../../../models/errors.ts";
import { countNgrams } from "../../../../models/words/ngram-count.ts";
import { isNgramTable, type NgramTable, readNgramTable } from "../../../../models/words/ngram-table.ts";
import { regularFileChunks } from "../../../files/regular-file.ts";
import { readBytes, streamOf, unreadable } from "../../../text/input.ts";

/** A file's content as it is, and unpacked. */
export interface DataFile {
  /** Its name, for messages. */
  readonly name: string;
  readonly packed: Buffer;
  readonly bytes: Buffer;
}

/**
 * Reads a file, or standard input for "-"; gzip and Zstandard are recognized by their first bytes.
 * @param mostBytes that it may have, unpacked
 * @throws ModelError "input" when it cannot be read or unpacked
 */
export async function readData(file: string, signal: AbortSignal, mostBytes = MOST_WHOLE_BYTES): Promise<DataFile> {
  const name = dataFileName(file);
  const packed = await readBytes(file, signal);
  return { name, packed, bytes: await whole(unpacked([packed], name, mostBytes), signal) };
}

/** The largest file that is read as a whole, unpacked. */
const MOST_WHOLE_BYTES = 256 * 1024 * 1024;

/**
 * The bytes of a file, or of standard input for "-", unpacked and piece by piece.
 * @param mostBytes that it may have, unpacked
 * @throws ModelError "input" when it cannot be read or unpacked
 */
export async function* dataChunks(file: string, signal: AbortSignal, mostBytes: number): AsyncGenerator<Buffer> {
  try {
    const chunks = streamOf(file, signal) ?? regularFileChunks(file, signal);
    yield* unpacked(chunks, dataFileName(file), mostBytes);
  } catch (error) {
    if (error instanceof ModelError || signal.aborted) throw error;
    throw unreadable(file, error);
  }
}

/** The name of a file in messages. */
export function dataFileName(file: string): string {
  return file === "-" ? "standard input" : file;
}

async function whole(chunks: AsyncIterable<Buffer>, signal: AbortSignal): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    all.push(chunk);
  }
  return all.length === 1 && all[0] !== undefined ? all[0] : Buffer.concat(all);
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
const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: () => Transform };

type Chunks = Iterable<Buffer> | AsyncIterable<Buffer>;

/** @throws ModelError "input" when they cannot be unpacked, or to more than `mostBytes` */
async function* unpacked(chunks: Chunks, name: string, mostBytes: number): AsyncGenerator<Buffer> {
  let size = 0;
  try {
    for await (const chunk of unpackedStream(await withMagic(chunks), name)) {
      size += chunk.length;
      if (size > mostBytes) {
        throw new ModelError(
          "input",
          `${name} has more than ${mostBytes >> 20} MB of rows; split it into smaller files.`,
        );
      }
      yield chunk;
    }
  } catch (cause) {
    // Errors of the file system have a call, those of zlib a number.
    if (!(cause instanceof Error && "code" in cause && String(cause.code).startsWith("Z_"))) throw cause;
    const why = `${name} cannot be unpacked (${reason(cause)}): it is damaged or cut off. Get it again.`;
    throw new ModelError("input", why, { cause });
  }
}

/** Pieces, the first of which has at least four bytes if all together have. */
async function withMagic(chunks: Chunks): Promise<{ readonly magic: number; readonly all: AsyncIterable<Buffer> }> {
  const rest = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  let head = Buffer.alloc(0);
  let isDone = false;
  while (head.length < 4 && !isDone) {
    const next = await rest.next();
    isDone = next.done === true;
    if (!isDone) head = Buffer.concat([head, next.value]);
  }
  async function* all() {
    try {
      yield head;
      for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
    } finally {
      await rest.return?.(undefined);
    }
  }
  return { magic: head.length < 4 ? 0 : head.readUInt32BE(0), all: all() };
}

function unpackedStream({ magic, all }: Awaited<ReturnType<typeof withMagic>>, name: string): AsyncIterable<Buffer> {
  if (magic >>> 16 !== GZIP && magic !== ZSTANDARD) return all;
  if (magic >>> 16 === GZIP) return through(all, zlib.createGunzip());
  if (createZstdDecompress !== undefined) return through(all, createZstdDecompress());
  throw new ModelError(
    "input",
    `${name} is packed with Zstandard, which Node.js reads from 22.15 on. Unpack it first: zstd -dc ${name} | spanfill evaluate --data - ...`,
  );
}

function through(chunks: AsyncIterable<Buffer>, unpack: Transform): AsyncIterable<Buffer> {
  pipeline(Readable.from(chunks), unpack, () => undefined); // its reader is given an error
  return unpack;
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
