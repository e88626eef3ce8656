/**
 * A table that names from outside are looked up in: it has no prototype, so that `constructor` or `__proto__` in a text
 * are as unknown as any other word.
 */
export function table<T>(entries: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.assign(Object.create(null), entries);
}
