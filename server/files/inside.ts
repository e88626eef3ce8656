/** Keeps files written below a store inside it: no name leads upward, and no existing link leads out. */
import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, realpath, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { reason } from "../../base/reason.ts";
import { ModelError } from "../../models/errors.ts";
import { isBelow } from "./below.ts";
import { createFolder } from "./create-folder.ts";
import { fileNameSchema, quoted } from "./names.ts";
import { isMissing } from "./whole-file.ts";

/**
 * A folder below a store, created if missing. The store itself may be a link; folders below it may not.
 * @param names one per level
 * @returns its path
 * @throws ModelError "storage" when a name is invalid or belongs to something other than a folder, or when it cannot
 * be created
 */
export async function folderInside(store: string, ...names: readonly string[]): Promise<string> {
  try {
    createFolder(store);
  } catch (cause) {
    throw unwritable(store, cause);
  }
  let path = store;
  for (const name of names) {
    if (!fileNameSchema.safeParse(name).success) {
      throw new ModelError("storage", `${quoted(name)} cannot be a folder's name, so nothing is written to it.`);
    }
    path = join(path, name);
    await mkdir(path).catch((cause) => {
      if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw unwritable(path, cause);
    });
    if (!(await lstat(path)).isDirectory()) {
      throw new ModelError(
        "storage",
        `${path} is not a folder but a link or a file, so nothing is written to it. Remove it and try again.`,
      );
    }
  }
  if (!isBelow(await realpath(store), await realpath(path))) {
    throw new ModelError("storage", `${path} leads out of ${store}, so nothing is written to it. Remove it.`);
  }
  return path;
}

/**
 * The size of a file in a store; undefined if it does not exist.
 * @throws ModelError "storage" when something other than a file is there, such as a link
 */
export async function sizeInside(path: string): Promise<number | undefined> {
  try {
    const status = await lstat(path);
    if (status.isFile()) return status.size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  throw new ModelError(
    "storage",
    `${path} is not a file but a link or something else, so it is neither read nor written. Remove it and try again.`,
  );
}

/**
 * Opens a file in a store for writing; links are refused.
 * @param fresh whether to start with an empty file; otherwise it must exist
 * @throws ModelError "storage"
 */
export async function openInside(path: string, fresh: boolean): Promise<FileHandle> {
  await sizeInside(path);
  const { O_RDWR, O_CREAT, O_TRUNC } = constants;
  const noLink: number = constants.O_NOFOLLOW ?? 0; // absent on Windows
  return open(path, O_RDWR | noLink | (fresh ? O_CREAT | O_TRUNC : 0)).catch((cause) => {
    throw unwritable(path, cause);
  });
}

/** Removes those of the folders that are empty; list inner folders first. */
export async function removeEmpty(...folders: readonly string[]): Promise<void> {
  for (const folder of folders) await rmdir(folder).catch(() => undefined); // not empty, or does not exist
}

/** The error for a file or folder that cannot be written; distinguishes a full disk. */
export function unwritable(path: string, cause: unknown): ModelError {
  const full = cause instanceof Error && "code" in cause && cause.code === "ENOSPC";
  const words = full ? "The disk is full: free some space" : `${path} cannot be written (${reason(cause)}): fix that`;
  return new ModelError("storage", `${words}, and try again. What has arrived is kept.`, { cause });
}
