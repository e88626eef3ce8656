/**
 * Optional properties under TypeScript's exactOptionalPropertyTypes, where a property that is undefined is not one that
 * is absent.
 */

/** The properties that are not undefined: `{ ...defined({ signal }) }` has a signal only if there is one. */
export function defined<T extends object>(properties: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(properties).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
