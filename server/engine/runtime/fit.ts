/**
 * Checks whether a model fits the machine's memory before it is loaded, so that the system does not end the process.
 */
import { freemem, totalmem } from "node:os";
import { sizeInWords } from "../../../base/figures.ts";
import { loadedBytes } from "../../../models/checkpoint/plan.ts";
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { addressSpaceLimit } from "../../files/address-space.ts";
import { readSystemFile } from "../../files/regular-file.ts";
import type { Precision } from "../engine.ts";

/**
 * Estimates the peak memory of loading a model and answering an input of 512 tokens. Measured in int8: 1.2 GB for
 * t5-large and 4.2 GB for 3B while the decoder's weights are laid out for the runtime's kernels; then 0.9 and 3.0 GB.
 * @returns bytes
 */
export function memoryNeeded(config: T5Config, precision: Precision): number {
  return 1.4 * loadedBytes(config, precision) + RUNTIME_BYTES;
}

/**
 * Refuses a model that does not fit.
 * @param free available memory; by default the machine's, or what is left of a limit
 * @throws ModelError "memory" with both numbers
 */
export function checkFits(config: T5Config, precision: Precision, free: FreeMemory = available()): void {
  const { bytes: freeBytes, limit = "" } = free;
  const needed = memoryNeeded(config, precision);
  if (needed <= freeBytes) return;
  const smaller = memoryNeeded(config, "int8");
  const advice =
    precision === "float32" && smaller <= freeBytes
      ? `Choose int8, which needs ${sizeInWords(smaller)}`
      : `${limit === "" ? "Close other programs" : "Raise that limit"}, or choose a smaller model`;
  throw new ModelError(
    "memory",
    `The model needs about ${sizeInWords(needed)} of memory in ${precision}, but only ${sizeInWords(freeBytes)} are free${limit}. ${advice}.`,
  );
}

/** Memory of Node, the runtime and its graphs. */
const RUNTIME_BYTES = 150e6;

/** Memory that can be had. */
export interface FreeMemory {
  readonly bytes: number;
  /** The limit that leaves no more, in words for the message; absent where it is the machine. */
  readonly limit?: string;
}

/**
 * Memory that can be had. macOS counts only completely unused memory as free; a container may have less than its
 * machine, and a process less than both.
 */
function available(): FreeMemory {
  const machine = { bytes: process.platform === "darwin" ? totalmem() / 2 : freemem() };
  const container = process.constrainedMemory();
  const all: (FreeMemory | undefined)[] = [
    machine,
    container > 0
      ? { bytes: Math.max(0, container - process.memoryUsage.rss()), limit: " under this container's limit" }
      : undefined,
    process.platform === "linux" ? addressSpace(ownFile("limits"), ownFile("status")) : undefined,
  ];
  return all.filter((free) => free !== undefined).reduce((least, free) => (free.bytes < least.bytes ? free : least));
}

/** A file of this process in /proc; empty where that is not there. */
function ownFile(name: string): string {
  try {
    return readSystemFile(`/proc/self/${name}`);
  } catch {
    return "";
  }
}

/**
 * Memory that a limit on the address space (`ulimit -v`) leaves. Of t5-base in float32, its 1.4 GB took 1.7 GB of
 * addresses; in int8, 0.5 GB took 1.0; of the smallest model, 0.2 GB took 0.4.
 * @param limits as in /proc/self/limits
 * @param status as in /proc/self/status
 * @returns undefined where there is no limit
 */
export function addressSpace(limits: string, status: string): FreeMemory | undefined {
  const most = addressSpaceLimit(limits) ?? Number.NaN;
  const used = 1024 * Number(/^VmSize:\s+(\d+) kB/m.exec(status)?.[1]);
  if (!Number.isFinite(most - used)) return undefined;
  const bytes = Math.max(0, (most - used - 400e6) / 1.25);
  return { bytes, limit: ` under this process's limit of ${sizeInWords(most)} of address space (ulimit -v)` };
}
