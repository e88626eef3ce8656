/** Calls of one model wait for one another here: a runner takes one at a time. */

/** Work done in the order it came. */
export interface Queue {
  /** The work's result, or undefined when the signal aborted before its turn: it then never runs, and nothing waits. */
  run<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T | undefined>;
  /** Runs the last work, after all that waits. */
  close(work: () => Promise<void>): Promise<void>;
}

/** An empty queue. */
export function createQueue(): Queue {
  let tail: Promise<unknown> = Promise.resolve();
  const run = async <T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T | undefined> => {
    const before = tail;
    const inTurn = before.then(() => (signal?.aborted ? undefined : work()));
    // Who waits behind waits for those before too, even if this one leaves early; a failure is its own caller's matter.
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
