/**
 * Checks whether a model fits the machine's memory before it is loaded, so that the system does not end the process.
 */
import { freemem, totalmem } from "node:os";
import { sizeInWords } from "../../../base/figures.ts";
import { weightBytes } from "../../../models/checkpoint/plan.ts";
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import type { Precision } from "../engine.ts";

/**
 * Estimates the peak memory of loading a model and answering an input of 512 tokens. Measured in int8: 1.2 GB for
 * t5-large and 4.2 GB for 3B while the decoder's weights are laid out for the runtime's kernels; then 0.9 and 3.0 GB.
 * @returns bytes
 */
export function memoryNeeded(config: T5Config, precision: Precision): number {
  return 1.4 * weightBytes(config, precision) + RUNTIME_BYTES;
}

/**
 * Refuses a model that does not fit.
 * @param freeBytes available memory; by default the machine's
 * @throws ModelError "memory" with both numbers
 */
export function checkFits(config: T5Config, precision: Precision, freeBytes = available()): void {
  const needed = memoryNeeded(config, precision);
  if (needed <= freeBytes) return;
  const smaller = memoryNeeded(config, "int8");
  const advice =
    precision === "float32" && smaller <= freeBytes
      ? `Choose int8, which needs ${sizeInWords(smaller)}`
      : "Close other programs, or choose a smaller model";
  throw new ModelError(
    "memory",
    `The model needs about ${sizeInWords(needed)} of memory in ${precision}, but only ${sizeInWords(freeBytes)} are free. ${advice}.`,
  );
}

/** Memory of Node, the runtime and its graphs. */
const RUNTIME_BYTES = 150e6;

/** Available bytes. macOS counts only completely unused memory as free; a container may have less than its machine. */
function available(): number {
  const free = process.platform === "darwin" ? totalmem() / 2 : freemem();
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(free, limit) : free;
}
