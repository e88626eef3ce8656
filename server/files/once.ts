/** Work that is done once and remembered, unless it fails: a failure is told to those who waited for it, and the next to ask tries again. */

/** Returns what does the work when first asked, and gives the same answer from then on. */
export function doOnce<T>(work: () => Promise<T>): () => Promise<T> {
  const known = new Map<undefined, Promise<T>>();
  return () => onceFor(known, undefined, work);
}

/**
 * The answer known for a key, else that of the work, which is then known; work that fails is forgotten.
 * @param known by key; entries may be deleted at any time
 */
export function onceFor<K, T>(known: Map<K, Promise<T>>, key: K, work: () => Promise<T>): Promise<T> {
  const before = known.get(key);
  if (before !== undefined) return before;
  const made = work();
  known.set(key, made);
  made.catch(() => {
    // A later one may have taken its place.
    if (known.get(key) === made) known.delete(key);
  });
  return made;
}
