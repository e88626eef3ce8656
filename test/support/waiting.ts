/** Waiting for events, and time counted in ticks of this process: seconds differ on a busy machine. */
import { setTimeout } from "node:timers/promises";

const LOOK_MS = 10;
/** Longer than any event takes on a busy machine. */
const PATIENCE_MS = 30_000;

/** Waits until something holds. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const began = performance.now(); !(await holds()); await setTimeout(LOOK_MS))
    if (performance.now() - began > PATIENCE_MS) throw new Error(`It never happened: ${holds}`);
}

/** The ticks of a timer of this process while work is done: where the machine is busy, both are late. */
export async function ticksDuring(everyMs: number, work: () => Promise<unknown>): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, everyMs);
  try {
    await work();
    return ticks;
  } finally {
    clearInterval(timer);
  }
}
