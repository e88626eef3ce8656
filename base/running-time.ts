/**
 * Time as this process runs: a laptop that sleeps, or a process that is stopped, does not use it up. Limits on waiting
 * count it, so that waking up breaks nothing off.
 */

/** Options of a countdown. */
export interface CountdownOptions {
  readonly ms: number;
  /** Whether time counts at the moment; by default always. */
  readonly counts?: () => boolean;
  readonly onEnd: () => void;
}

const TICK_MS = 250;

/** Counts down running time, then calls `onEnd` once. @returns what ends it early */
export function countDown({ ms, counts = () => true, onEnd }: CountdownOptions): () => void {
  let left = ms;
  let last = performance.now();
  const timer = setInterval(
    () => {
      const now = performance.now();
      // A late tick means that the process was not running, or busy with something else.
      const passed = Math.min(now - last, 2 * TICK_MS);
      last = now;
      if (counts()) left -= passed;
      if (left > 0) return;
      clearInterval(timer);
      onEnd();
    },
    Math.min(TICK_MS, ms),
  );
  return () => clearInterval(timer);
}
