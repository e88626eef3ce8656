/**
 * Messages between the benchmark and its extension in the window: one JSON object per line, over a local connection.
 */

/** A request to the extension. */
export type WindowRequest =
  /** Shows a file with the cursor at an offset, in UTF-16 units. Answered with null. */
  | { readonly ask: "open"; readonly path: string; readonly offset: number }
  /** Runs a command. Answered with what it gave. */
  | { readonly ask: "command"; readonly command: string }
  /** VS Code's own report of how it started ("Developer: Startup Performance"), as Markdown. */
  | { readonly ask: "startup" };

/** The extension's first line: where it runs. */
export interface WindowGreeting {
  readonly folder: string;
  /** Process id of the extension host. */
  readonly pid: number;
}

/** The answer to a request. */
export type WindowAnswer = { readonly result: unknown } | { readonly error: string };
