/**
 * Lets only one process at a time work in a folder: it listens on a local socket, which the system closes however the
 * process ends.
 */
import { createHash } from "node:crypto";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { ModelError } from "../../models/errors.ts";
import { isOwnSocket, removeOwn } from "./removal.ts";

/**
 * Locks a folder until the process ends or releases it. The folder need not exist.
 * @returns a function that releases it
 * @throws ModelError "input" when another process has locked it
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const address = addressOf(folder);
  let server = await listen(address);
  // A socket file outlives its process.
  if (server === undefined && address.startsWith("/") && !(await isLocked(folder))) {
    await removeOwn(address, dirname(address), isOwnSocket);
    server = await listen(address);
  }
  if (server === undefined) {
    throw new ModelError("input", `Another process is working in ${folder}. Wait until it ends, or stop it.`);
  }
  server.unref();
  const locked = server;
  return () => void locked.close();
}

/** Whether a process has locked the folder; also detects a busy process, because the system answers. */
export async function isLocked(folder: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(addressOf(folder));
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
      done(server);
    });
  });
}

/** A short name for the folder's socket, because some systems allow only 100 characters. On Linux it is not a file. */
function addressOf(folder: string): string {
  const name = `spanfill-${createHash("sha256").update(resolve(folder)).digest("hex").slice(0, 24)}`;
  if (process.platform === "win32") return `\\\\.\\pipe\\${name}`;
  return process.platform === "linux" ? `\0${name}` : join(tmpdir(), name);
}
