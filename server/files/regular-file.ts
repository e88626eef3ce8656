/**
 * Safe reading of files that somebody else named, such as in a document's link or a cloned repository: only regular
 * files of bounded size.
 */
import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";

/**
 * Reads a file, unless opening it could block, never end or have effects: a pipe, a device, a socket, a folder. Reads
 * no more than the size that the system reports, so the files of /proc are empty here.
 * @param mostBytes size of the largest file that is read
 * @returns its bytes; undefined when it is larger than `mostBytes`
 * @throws Error when it does not exist, is not a regular file, or cannot be read
 */
export async function readRegularFile(path: string, mostBytes: number): Promise<Buffer | undefined> {
  // Checked before opening, because opening a device may have effects.
  requireRegular(await stat(path), path);
  const handle = await open(path, FLAGS);
  try {
    const status = await handle.stat();
    requireRegular(status, path);
    return status.size > mostBytes ? undefined : await readBytes(handle, status.size);
  } finally {
    await handle.close();
  }
}

/**
 * Opening never waits for a pipe's writer, in case a pipe has replaced the file in the meantime. Windows lacks these
 * flags.
 */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

function requireRegular(status: { isFile(): boolean }, path: string): void {
  if (!status.isFile()) throw new Error(`${path} is not a regular file`);
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
