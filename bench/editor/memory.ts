/** Memory of the extension's processes, the language server and its engine, as Linux reports it. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Bytes of a window's language server and engine. */
export interface WindowMemory {
  readonly server: ProcessMemory;
  readonly engine: ProcessMemory;
}

/** Bytes of one process. */
export interface ProcessMemory {
  /** Resident. */
  readonly rss: number;
  /** The same with each page that is shared (code, mapped files) divided among those who share it. */
  readonly pss: number;
}

/**
 * The memory of the server and the engine that a window's extension host started; undefined where there is no /proc.
 * @param extension the folder of the installed extension
 * @throws Error when one of the two does not run
 */
export function windowMemory(extension: string, hostPid: number): WindowMemory | undefined {
  if (!existsSync("/proc/self/smaps_rollup")) return undefined;
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  const processes = lines.map((line) => line.trim().split(/\s+/));
  const childOf = (parent: number, script: string) => {
    const path = join(extension, "dist", script);
    const found = processes.find(([, ppid, ...args]) => Number(ppid) === parent && args.includes(path));
    if (found === undefined) throw new Error(`${path} does not run under process ${parent}.`);
    return Number(found[0]);
  };
  const server = childOf(hostPid, "server.js");
  return { server: memoryOf(server), engine: memoryOf(childOf(server, "child.js")) };
}

function memoryOf(pid: number): ProcessMemory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const bytes = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]);
  return { rss: bytes("Rss"), pss: bytes("Pss") };
}
