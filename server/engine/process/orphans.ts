/**
 * Ends engines that their server left behind. An engine ends with its server, unless it was stopped (SIGSTOP) or is
 * stuck in native code: then it does not notice, and would keep its memory. So the next server to start looks.
 */
import { readdir, readlink, stat } from "node:fs/promises";
import { readSystemFile } from "../../files/regular-file.ts";
import { STARTED_BY } from "./fork.ts";

/**
 * Ends this user's engines whose parent is no longer the process that started them. On Linux; elsewhere none is found.
 * @param log receives a line for each
 */
export async function endOrphans(log: ((line: string) => void) | undefined): Promise<void> {
  const here = await namespaceOf("self");
  if (here === undefined) return;
  for (const pid of await readdir("/proc")) {
    try {
      if (!/^\d+$/.test(pid) || (await stat(`/proc/${pid}`)).uid !== process.getuid?.()) continue;
      if (!isOrphan(pid) || (await namespaceOf(pid)) !== here) continue;
      process.kill(Number(pid), "SIGKILL");
      log?.(`The engine process ${pid}, which its server had left behind, was ended.`);
    } catch {
      // It has ended, or is hidden.
    }
  }
}

const PARENT = "PPid:";

function isOrphan(pid: string): boolean {
  const started = readSystemFile(`/proc/${pid}/environ`)
    .split("\0")
    .find((entry) => entry.startsWith(`${STARTED_BY}=`));
  if (started === undefined) return false;
  const parent = readSystemFile(`/proc/${pid}/status`)
    .split("\n")
    .find((line) => line.startsWith(PARENT));
  return parent !== undefined && started !== `${STARTED_BY}=${parent.slice(PARENT.length).trim()}`;
}

/** The container in which process ids mean the same; undefined where the system has none, or hides it. */
async function namespaceOf(pid: string): Promise<string | undefined> {
  return readlink(`/proc/${pid}/ns/pid`).catch(() => undefined);
}
