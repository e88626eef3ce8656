/** The one gate for files that somebody else named, such as a document's link or a cloned repository: regular files of bounded size. */
import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";

/**
 * Reads a file, unless it is something that could block, never end or act when it is opened: a pipe, a device, a socket, a folder.
 * No more is read than the system says that the file holds, so the files of /proc are empty here.
 * @param mostBytes the largest file that is read
 * @returns its bytes; undefined when there are more than `mostBytes`
 * @throws Error when there is none, it is not a regular file, or it cannot be read
 */
export async function readRegularFile(path: string, mostBytes: number): Promise<Buffer | undefined> {
  // First, because opening a device may already do something.
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

/** Opening never waits for a pipe's writer, should one have taken the file's place meanwhile. Windows has no such flags. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

function requireRegular(status: { isFile(): boolean }, path: string): void {
  if (!status.isFile()) throw new Error(`${path} is not a regular file`);
}

/** Up to `size` bytes: fewer when the file became shorter. */
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
