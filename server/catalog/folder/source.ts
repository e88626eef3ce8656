/** Reads ranges of weights files. */
import { realpath, stat } from "node:fs/promises";
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
 * Opens a file for reading ranges. It is not held open between two reads.
 * @throws ModelError "checkpoint" when it is missing or not a file
 */
export async function openSource(path: string): Promise<FileSource> {
  try {
    const file = await realpath(path);
    const status = await stat(file);
    if (!status.isFile()) throw new Error("it is not a file");
    return {
      name: path,
      file,
      sizeBytes: status.size,
      state: fileState(status),
      read: (offset, length) => readRange(file, offset, length),
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
  try {
    const bytes = new Uint8Array(length);
    const handle = await openRegular(file);
    try {
      for (let done = 0; done < length; ) {
        const count = Math.min(length - done, 1 << 30);
        const { bytesRead } = await handle.read(bytes, done, count, offset + done);
        if (bytesRead === 0) throw malformed(file, "was truncated while it was read");
        done += bytesRead;
      }
    } finally {
      await handle.close();
    }
    return bytes;
  } catch (cause) {
    throw cause instanceof ModelError ? cause : malformed(file, `cannot be read (${reason(cause)})`, cause);
  }
}
