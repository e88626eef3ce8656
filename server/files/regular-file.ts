/**
 * The only way to read a file: a regular one, of a size that the caller states. Anybody may have named or made it (a
 * document's link, a cloned repository, a downloaded model), so opening it must not block, and reading it must end.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { copyFile, type FileHandle, open, stat } from "node:fs/promises";
import { Socket } from "node:net";
import type { Readable } from "node:stream";

/** The largest file of settings, notes or lists that is read: a thousand times what anyone has written. */
export const MOST_TEXT_BYTES = 16 * 1024 * 1024;

/** The error for a path that is not a regular file. */
export class NotRegularError extends Error {
  readonly isFolder: boolean;

  constructor(path: string, isFolder: boolean) {
    super(`${path} is ${isFolder ? "a folder" : "a pipe or a device"}, not a regular file`);
    this.isFolder = isFolder;
  }
}

/**
 * Opens a file for reading, unless opening it could block, never end or have effects: a pipe, a device, a socket, a
 * folder.
 * @throws Error when it does not exist, is not a regular file, or cannot be read
 */
export async function openRegular(path: string): Promise<FileHandle> {
  // Checked before opening, because opening a device may have effects.
  requireRegular(await stat(path), path);
  const handle = await open(path, FLAGS);
  try {
    requireRegular(await handle.stat(), path);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Reads a regular file. Reads no more than the size that the system reports, so the files of /proc are empty here.
 * @param mostBytes size of the largest file that is read
 * @returns its bytes; undefined when it is larger than `mostBytes`
 * @throws Error when it does not exist, is not a regular file, or cannot be read
 */
export async function readRegularFile(path: string, mostBytes: number): Promise<Buffer | undefined> {
  await using handle = await openRegular(path);
  const { size } = await handle.stat();
  return size > mostBytes ? undefined : await readBytes(handle, size);
}

/**
 * The text of a regular file.
 * @throws Error when it does not exist, is not a regular file, is larger than `mostBytes`, or cannot be read
 */
export async function readRegularText(path: string, mostBytes: number = MOST_TEXT_BYTES): Promise<string> {
  const bytes = await readRegularFile(path, mostBytes);
  if (bytes === undefined) throw tooLarge(path, mostBytes);
  return bytes.toString("utf8");
}

/** The text of a regular file, at once. @see readRegularText */
export function readRegularTextSync(path: string, mostBytes: number = MOST_TEXT_BYTES): string {
  requireRegular(statSync(path), path);
  const file = openSync(path, FLAGS);
  try {
    const status = fstatSync(file);
    requireRegular(status, path);
    if (status.size > mostBytes) throw tooLarge(path, mostBytes);
    const bytes = Buffer.alloc(status.size);
    let done = 0;
    for (let read = -1; done < bytes.length && read !== 0; done += read)
      read = readSync(file, bytes, done, bytes.length - done, done);
    return bytes.toString("utf8", 0, done);
  } finally {
    closeSync(file);
  }
}

/** The text of a file of the system, such as those of /proc, whose sizes say nothing; its name comes from our code. */
export function readSystemFile(path: string): string {
  return readFileSync(path, "utf8");
}

/**
 * The bytes of a regular file, piece by piece.
 * @throws Error when it does not exist, is not a regular file, or cannot be read; the signal's reason
 */
export async function* regularFileChunks(path: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  await using handle = await openRegular(path);
  for (;;) {
    signal?.throwIfAborted();
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES));
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/**
 * The bytes of a pipe that a shell has opened for this process and named, as for `<(command)`: like standard input, a
 * person asked for it.
 * @returns undefined for any other path
 */
export function inheritedPipe(path: string): Readable | undefined {
  const descriptor = /^\/(?:dev|proc\/self)\/fd\/(\d{1,6})$/.exec(path)?.[1];
  try {
    if (descriptor === undefined || !fstatSync(Number(descriptor)).isFIFO()) return undefined;
  } catch {
    return undefined;
  }
  // As a socket it can be given up while nothing comes, which a read of a file cannot.
  return new Socket({ fd: Number(descriptor), readable: true, writable: false });
}

/** Copies a regular file. @throws Error when it is not one, or cannot be copied */
export async function copyRegularFile(from: string, to: string, mode = 0): Promise<void> {
  requireRegular(await stat(from), from);
  await copyFile(from, to, mode);
}

/**
 * Copies a regular file piece by piece, so that a large one can be stopped.
 * @param to must not exist
 * @param onBytes is called with the size of each piece once it is written
 * @throws Error when it is not a regular file, or cannot be copied; the signal's reason
 */
export async function copyInPieces(
  from: string,
  to: string,
  signal: AbortSignal,
  onBytes?: (sizeBytes: number) => void,
): Promise<void> {
  const { mode } = await stat(from);
  await using copy = await open(to, "wx", mode & 0o777);
  for await (const piece of regularFileChunks(from, signal)) {
    for (let done = 0; done < piece.length; ) done += (await copy.write(piece, done)).bytesWritten;
    onBytes?.(piece.length);
  }
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Opening never waits for a pipe's writer, in case a pipe has replaced the file in the meantime. Windows lacks these
 * flags.
 */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

function requireRegular(status: { isFile(): boolean; isDirectory(): boolean }, path: string): void {
  if (!status.isFile()) throw new NotRegularError(path, status.isDirectory());
}

function tooLarge(path: string, mostBytes: number): Error {
  return new Error(`${path} is larger than ${Math.floor(mostBytes / 1024)} kB`);
}

/** Up to `size` bytes; fewer if the file was truncated. */
async function readBytes(handle: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(size);
  let done = 0;
  while (done < size) {
    const { bytesRead } = await handle.read(bytes, done, size - done, done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}
