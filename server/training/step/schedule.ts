/** How the learning rate changes from step to step. */

/** The shapes there are; each rises evenly over the warm-up first. */
export const SCHEDULES = ["constant", "linear", "cosine", "inverse-sqrt"] as const;

/** A shape of {@link SCHEDULES}. */
export type Schedule = (typeof SCHEDULES)[number];

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
