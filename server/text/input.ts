/** Input text: the bytes of a file or of standard input, and what they say in UTF-8. */
import { isUtf8 } from "node:buffer";
import type { Readable } from "node:stream";
import { ModelError } from "../../models/errors.ts";
import { inheritedPipe, NotRegularError, readRegularFile } from "../files/regular-file.ts";

/**
 * The text of bytes in UTF-8.
 * @param name where they come from, for messages
 * @throws ModelError "input" when they are something else
 */
export function decodeText(bytes: Buffer, name: string): string {
  const nul = bytes.indexOf(0);
  if (bytes.length >= 2 && (bytes.readUInt16BE(0) === 0xfffe || bytes.readUInt16BE(0) === 0xfeff)) {
    throw new ModelError("input", `${name} is UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8) and try again.`);
  }
  if (nul >= 0) {
    throw new ModelError("input", `${name} is binary (a NUL byte at offset ${nul}); give plain text instead.`);
  }
  if (!isUtf8(bytes)) {
    throw new ModelError(
      "input",
      `${name} is not UTF-8 (a bad byte at offset ${badByte(bytes)}); convert it to UTF-8 first.`,
    );
  }
  return bytes.toString("utf8");
}

/**
 * Checks a text that a model is to work on.
 * @param purpose a verb for the message: "There is nothing to `purpose`."
 * @throws ModelError "input" when it is binary or empty
 */
export function checkText(text: string, purpose: string): void {
  const nul = text.indexOf("\0");
  if (nul >= 0) {
    throw new ModelError("input", `The text is binary (a NUL character at offset ${nul}). Give it plain text instead.`);
  }
  if (text.trim() === "")
    throw new ModelError("input", `The text is empty: there is nothing to ${purpose}. Add some text.`);
}

/**
 * The bytes of a file, of a pipe that the shell opened, or of standard input for "-".
 * @throws ModelError "input" when it cannot be read
 */
export async function readBytes(file: string, signal?: AbortSignal): Promise<Buffer> {
  const stream = streamOf(file, signal);
  return stream === undefined ? readFileBytes(file) : readStream(stream, file);
}

/** The bytes of standard input ("-") or of a pipe that the shell opened, piece by piece; undefined for a file. */
export function streamOf(file: string, signal?: AbortSignal): AsyncIterable<Buffer> | undefined {
  const stream = file === "-" ? process.stdin : inheritedPipe(file);
  return stream === undefined ? undefined : chunksOf(stream, signal);
}

const LARGEST_BYTES = 256 * 1024 * 1024;

async function readFileBytes(file: string): Promise<Buffer> {
  try {
    const bytes = await readRegularFile(file, LARGEST_BYTES);
    if (bytes === undefined) throw tooLarge(file);
    return bytes;
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw unreadable(file, error);
  }
}

/** The error for a file of texts or rows that cannot be read. */
export function unreadable(file: string, cause: unknown): ModelError {
  if (cause instanceof NotRegularError) {
    const what = cause.isFolder
      ? "is a folder; name a text file in it"
      : "is a pipe or a device; pipe what it gives into standard input instead";
    return new ModelError("input", `${file} ${what}.`, { cause });
  }
  const { code, message } = cause as NodeJS.ErrnoException;
  const why =
    code === "ENOENT" ? "does not exist; check the path" : code === "EACCES" ? "may not be read by you" : message;
  return new ModelError("input", `${file}: ${why}.`, { cause });
}

async function readStream(stream: AsyncIterable<Buffer>, file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > LARGEST_BYTES) throw tooLarge(file === "-" ? "standard input" : file);
  }
  return Buffer.concat(chunks);
}

/** The bytes of a stream, piece by piece; they end where the signal aborts. */
async function* chunksOf(stream: Readable, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const stop = () => stream.destroy();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of stream) yield Buffer.from(chunk);
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

function tooLarge(name: string): ModelError {
  return new ModelError(
    "input",
    `${name} is larger than ${LARGEST_BYTES / 1024 / 1024} MB; split it into smaller files.`,
  );
}

/** Offset of the first byte that is not UTF-8: what cannot be decoded becomes U+FFFD. */
function badByte(bytes: Buffer): number {
  const text = bytes.toString("utf8");
  return Buffer.byteLength(text.slice(0, text.indexOf("\uFFFD")));
}
