/** Checks where an export is to be written, before a model is read: nothing that is there already is overwritten. */
import { type BigIntStats, constants } from "node:fs";
import { access, lstat, mkdir, readdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { reason } from "../../../../base/reason.ts";
import { table } from "../../../../base/table.ts";
import { ModelError } from "../../../../models/errors.ts";
import { createFolder } from "../../../files/create-folder.ts";
import { removeOwnFolderSync } from "../../../files/removal.ts";

/**
 * The absolute path of a new file, or of a folder that is new or empty.
 * @throws ModelError "input" when something is there, or the path names nothing; "storage" when it cannot be written
 */
export async function freePlace(asked: string, kind: "file" | "folder"): Promise<string> {
  if (asked.trim() === "" || asked.includes("\0"))
    throw new ModelError("input", `--out is empty. Name a ${kind} to write, or leave --out away.`);
  if (kind === "file" && /[\\/]$/.test(asked))
    throw new ModelError("input", `--out ${asked} names a folder. Name a file in it, such as ${asked}model.gguf.`);
  const out = resolve(asked);
  let above = out;
  try {
    for (; !(await isThere(above)); above = dirname(above)) if (above === dirname(above)) break;
    const isFolder = (await stat(above)).isDirectory();
    if (above === out && (kind === "file" || !isFolder || (await readdir(out)).length > 0)) {
      const what = kind === "file" || !isFolder ? "there already" : "a folder with other files in it";
      throw new ModelError("input", `${out} is ${what}. Name another --out, or remove it.`);
    }
    if (!isFolder)
      throw new ModelError("input", `${out} cannot be written: ${above} is a file, not a folder. Name another --out.`);
    await access(above, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unwritable(out, error);
  }
  return out;
}

/**
 * Makes and fills a folder. Where that fails, is given up or the process exits, a folder that was not there is removed
 * again.
 * @throws ModelError "storage" when it cannot be written; what the work throws
 */
export async function fillFolder<T>(out: string, work: () => Promise<T>): Promise<T> {
  let discard = () => {};
  try {
    createFolder(dirname(out));
    const created = await makeFolder(out);
    if (created !== undefined) discard = () => void removeOwnFolderSync(out, created);
    process.once("exit", discard);
    return await work();
  } catch (error) {
    discard();
    throw unwritable(out, error);
  } finally {
    process.off("exit", discard);
  }
}

/** @returns the status of a new folder; undefined if it is there */
async function makeFolder(path: string): Promise<BigIntStats | undefined> {
  try {
    await mkdir(path);
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return undefined;
    throw error;
  }
}

/** An error of the system in words, also where a run's file met it; other errors as they are. */
export function unwritable(out: string, error: unknown): unknown {
  const cause = error instanceof ModelError ? error.cause : error;
  if (!(cause instanceof Error && "syscall" in cause && "code" in cause)) return error;
  const why = WHY[String(cause.code)] ?? reason(cause);
  const advice = cause.code === "ENOSPC" ? "Free some space, or name" : "Name";
  return new ModelError("storage", `${out} cannot be written: ${why}. ${advice} another --out.`, { cause });
}

const WHY: Readonly<Record<string, string>> = table({
  EACCES: "you may not write there",
  EPERM: "you may not write there",
  EROFS: "the disk can only be read",
  ENOSPC: "the disk is full",
  EDQUOT: "your share of the disk is full",
  EIO: "the disk reports an error",
  EMFILE: "too many files are open (ulimit -n)",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "a link leads back to itself",
  ENOENT: "a link leads nowhere",
  EEXIST: "something is there already",
  ENOTDIR: "a part of the path is a file",
});

/** Whether a path names something, be it a link that leads nowhere. */
async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return false;
    throw error;
  }
}
