/** One process at a time works in a folder: it listens on a local socket, which the system closes with the process however that ends. */
import { createHash } from "node:crypto";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { ModelError } from "../../models/errors.ts";
import { isOwnSocket, removeOwn } from "./removal.ts";

/**
 * Takes a folder for this process, until it ends or gives the folder back. The folder need not exist.
 * @returns what gives it back
 * @throws ModelError "input" when another process has it
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const address = addressOf(folder);
  let server = await listen(address);
  // A socket that is a file outlives its process.
  if (server === undefined && address.startsWith("/") && !(await isLocked(folder))) {
    await removeOwn(address, dirname(address), isOwnSocket);
    server = await listen(address);
  }
  if (server === undefined) {
    throw new ModelError("input", `Another process is at work in ${folder}. Wait until it ends, or stop it.`);
  }
  server.unref();
  const locked = server;
  return () => void locked.close();
}

/** Whether a process has the folder; a busy one is seen as well, for it is the system that answers. */
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
      // Later ones concern somebody who only looks whether the folder is taken.
      server.on("error", () => undefined);
      done(server);
    });
  });
}

/** Of the folder, short: some systems take no more than 100 characters. Linux has names that are no files. */
function addressOf(folder: string): string {
  const name = `spanfill-${createHash("sha256").update(resolve(folder)).digest("hex").slice(0, 24)}`;
  if (process.platform === "win32") return `\\\\.\\pipe\\${name}`;
  return process.platform === "linux" ? `\0${name}` : join(tmpdir(), name);
}
