/**
 * Work that is done once and remembered. A failure is reported to those who wait and then forgotten, so that the next
 * caller tries again.
 */

/** A function that does the work on its first call and returns the same result from then on. */
export function doOnce<T>(work: () => Promise<T>): () => Promise<T> {
  const results = new Map<undefined, Promise<T>>();
  return () => onceFor(results, undefined, work);
}

/**
 * The remembered result for a key, or else that of the work, which is then remembered unless it fails.
 * @param results by key; entries may be deleted at any time
 */
export function onceFor<K, T>(results: Map<K, Promise<T>>, key: K, work: () => Promise<T>): Promise<T> {
  const earlier = results.get(key);
  if (earlier !== undefined) return earlier;
  const result = work();
  results.set(key, result);
  result.catch(() => {
    // A later result may have replaced it.
    if (results.get(key) === result) results.delete(key);
  });
  return result;
}
