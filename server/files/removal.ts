/**
 * Deletes only what Spanfill created; no other file of the server deletes anything (test/removal.test.ts checks
 * that). The caller states where the thing must lie and how to recognize it as ours; a name is not enough.
 */
import { createHash, randomUUID } from "node:crypto";
import { type BigIntStats, lstatSync, rmSync } from "node:fs";
import { lstat, mkdir, readlink, realpath, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import * as z from "zod";
import { isBelow } from "./below.ts";
import { createFolder } from "./create-folder.ts";
import { openRegular, readRegularText } from "./regular-file.ts";

/**
 * Recognizes something as ours.
 * @param status of the thing itself, not of a link's target
 */
export type Mark = (path: string, status: BigIntStats) => boolean | Promise<boolean>;

/**
 * Deletes a file, or a folder with its content, if it is in the right place and carries the mark.
 * @param within the folder that it must lie below, with links resolved
 * @returns whether it was deleted; false if it does not exist or is not ours
 * @throws the system's error when it cannot be deleted
 */
export async function removeOwn(path: string, within: string, mark: Mark): Promise<boolean> {
  const status = await lstat(path, { bigint: true }).catch(missing);
  if (status === undefined) return false;
  const resolved = join(await realpath(dirname(path)), basename(path));
  if (!isBelow(await realpath(within), resolved) || !(await mark(resolved, status))) return false;
  await rm(resolved, { recursive: status.isDirectory(), force: true, maxRetries: 3 });
  return true;
}

/** Deletes a file of ours, synchronously. */
export function removeOwnFileSync(path: string, isOurs: (path: string) => boolean): boolean {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isFile() || !isOurs(path)) return false;
  rmSync(path);
  return true;
}

/** Deletes a folder that this process created, and what is in it, synchronously: for a process that ends. */
export function removeOwnFolderSync(path: string, created: BigIntStats): boolean {
  const status = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (status === undefined || !status.isDirectory() || !isSame(created)(path, status)) return false;
  rmSync(path, { recursive: true, force: true });
  return true;
}

// Marks

/** Recognizes the very file or folder that this process created and whose status it kept. */
export function isSame(created: BigIntStats): Mark {
  return (_path, { dev, ino, birthtimeNs }) =>
    dev === created.dev && ino === created.ino && birthtimeNs === created.birthtimeNs;
}

/** Recognizes a file that begins with a text that we wrote. */
export function beginsWith(text: string): Mark {
  return async (path, status) => status.isFile() && (await head(path, Buffer.byteLength(text))).toString() === text;
}

/**
 * Recognizes a safetensors file, complete or partial, whose header has all of these keys, which only our writer sets.
 */
export function hasMetadata(...keys: readonly string[]): Mark {
  return async (path, status) => {
    if (!status.isFile()) return false;
    const metadata = await metadataOf(path);
    return metadata !== undefined && keys.every((key) => metadata[key] !== undefined);
  };
}

/** The metadata of a safetensors header; undefined if there is no such header. */
export async function metadataOf(path: string): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const start = await head(path, 8);
    const length = start.length === 8 ? Number(start.readBigUInt64LE()) : 0;
    if (length === 0 || length > MOST_HEADER_BYTES) return undefined;
    const header = (await head(path, 8 + length)).subarray(8).toString("utf8");
    return headerSchema.parse(JSON.parse(header)).__metadata__;
  } catch {
    return undefined; // not a safetensors file
  }
}

/** Recognizes a symbolic link into the hub tools' folder of blobs; the blob itself stays. */
export const isBlobLink: Mark = async (path, status) => {
  if (!status.isSymbolicLink()) return false;
  return /^(\.\.[\\/])+blobs[\\/]([0-9a-f]{40}|[0-9a-f]{64})$/.test(await readlink(path));
};

/**
 * Recognizes a stopped download in the hub's cache: by the hub's convention, its name is the hash of the content it
 * will have, and any tool of the hub may resume or restart it.
 */
export const isPartialDownload: Mark = (path, status) =>
  status.isFile() &&
  basename(dirname(path)) === "blobs" &&
  /^([0-9a-f]{40}|[0-9a-f]{64})\.incomplete$/.test(basename(path));

/** Recognizes a local socket of this user on which nobody listens; the caller has checked that. */
export const isOwnSocket: Mark = (_path, status) =>
  status.isSocket() && (process.getuid === undefined || Number(status.uid) === process.getuid());

// Folders: their creation is noted in a folder of ours, where no repository can write

/** The mode of folders that hold a person's texts: only their owner opens them. */
export const PRIVATE = 0o700;

/**
 * Creates a folder and notes that it is ours; an existing folder is left as it is.
 * @param models Spanfill's own folder of models, which holds the notes
 * @param mode of the folder
 */
export async function makeOwnFolder(folder: string, models: string, mode = 0o777): Promise<void> {
  createFolder(dirname(folder));
  try {
    await mkdir(folder, mode);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return;
    throw error;
  }
  await noteFolder(folder, models);
}

/** Notes that a folder is ours; the caller has just created it, or recognizes its content. */
export async function noteFolder(folder: string, models: string): Promise<void> {
  const path = await realpath(folder);
  const { ino, birthtimeNs } = await lstat(path, { bigint: true });
  const note = { path, ino: `${ino}`, born: `${birthtimeNs}`, id: randomUUID() };
  const file = noteOf(path, models);
  createFolder(dirname(file));
  await writeFile(file, `${JSON.stringify(note)}\n`);
}

/** Recognizes a folder that is noted as ours, and not another one that has its name now. */
function isNoted(models: string): Mark {
  return async (path, status) => {
    if (!status.isDirectory()) return false;
    try {
      const note = noteSchema.parse(JSON.parse(await readRegularText(noteOf(path, models))));
      return note.path === path && note.ino === `${status.ino}` && note.born === `${status.birthtimeNs}`;
    } catch {
      return false; // no readable note
    }
  };
}

/** Whether a folder is noted as ours; not if it is reached through a link. */
export async function isOwnFolder(folder: string, models: string): Promise<boolean> {
  const status = await lstat(folder, { bigint: true }).catch(missing);
  return status !== undefined && isNoted(models)(await realpath(folder), status);
}

/**
 * Deletes a folder that is noted as ours, and the note.
 * @returns whether it was deleted
 */
export async function removeOwnFolder(folder: string, within: string, models: string): Promise<boolean> {
  if (!(await removeOwn(folder, within, isNoted(models)))) return false;
  await forgetFolder(folder, models);
  return true;
}

/** Removes the note on a folder that no longer exists; otherwise the note stays. */
export async function forgetFolder(folder: string, models: string): Promise<void> {
  const parent = await realpath(dirname(folder)).catch(missing);
  if (parent === undefined || (await lstat(folder).catch(missing)) !== undefined) return;
  const path = join(parent, basename(folder));
  await removeOwn(noteOf(path, models), models, beginsWith(`{"path":${JSON.stringify(path)},`));
}

/** Recognizes the remains of an interrupted write in a folder of ours, where nobody else uses such names. */
export const isLeftover: Mark = (path, status) =>
  status.isFile() && /^\..+\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/.test(basename(path));

function noteOf(path: string, models: string): string {
  return join(models, NOTES, `${createHash("sha256").update(path).digest("hex").slice(0, 32)}.json`);
}

/** Hidden, so that it is not listed as a model. */
const NOTES = ".made";
const MOST_HEADER_BYTES = 16 * 1024 * 1024;
const noteSchema = z.object({ path: z.string(), ino: z.string(), born: z.string(), id: z.uuid() });
const headerSchema = z.object({ __metadata__: z.record(z.string(), z.string()) });

/** A file's first bytes, up to `bytes`. */
async function head(path: string, bytes: number): Promise<Buffer> {
  const handle = await openRegular(path);
  try {
    const buffer = Buffer.alloc(bytes);
    const { bytesRead } = await handle.read(buffer, 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function missing(error: unknown): undefined {
  const isAbsent = error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
  if (!isAbsent) throw error;
}
