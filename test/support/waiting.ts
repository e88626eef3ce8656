/** Waiting for events, and time counted in ticks of this process: seconds differ on a busy machine. */
import { setTimeout } from "node:timers/promises";

const LOOK_MS = 10;

/** Waits until something holds; the test's own timeout is the limit. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await setTimeout(LOOK_MS);
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
