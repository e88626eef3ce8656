/** What a piece of work is given by the command that runs it, and what it returns to be printed. */

/** What a command made: printed as text, or as one line of JSON with --json. */
export interface CommandResult {
  readonly text: string;
  /** Whether the text is the answer itself, which a pipe or a file gets as it is, and not a report that quotes something. */
  readonly isAnswer?: boolean;
  readonly json: object;
  /** What to know of the text, printed on stderr beside it; the JSON says it in fields. */
  readonly notes?: readonly string[];
  /** Whether the signal stopped it: nothing is printed but a note, its own or the usual one, and the exit code is 130. */
  readonly cancelled?: boolean | string;
}

/** What a command may use while it works. */
export interface Work {
  /** Aborts at the first Ctrl+C; the second ends the process at once. */
  readonly signal: AbortSignal;
  /** Draws a line on stderr when that is a terminal and the work takes a while. */
  readonly progress: (label: string, done: number, total: number) => void;
}

/** Wrong usage found after parsing: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
