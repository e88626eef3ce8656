/** Ends waiting for work that was cancelled, whether or not the work notices. */

/**
 * The result of work, or the signal's reason as soon as it aborts: whoever cancels does not wait for work to notice.
 * @throws the signal's reason; what the work throws
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // What the work comes to after that, nobody hears.
  work.catch(() => undefined);
  let leave = () => {};
  const aborted = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason);
  });
  signal.addEventListener("abort", leave, { once: true });
  try {
    if (signal.aborted) leave();
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
