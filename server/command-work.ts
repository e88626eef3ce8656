/** The interface between a command's work and the code that runs it. */

/** A command's result: printed as text, or as one line of JSON with --json. */
export interface CommandResult {
  readonly text: string;
  /** Whether the text is the answer itself, which a pipe or a file gets unchanged, rather than a report. */
  readonly isAnswer?: boolean;
  readonly json: object;
  /** Notes about the text, printed on stderr beside it; the JSON has fields for them. */
  readonly notes?: readonly string[];
  /** More about the text, a line each, printed on stderr before the notes. */
  readonly details?: readonly string[];
  /**
   * Whether the signal stopped the work: only a note is printed (this string or the default), and the exit code is
   * 130.
   */
  readonly cancelled?: boolean | string;
}

/** The means that a command may use while it works. */
export interface Work {
  /** Aborts at the first Ctrl+C; the second ends the process at once. */
  readonly signal: AbortSignal;
  /** Draws a line on stderr if that is a terminal and the work takes a while. */
  readonly progress: (label: string, done: number, total: number) => void;
}

/** Wrong usage found after parsing; leads to exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
