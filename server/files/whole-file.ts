/** Files of models: JSON read with clear errors, whole files or none written, and the folder for what can be made again. */
import { randomUUID } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { type FileHandle, mkdir, open, rename } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { reason } from "../../base/reason.ts";
import { ModelError, type ModelErrorCode } from "../../models/errors.ts";
import { isSame, removeOwn } from "./removal.ts";

/** The largest JSON file that is read; the largest tokenizer.json published takes a tenth of it, all others a hundredth. */
const maxJsonBytes = (code: ModelErrorCode) => (code === "tokenizer" ? 256 : 16) * 1024 * 1024;

/**
 * Reads a JSON file.
 * @param code which error its absence or malformation is
 * @throws ModelError `code`
 */
export async function readJson(path: string, code: ModelErrorCode): Promise<unknown> {
  let text: string;
  try {
    const handle = await open(path);
    try {
      const { size } = await handle.stat();
      if (size > maxJsonBytes(code)) throw new Error(`${size} bytes are too many for it`);
      text = await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const what = isMissing(cause) ? "does not exist" : `cannot be read (${reason(cause)})`;
    throw new ModelError(code, `${path} ${what}. Give the folder of a complete model.`, { cause });
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new ModelError(code, `${path} is not JSON (${reason(cause)}). Download the file again.`, { cause });
  }
}

/**
 * Writes a file whole or not at all: to a temporary name in the same folder, flushed, then renamed. The folder is made
 * when it is missing. What was there before stays until the end, and for good when writing fails.
 * @param write fills the new, empty file; may write at any position
 */
export async function writeAtomically(path: string, write: (handle: FileHandle) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  let made: BigIntStats | undefined;
  try {
    const handle = await open(temporary, "wx");
    try {
      made = await handle.stat({ bigint: true });
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    if (made !== undefined) await removeOwn(temporary, dirname(path), isSame(made));
    throw error;
  }
}

/**
 * Where files go that can be made again from others: `SPANFILL_CACHE`, or the system's convention for caches.
 * @returns an absolute path; may not exist yet
 */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  const { SPANFILL_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = environment;
  if (SPANFILL_CACHE) return SPANFILL_CACHE;
  if (platform === "win32") return join(LOCALAPPDATA || join(homedir(), "AppData", "Local"), "spanfill", "cache");
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "spanfill");
  return join(XDG_CACHE_HOME?.startsWith("/") ? XDG_CACHE_HOME : join(homedir(), ".cache"), "spanfill");
}

/** Whether an error says that a file or folder is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
