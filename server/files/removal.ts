/**
 * Deletes what Spanfill itself has made: the one file of the server that deletes anything (test/removal.test.ts holds that). Whoever calls
 * says where the thing must lie and what shows that it is ours; a name alone shows nothing.
 */
import { createHash, randomUUID } from "node:crypto";
import { type BigIntStats, lstatSync, rmSync } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readFile, readlink, realpath, rm, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import { z } from "zod";

/** Whether something is ours. @param status of the thing itself, not of what a link leads to */
export type Mark = (path: string, status: BigIntStats) => boolean | Promise<boolean>;

/**
 * Deletes a file, or a folder with all that is in it, if it lies where it must and carries the mark.
 * @param within the folder that it must lie below, links resolved
 * @returns whether it was deleted; false where there is none, or it is not ours
 * @throws what the system says when it cannot be deleted
 */
export async function removeOwn(path: string, within: string, mark: Mark): Promise<boolean> {
  const status = await lstat(path, { bigint: true }).catch(missing);
  if (status === undefined) return false;
  const place = join(await realpath(dirname(path)), basename(path));
  if (!isBelow(await realpath(within), place) || !(await mark(place, status))) return false;
  await rm(place, { recursive: status.isDirectory(), force: true, maxRetries: 3 });
  return true;
}

/** The same for a file, without a wait. */
export function removeOwnFileSync(path: string, isOurs: (path: string) => boolean): boolean {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isFile() || !isOurs(path)) return false;
  rmSync(path);
  return true;
}

/** Whether a path lies below a folder. */
function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

// Marks

/** A mark of a file or folder that this process has made and whose handle or status it kept: it is that very one. */
export function isSame(made: BigIntStats): Mark {
  return (_path, { dev, ino, birthtimeNs }) => dev === made.dev && ino === made.ino && birthtimeNs === made.birthtimeNs;
}

/** A file that begins with a text, which we have written there. */
export function beginsWith(text: string): Mark {
  return async (path, status) => status.isFile() && (await head(path, Buffer.byteLength(text))).toString() === text;
}

/** A safetensors file, whole or half-written, whose header has all of these keys, which only our own writer puts there. */
export function hasMetadata(...keys: readonly string[]): Mark {
  return async (path, status) => {
    if (!status.isFile()) return false;
    const metadata = await metadataOf(path);
    return metadata !== undefined && keys.every((key) => metadata[key] !== undefined);
  };
}

/** A safetensors header's own words; undefined where there is no such header. */
export async function metadataOf(path: string): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const start = await head(path, 8);
    const length = start.length === 8 ? Number(start.readBigUInt64LE()) : 0;
    if (length === 0 || length > MOST_HEADER_BYTES) return undefined;
    const header = (await head(path, 8 + length)).subarray(8).toString("utf8");
    return headerSchema.parse(JSON.parse(header)).__metadata__;
  } catch {
    return undefined; // another kind of file
  }
}

/** A symbolic link into the folder of contents that the hub's tools keep: a name for what lies there, which stays. */
export const isBlobLink: Mark = async (path, status) => {
  if (!status.isSymbolicLink()) return false;
  return /^(\.\.[\\/])+blobs[\\/]([0-9a-f]{40}|[0-9a-f]{64})$/.test(await readlink(path));
};

/**
 * A download of the hub's cache that stopped: by the hub's convention, its name is the hash of a content that it does not have yet, and any
 * tool of the hub may go on with it or begin it anew.
 */
export const isPartialDownload: Mark = (path, status) =>
  status.isFile() &&
  basename(dirname(path)) === "blobs" &&
  /^([0-9a-f]{40}|[0-9a-f]{64})\.incomplete$/.test(basename(path));

/** A local socket of this user, at which nobody listens any more; the caller has tried. */
export const isOwnSocket: Mark = (_path, status) =>
  status.isSocket() && (process.getuid === undefined || Number(status.uid) === process.getuid());

// Folders: what was made is written down in a folder of ours, where no repository can write

/**
 * Makes a folder, and writes down that it is ours; one that is there already stays what it was.
 * @param models Spanfill's own folder of models, which keeps the notes
 */
export async function makeOwnFolder(folder: string, models: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  try {
    await mkdir(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return;
    throw error;
  }
  await noteFolder(folder, models);
}

/** Writes down that a folder is ours, which the caller has just made, or knows by its content. */
export async function noteFolder(folder: string, models: string): Promise<void> {
  const path = await realpath(folder);
  const { ino, birthtimeNs } = await lstat(path, { bigint: true });
  const note = { path, ino: `${ino}`, born: `${birthtimeNs}`, id: randomUUID() };
  const file = noteOf(path, models);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(note)}\n`);
}

/** A folder that is written down as ours: the very one, not another that has its name since. */
export function isNoted(models: string): Mark {
  return async (path, status) => {
    if (!status.isDirectory()) return false;
    try {
      const note = noteSchema.parse(JSON.parse(await readFile(noteOf(path, models), "utf8")));
      return note.path === path && note.ino === `${status.ino}` && note.born === `${status.birthtimeNs}`;
    } catch {
      return false; // nobody wrote it down
    }
  };
}

/** Whether a folder is written down as ours; one that is reached through a link is not. */
export async function isOwnFolder(folder: string, models: string): Promise<boolean> {
  const status = await lstat(folder, { bigint: true }).catch(missing);
  return status !== undefined && isNoted(models)(await realpath(folder), status);
}

/** Deletes a folder that is written down as ours, and the note. @returns whether it was deleted */
export async function removeOwnFolder(folder: string, within: string, models: string): Promise<boolean> {
  if (!(await removeOwn(folder, within, isNoted(models)))) return false;
  await forgetFolder(folder, models);
  return true;
}

/** Removes the note on a folder that is gone; one that is there keeps its note. */
export async function forgetFolder(folder: string, models: string): Promise<void> {
  const parent = await realpath(dirname(folder)).catch(missing);
  if (parent === undefined || (await lstat(folder).catch(missing)) !== undefined) return;
  const path = join(parent, basename(folder));
  await removeOwn(noteOf(path, models), models, beginsWith(`{"path":${JSON.stringify(path)},`));
}

/** What is left of a file's writing that was cut off, in a folder of ours: nobody else writes such names there. */
export const isLeftover: Mark = (path, status) =>
  status.isFile() && /^\..+\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/.test(basename(path));

function noteOf(path: string, models: string): string {
  return join(models, NOTES, `${createHash("sha256").update(path).digest("hex").slice(0, 32)}.json`);
}

/** Hidden from those that look for models there. */
const NOTES = ".made";
const MOST_HEADER_BYTES = 16 * 1024 * 1024;
const noteSchema = z.object({ path: z.string(), ino: z.string(), born: z.string(), id: z.uuid() });
const headerSchema = z.object({ __metadata__: z.record(z.string(), z.string()) });

/** A file's first bytes, as many as there are. */
async function head(path: string, bytes: number): Promise<Buffer> {
  const handle: FileHandle = await open(path);
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
