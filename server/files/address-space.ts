/** The limit on a process's address space (`ulimit -v`), which Node.js cannot work below. */
import { sizeInWords } from "../../base/figures.ts";
import { ModelError } from "../../models/errors.ts";
import { readSystemFile } from "./regular-file.ts";

/** Node.js reserves some 0.9 GB of addresses before it does anything, and its WebAssembly 0.2. */
const LEAST_BYTES = 1.2e9;

/** The limit in bytes; undefined where there is none. @param limits as in /proc/self/limits */
export function addressSpaceLimit(limits = limitsOfProcess()): number | undefined {
  const most = Number(/^Max address space +(\d+)/m.exec(limits)?.[1]);
  return Number.isFinite(most) ? most : undefined;
}

/**
 * Refuses a limit below which this process would be ended in the middle of its work.
 * @throws ModelError "memory"
 */
export function requireAddressSpace(limits?: string): void {
  const most = addressSpaceLimit(limits);
  if (most === undefined || most >= LEAST_BYTES) return;
  const needed = `the smallest model needs ${sizeInWords(LEAST_BYTES + 400e6)}`;
  const has = `This process may use ${sizeInWords(most)} of addresses (ulimit -v)`;
  throw new ModelError("memory", `${has}, but ${needed}. Raise that limit, or use a container's limit.`);
}

function limitsOfProcess(): string {
  try {
    return process.platform === "linux" ? readSystemFile("/proc/self/limits") : "";
  } catch {
    return ""; // without /proc
  }
}
