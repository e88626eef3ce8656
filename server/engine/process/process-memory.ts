/** Reads another process's memory use, on systems that report it cheaply. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** A process's resident memory in bytes; undefined if it has ended, or the system does not report it. */
export async function memoryOf(pid: number): Promise<number | undefined> {
  const kilobytes = await residentKilobytes(pid).catch(() => Number.NaN);
  return Number.isFinite(kilobytes) ? kilobytes * 1024 : undefined;
}

async function residentKilobytes(pid: number): Promise<number> {
  if (process.platform === "linux") {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN);
  }
  if (process.platform !== "darwin") return Number.NaN;
  const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
  return Number.parseInt(stdout, 10);
}
