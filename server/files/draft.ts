/**
 * Names of files and folders that are being made, and the removal of those that nobody will finish: a draft's name
 * tells which process of which machine makes it.
 */
import { createHash, randomBytes } from "node:crypto";
import { lstat, mkdir, readdir, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { doOnce } from "./once.ts";
import { readSystemFile } from "./regular-file.ts";
import { type Mark, PRIVATE, removeOwn } from "./removal.ts";

/** The name that a file has until it is whole: hidden, in the same folder. */
export async function draftOf(path: string): Promise<string> {
  return join(dirname(path), `${prefixOf(path)}${await mark()}.tmp`);
}

/**
 * Makes a hidden folder below Spanfill's own for something that is being made, and removes those that nobody will
 * finish.
 */
export async function makeDraftFolder(models: string, kind: "importing" | "checking"): Promise<string> {
  await sweepDrafts(models, (name) => DRAFT_FOLDER.test(name));
  const folder = join(models, `.${kind}-${await mark()}`);
  await mkdir(folder, PRIVATE);
  return folder;
}

/**
 * Removes what nobody will finish: in a file's folder the drafts of a process of this machine that has ended, and
 * drafts of the file by other machines and earlier versions that nobody has touched for a day.
 */
export async function sweepDraftsOf(path: string): Promise<void> {
  const prefix = prefixOf(path);
  await sweepDrafts(dirname(path), (name) => name.startsWith(prefix) && UUID_TMP.test(name.slice(prefix.length)));
}

/** @param isOurs whether a name without a mark of this machine was given by us */
async function sweepDrafts(folder: string, isOurs: (name: string) => boolean): Promise<void> {
  const here = await machine();
  for (const name of await readdir(folder).catch(() => [])) {
    const [, pid = "", where] = MARKED.exec(name) ?? [];
    if (where !== here && !isOurs(name)) continue;
    const path = join(folder, name);
    const isLeft = where === here && !isAlive(Number.parseInt(pid, 16));
    // What cannot be removed, such as another user's, stays.
    if (isLeft || (await isOld(path))) await removeOwn(path, folder, isFileOrFolder).catch(() => undefined);
  }
}

/** The file's name stands in its draft's, but for names so long that the draft's would be too long for the system. */
function prefixOf(path: string): string {
  const name = basename(path);
  const isLong = Buffer.byteLength(name) > MOST_NAME_BYTES;
  return `.${isLong ? createHash("sha256").update(name).digest("hex") : name}.`;
}

const MOST_NAME_BYTES = 255 - ".".length - ".00000000-0000-0000-0000-000000000000.tmp".length;
const MARKED = /^\.[^/]{1,255}[.-]([0-9a-f]{8})-([0-9a-f]{4}-[0-9a-f]{4})-[0-9a-f]{4}-[0-9a-f]{12}(?:\.tmp)?$/;
const UUID_TMP = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;
/** Earlier versions named them by six characters. */
const DRAFT_FOLDER = /^\.(?:importing|checking)-(?:[A-Za-z0-9]{6}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const DAY_MS = 86_400_000;

/** A mark in the form of a UUID, which earlier versions sweep from folders of runs: process, machine, chance. */
async function mark(): Promise<string> {
  const chance = randomBytes(8).toString("hex");
  return `${process.pid.toString(16).padStart(8, "0")}-${await machine()}-${chance.slice(0, 4)}-${chance.slice(4)}`;
}

/**
 * Where process ids mean the same: the machine since it was started, and the container. Others share folders with it.
 */
const machine = doOnce(async () => {
  const namespace = await stat("/proc/self/ns/pid").catch(() => undefined);
  const hash = createHash("sha256").update(`${hostname()} ${bootId()} ${namespace?.ino}`).digest("hex");
  return `${hash.slice(0, 4)}-${hash.slice(4, 8)}`;
});

function bootId(): string {
  try {
    return readSystemFile("/proc/sys/kernel/random/boot_id");
  } catch {
    return ""; // not Linux
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"; // another user's
  }
}

const isFileOrFolder: Mark = (_path, status) => status.isFile() || status.isDirectory();

async function isOld(path: string): Promise<boolean> {
  const status = await lstat(path).catch(() => undefined);
  return status !== undefined && Date.now() - status.mtimeMs > DAY_MS;
}
