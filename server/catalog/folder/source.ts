/** Reads ranges of weights files. */
import { type FileHandle, realpath, stat } from "node:fs/promises";
import { reason } from "../../../base/reason.ts";
import { type ByteSource, malformed } from "../../../models/checkpoint/tensor.ts";
import { ModelError } from "../../../models/errors.ts";
import { openRegular } from "../../files/regular-file.ts";
import { isMissing } from "../../files/whole-file.ts";
import { fileState } from "./file-state.ts";

/** A file and its current state on disk. */
export interface FileSource extends ByteSource {
  /** @see fileState */
  readonly state: readonly number[];
}

/**
 * Opens a file for reading ranges. It is not held open between two reads; reads at the same time share one opening.
 * @throws ModelError "checkpoint" when it is missing or not a file
 */
export async function openSource(path: string): Promise<FileSource> {
  try {
    const file = await realpath(path);
    const status = await stat(file);
    if (!status.isFile()) throw new Error("it is not a file");
    const withFile = sharedOpening(file);
    return {
      name: path,
      file,
      sizeBytes: status.size,
      state: fileState(status),
      read: (offset, length) => reading(file, () => withFile((handle) => readFrom(handle, file, offset, length))),
    };
  } catch (cause) {
    const what = isMissing(cause) ? "does not exist, or is a broken link" : `cannot be read (${reason(cause)})`;
    throw malformed(path, what, cause);
  }
}

/**
 * Reads exactly `length` bytes, in pieces because one read returns at most 2 GiB.
 * @throws ModelError "checkpoint" when the file is shorter or cannot be read
 */
export async function readRange(file: string, offset: number, length: number): Promise<Uint8Array> {
  return reading(file, async () => {
    await using handle = await openRegular(file);
    return await readFrom(handle, file, offset, length);
  });
}

async function readFrom(handle: FileHandle, file: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const count = Math.min(length - done, 1 << 30);
    const { bytesRead } = await handle.read(bytes, done, count, offset + done);
    if (bytesRead === 0) throw malformed(file, "was truncated while it was read");
    done += bytesRead;
  }
  return bytes;
}

/** Names the file in the error of a read. */
async function reading<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw cause instanceof ModelError ? cause : malformed(file, `cannot be read (${reason(cause)})`, cause);
  }
}

/** Runs work with the file open: opened by the first that begins, and closed by the last that ends. */
function sharedOpening(file: string): <T>(work: (handle: FileHandle) => Promise<T>) => Promise<T> {
  let [users, opening]: [number, Promise<FileHandle> | undefined] = [0, undefined];
  return async (work) => {
    users += 1;
    opening ??= openRegular(file);
    const opened = opening;
    try {
      return await work(await opened);
    } finally {
      users -= 1;
      if (users === 0) {
        opening = undefined;
        await opened.then(
          (handle) => handle.close(),
          () => undefined,
        );
      }
    }
  };
}
