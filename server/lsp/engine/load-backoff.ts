/** Keeps a model that ends the engine's process from being loaded again at each key: the wait doubles with each time in a row. */
import { ModelError } from "../../../models/errors.ts";

/** Processes that may end in a row before anything waits: a process may be ended by others, for want of memory too. */
const FREE_ENDS = 2;
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [5000, 600_000];

/** How often processes ended in a row while they worked with a model, by the model's key. */
export class LoadBackoff {
  private readonly ends = new Map<string, { count: number; pid: number | undefined; untilMs: number }>();
  private readonly nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.nowMs = nowMs;
  }

  /** @throws ModelError "process" while the model has to wait */
  check(key: string, name: string): void {
    const known = this.ends.get(key);
    const seconds = Math.ceil(((known?.untilMs ?? 0) - this.nowMs()) / 1000);
    if (known === undefined || seconds <= 0) return;
    const advice = "Restart Engine tries at once. Choose another model, int8, or another device where it goes on.";
    throw new ModelError(
      "process",
      `The engine's process ended ${known.count} times in a row with ${name}. It is tried again in ${seconds} s. ${advice}`,
    );
  }

  /**
   * A process ended; counted once for all the calls that it cut off.
   * @returns for how long the model has to wait, in milliseconds
   */
  ended(key: string, pid: number | undefined): number {
    const known = this.ends.get(key);
    if (known !== undefined && known.pid === pid) return 0;
    const count = (known?.count ?? 0) + 1;
    const waitMs = count <= FREE_ENDS ? 0 : Math.min(FIRST_WAIT_MS * 2 ** (count - FREE_ENDS - 1), LONGEST_WAIT_MS);
    this.ends.set(key, { count, pid, untilMs: this.nowMs() + waitMs });
    return waitMs;
  }

  /** The model answered. */
  answered(key: string): void {
    this.ends.delete(key);
  }

  /** Someone asks for another try. */
  forget(): void {
    this.ends.clear();
  }
}
