/** An error in words. */

/** The message of an error, or the thrown value itself as text. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An error with its stack, for a log. */
export function withStack(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
