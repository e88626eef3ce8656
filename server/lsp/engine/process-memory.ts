/** What another process takes of the machine's memory, where the system tells without being asked for much. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** A process's resident memory in bytes; undefined when it is gone, or the system is one that does not say. */
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
