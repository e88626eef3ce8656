/** How the learning rate changes from step to step. */
import type { TrainRequest } from "../../../protocol/train-request.ts";

/** The shape of the learning rate over a run, after an even rise during the warm-up. */
export type Schedule = TrainRequest["schedule"];

/**
 * The share of the full rate at a step, 0 to 1.
 * @param step counted from 1
 * @param warmup steps of even rise from 0
 * @param total steps of the whole run: linear and cosine reach 0 after the last
 * @see get_scheduler, transformers/optimization.py, whose step before the first is 0
 */
export function rateAt(schedule: Schedule, step: number, warmup: number, total: number): number {
  if (step <= warmup) return step / warmup;
  const done = (step - 1 - warmup) / Math.max(1, total - warmup);
  switch (schedule) {
    case "constant":
      return 1;
    case "linear":
      return Math.max(0, 1 - done);
    case "cosine":
      return 0.5 * (1 + Math.cos(Math.PI * Math.min(1, done)));
    case "inverse-sqrt":
      return Math.sqrt(Math.max(1, warmup) / Math.max(1, step));
  }
}
