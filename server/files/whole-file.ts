/** Model files: reads JSON with clear errors, writes files completely or not at all, and locates the cache folder. */
import type { BigIntStats } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { reason } from "../../base/reason.ts";
import { ModelError, type ModelErrorCode } from "../../models/errors.ts";
import { createFolder } from "./create-folder.ts";
import { readRegularFile } from "./regular-file.ts";
import { isSame, removeOwn } from "./removal.ts";

/**
 * The largest JSON file that is read: ten times the largest published tokenizer.json, and a hundred times any other
 * file.
 */
const maxJsonBytes = (code: ModelErrorCode) => (code === "tokenizer" ? 256 : 16) * 1024 * 1024;

/**
 * Reads a JSON file.
 * @param code of the error when it is missing or malformed
 * @throws ModelError `code`
 */
export async function readJson(path: string, code: ModelErrorCode): Promise<unknown> {
  let text: string;
  try {
    const bytes = await readRegularFile(path, maxJsonBytes(code));
    if (bytes === undefined) throw new Error(`more than ${maxJsonBytes(code) >> 20} MB are too many`);
    text = bytes.toString("utf8");
  } catch (cause) {
    const what = isMissing(cause) ? "does not exist" : `cannot be read (${reason(cause)})`;
    throw new ModelError(code, `${path} ${what}. Give the folder of a complete model.`, { cause });
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    const { standIn } = await import("../../models/stand-in.ts");
    const what = standIn(text.slice(0, 100)) ?? `is not JSON (${reason(cause)}). Download the file again.`;
    throw new ModelError(code, `${path} ${what}`, { cause });
  }
}

/**
 * Writes a file completely or not at all: to a temporary name in the same folder, flushed, then renamed. Creates the
 * folder if it is missing. An existing file stays until the end, and for good if writing fails. What a process that has
 * ended left unfinished there is removed.
 * @param write fills the new, empty file; may write at any position
 */
export async function writeAtomically(path: string, write: (handle: FileHandle) => Promise<void>): Promise<void> {
  createFolder(dirname(path));
  const { draftOf, sweepDraftsOf } = await import("./draft.ts"); // an engine's process seldom writes
  await sweepDraftsOf(path);
  const temporary = await draftOf(path);
  let created: BigIntStats | undefined;
  try {
    const handle = await open(temporary, "wx");
    try {
      created = await handle.stat({ bigint: true });
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    if (created !== undefined) await removeOwn(temporary, dirname(path), isSame(created));
    throw error;
  }
}

/**
 * The folder for files that can be regenerated: `SPANFILL_CACHE`, or the system's cache folder.
 * @returns an absolute path; need not exist
 */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  const { SPANFILL_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = environment;
  if (SPANFILL_CACHE) return SPANFILL_CACHE;
  if (platform === "win32") return join(LOCALAPPDATA || join(homedir(), "AppData", "Local"), "spanfill", "cache");
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "spanfill");
  return join(XDG_CACHE_HOME?.startsWith("/") ? XDG_CACHE_HOME : join(homedir(), ".cache"), "spanfill");
}

/** Whether an error means that a file or folder does not exist. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
