/**
 * Lets only one process at a time work in a folder: it listens on local sockets, which the system closes however the
 * process ends. One has a name made from the folder's path, with links resolved, before the folder exists; another lies
 * in the folder, where processes of other containers meet it too.
 */
import { createHash } from "node:crypto";
import { lstat, open, readdir, readlink, realpath, stat } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ModelError } from "../../models/errors.ts";
import { readSystemFile } from "./regular-file.ts";
import { isOwnSocket, removeOwn } from "./removal.ts";

/** A folder that only this process works in. */
export interface FolderLock {
  /**
   * Locks the folder itself, once it exists.
   * @throws ModelError "input" when a process of another container has locked it
   */
  hold(): Promise<void>;
  release(): void;
}

/**
 * Locks a folder until the process ends or releases it. The folder need not exist.
 * @throws ModelError "input" when another process has locked it
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const taken = () =>
    new ModelError("input", `Another process is working in ${folder}. Wait until it ends, or stop it.`);
  const address = addressOf(await resolvedPath(folder));
  let named = await listen(address);
  // A socket file outlives its process.
  if (named === undefined && address.startsWith("/") && !(await answers(address))) {
    await removeOwn(address, dirname(address), isOwnSocket);
    named = await listen(address);
  }
  while (named === undefined) {
    const holder = await holderOf(address);
    if (holder === "this user") throw taken();
    if (holder === "another user") break; // a name that anyone may take locks nothing
    named = await listen(address);
  }
  let within: (() => void) | undefined;
  const lock: FolderLock = {
    async hold() {
      if (within !== undefined) return;
      const held = await lockWithin(folder);
      if (held === "taken") throw taken();
      within = held;
    },
    release() {
      named?.close();
      within?.();
    },
  };
  try {
    await lock.hold();
  } catch (error) {
    lock.release();
    throw error;
  }
  return lock;
}

/**
 * Does work on a file while no other process of this machine does, or after some seconds of waiting for that.
 * @throws what the work throws
 */
export async function inTurn<T>(file: string, work: () => Promise<T>): Promise<T> {
  let lock: FolderLock | undefined;
  for (let tries = 0; lock === undefined && tries < MOST_TRIES; tries++) {
    lock = await lockFolder(file).catch(() => undefined);
    if (lock === undefined) await pause(TRY_AGAIN_MS);
  }
  try {
    return await work();
  } finally {
    lock?.release();
  }
}

/** Whether a process has locked the folder; also detects a busy process, because the system answers. */
export async function isLocked(folder: string): Promise<boolean> {
  const within = await atLock(folder, answers);
  if (within === true) return true;
  const address = addressOf(await resolvedPath(folder));
  return (await answers(address)) && (await holderOf(address)) === "this user";
}

/** The socket in a locked folder. */
const NAME = ".spanfill-lock";
/** Time in which a process that found the same leftover may have replaced this one's socket. */
const SETTLE_MS = 50;
const TRY_AGAIN_MS = 30;
const MOST_TRIES = 150;

/** Listens in a folder. @returns the end of that; undefined where the folder is missing or cannot hold sockets */
async function lockWithin(folder: string): Promise<(() => void) | "taken" | undefined> {
  return atLock(folder, async (address, close) => {
    let server = await listen(address);
    if (server === undefined) {
      if (await answers(address)) return "taken";
      await removeOwn(join(folder, NAME), folder, isOwnSocket);
      server = await listen(address);
      if (server === undefined) return (await answers(address)) ? "taken" : undefined;
      const mine = await inodeOf(address);
      await pause(SETTLE_MS);
      if ((await inodeOf(address)) !== mine) {
        server.close();
        return "taken";
      }
    }
    const listening = server;
    const closed = close();
    // Closing removes the socket's file, by the folder's handle.
    return () => void listening.close(() => void closed());
  });
}

/**
 * Does something at the address of a folder's socket. On Linux the folder's handle makes it short enough.
 * @param work takes over closing the handle by calling its second argument
 * @returns undefined where there is no such address
 */
async function atLock<T>(
  folder: string,
  work: (address: string, close: () => () => Promise<void>) => Promise<T>,
): Promise<T | undefined> {
  if (process.platform === "win32") return undefined;
  const handle = await open(folder).catch(() => undefined);
  if (handle === undefined) return undefined;
  let left = true;
  const close = () => {
    left = false;
    return () => handle.close();
  };
  const address = process.platform === "linux" ? `/proc/self/fd/${handle.fd}/${NAME}` : join(folder, NAME);
  try {
    return (await handle.stat()).isDirectory() ? await work(address, close) : undefined;
  } catch (error) {
    if (error instanceof Error && "syscall" in error) return undefined; // the file system holds no sockets
    throw error;
  } finally {
    if (left) await handle.close();
  }
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  return (await lstat(path, { bigint: true }).catch(() => undefined))?.ino;
}

/** Whether a process listens at an address. */
async function answers(address: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(address);
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false));
  });
}

async function listen(address: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.on("error", () => undefined).destroy());
  return new Promise((done, fail) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") done(undefined);
      else fail(error);
    });
    server.listen(address, () => {
      // Later errors concern only a process that checks the lock.
      server.on("error", () => undefined);
      server.unref();
      done(server);
    });
  });
}

/** The path with links resolved; of a folder that does not exist, those above it. */
async function resolvedPath(folder: string): Promise<string> {
  const path = resolve(folder);
  return realpath(path).catch(async () => {
    if (dirname(path) === path) return path;
    return join(await resolvedPath(dirname(path)), basename(path));
  });
}

/** A short name for the folder's socket, because some systems allow only 100 characters. On Linux it is not a file. */
function addressOf(path: string): string {
  const name = `spanfill-${createHash("sha256").update(path).digest("hex").slice(0, 24)}`;
  if (process.platform === "win32") return `\\\\.\\pipe\\${name}`;
  return process.platform === "linux" ? `\0${name}` : join(tmpdir(), name);
}

/** The holder of a socket's name; nobody if it has changed hands meanwhile. */
async function holderOf(address: string): Promise<"this user" | "another user" | "nobody"> {
  if (!address.startsWith("\0")) return "this user";
  try {
    const before = socketsNamed(address.slice(1));
    for (const pid of await readdir("/proc")) if (/^\d+$/.test(pid) && (await hasOpen(pid, before))) return "this user";
    const since = socketsNamed(address.slice(1));
    return [...before].some((socket) => since.has(socket)) ? "another user" : "nobody";
  } catch {
    return "this user"; // it cannot be told
  }
}

/** The listening sockets of a name, as the links of open files name them. */
function socketsNamed(name: string): ReadonlySet<string> {
  const lines = readSystemFile("/proc/net/unix").split("\n");
  // Bytes of zero show as @, and Node fills a name up with them.
  const named = lines.map((line) => line.split(/ +/)).filter((fields) => fields[7]?.replaceAll("@", "") === name);
  return new Set(named.filter((fields) => fields[3] === LISTENS).map((fields) => `socket:[${fields[6]}]`));
}

const LISTENS = "00010000";

/** Whether a process of this user has one of some files open. */
async function hasOpen(pid: string, targets: ReadonlySet<string>): Promise<boolean> {
  try {
    if ((await stat(`/proc/${pid}`)).uid !== process.getuid?.()) return false;
    for (const fd of await readdir(`/proc/${pid}/fd`))
      if (targets.has(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ""))) return true;
    return false;
  } catch {
    return false; // it has ended, or is hidden
  }
}
