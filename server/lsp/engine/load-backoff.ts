/**
 * Keeps a model that crashes the engine's process from being reloaded at each key: the wait doubles with every crash
 * in a row.
 */
import { ModelError } from "../../../models/errors.ts";

/** Number of ends in a row without a wait, since other causes, such as a lack of memory, may also end a process. */
const FREE_ENDS = 1;
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [30_000, 600_000];

/** Advice on a model that ends its process. */
const CRASH_ADVICE =
  "Choose a smaller model or int8, or run it as WebAssembly, which is slower: start the editor with SPANFILL_ENGINE=wasm.";

/** Counts consecutive ends of processes by the key of the model they worked with. */
export class LoadBackoff {
  private readonly ends = new Map<string, { count: number; pid: number | undefined; untilMs: number }>();
  private readonly nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.nowMs = nowMs;
  }

  /**
   * Checks whether the model may be tried now.
   * @throws ModelError "process" while it has to wait
   */
  check(key: string, name: string): void {
    const record = this.ends.get(key);
    const seconds = Math.ceil(((record?.untilMs ?? 0) - this.nowMs()) / 1000);
    if (record === undefined || seconds <= 0) return;
    const again = `It will be tried again in ${seconds} s; Restart Engine tries immediately.`;
    throw new ModelError(
      "process",
      `The engine's process ended ${record.count} times in a row with ${name}. ${again} ${CRASH_ADVICE}`,
    );
  }

  /**
   * Records that a process ended; counts once for all the calls that it interrupted.
   * @returns how long the model has to wait, in milliseconds
   */
  ended(key: string, pid: number | undefined): number {
    const record = this.ends.get(key);
    if (record !== undefined && record.pid === pid) return 0;
    const count = (record?.count ?? 0) + 1;
    const waitMs = count <= FREE_ENDS ? 0 : Math.min(FIRST_WAIT_MS * 2 ** (count - FREE_ENDS - 1), LONGEST_WAIT_MS);
    this.ends.set(key, { count, pid, untilMs: this.nowMs() + waitMs });
    return waitMs;
  }

  /** The error of a process that ended, with the model's name, and with advice while the model has to wait. */
  explained(error: ModelError, key: string, name: string): ModelError {
    const message = error.message.replace("The engine process", `The engine process, which ran ${name},`);
    const isWaiting = (this.ends.get(key)?.untilMs ?? 0) > this.nowMs();
    return new ModelError("process", isWaiting ? `${message} ${CRASH_ADVICE}` : message, { cause: error });
  }

  /** Records that the model answered. */
  answered(key: string): void {
    this.ends.delete(key);
  }

  /** Forgets all ends, because somebody asks for another try. */
  forget(): void {
    this.ends.clear();
  }
}

/** A process that works with a model. */
export interface Trial {
  /** Identifies the model's files and the settings. */
  readonly key: string;
  readonly name: string;
  readonly pid: number | undefined;
}
