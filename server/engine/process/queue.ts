/** Serializes the calls to a model, because a runner takes one at a time. */

/** Runs work in order of arrival. */
export interface Queue {
  /**
   * The work's result, or undefined if the signal aborts before its turn; then it never runs, and its caller does not
   * wait.
   */
  run<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T | undefined>;
  /** Runs a final piece of work after everything that waits. */
  close(work: () => Promise<void>): Promise<void>;
}

/** An empty queue. */
export function createQueue(): Queue {
  let tail: Promise<unknown> = Promise.resolve();
  const run = async <T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T | undefined> => {
    const before = tail;
    const inTurn = before.then(() => (signal?.aborted ? undefined : work()));
    // Later calls wait for all earlier ones even if this one leaves early; its own caller handles a failure.
    tail = inTurn.catch(() => undefined);
    if (signal === undefined) return inTurn;
    let leave = () => {};
    const left = new Promise<undefined>((resolve) => {
      let begun = false;
      void before.then(() => {
        begun = true;
      });
      leave = () => {
        if (!begun) resolve(undefined);
      };
    });
    signal.addEventListener("abort", leave, { once: true });
    try {
      if (signal.aborted) leave();
      return await Promise.race([inTurn, left]);
    } finally {
      signal.removeEventListener("abort", leave);
    }
  };
  return {
    run,
    close: async (work) => {
      await run(undefined, work);
    },
  };
}
