/** A function that makes its result when it is first called, and returns the same one from then on. */
export function onFirstCall<T>(make: () => T): () => T {
  let result: { readonly value: T } | undefined;
  return () => {
    result ??= { value: make() };
    return result.value;
  };
}
