/** Input and output that the commands share: texts, results, progress, errors, interruption, exit codes. */
import { withStack } from "../../base/reason.ts";
import { systemReason } from "../../base/system-error.ts";
import { ModelError } from "../../models/errors.ts";
import { type CommandResult, UsageError, type Work } from "../command-work.ts";
import { drawLine, eraseLine, printAnswer, printJson, printNote, printReport } from "../output.ts";
import { decodeText, readBytes } from "../text/input.ts";

/** Exit codes that scripts can rely on. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/**
 * How long work may go on after Ctrl+C before the process ends under it. What it was writing has a temporary name, and
 * is removed by the next that writes there.
 */
const GRACE_MS = 1000;

/**
 * Runs a command's work, prints its result or error, and sets the exit code. Never rejects.
 * @param ends whether Ctrl+C waits for the work's own end, which keeps what was done
 */
export async function runCommand(
  json: boolean,
  work: (work: Work) => Promise<CommandResult>,
  { ends = false }: { readonly ends?: boolean } = {},
): Promise<void> {
  const controller = new AbortController();
  // Only once: a second Ctrl+C then ends the process, even inside a native call.
  process.once("SIGINT", () => {
    controller.abort();
    if (ends) return;
    const late = () => {
      bar.clear();
      printInterrupted(json);
      process.exit();
    };
    setTimeout(late, GRACE_MS).unref();
  });
  const bar = progressLine();
  // Node's own handler would print the error uncleaned.
  process.once("uncaughtException", (error) => {
    printError(json, error);
    process.exit();
  });
  try {
    const result = await work({ signal: controller.signal, progress: bar.draw });
    bar.clear();
    if (result.cancelled) printInterrupted(json, result.cancelled === true ? undefined : result.cancelled);
    else {
      if (json) printJson(result.json);
      else if (result.isAnswer === true) printAnswer(result.text);
      else printReport(result.text);
      if (!json) for (const line of result.details ?? []) printNote(line);
      if (!json && result.notes !== undefined) printNote(`(${result.notes.join("; ")})`);
    }
  } catch (error) {
    bar.clear();
    if (controller.signal.aborted && !(error instanceof ModelError)) printInterrupted(json);
    else printError(json, error);
  }
}

/**
 * Prints an error and sets the exit code: with --json as {"error":{"code","message"}} on stdout, else as a line on
 * stderr.
 */
export function printError(json: boolean, error: unknown): void {
  if (error instanceof UsageError) {
    printFailure(json, "usage", error.message);
    process.exitCode = EXIT.usage;
    return;
  }
  process.exitCode = EXIT.failed;
  const why = systemReason(error);
  if (error instanceof ModelError) printFailure(json, error.code, error.message);
  else if (why !== undefined) printFailure(json, "storage", why);
  else printFailure(json, "internal", withStack(error));
}

/** Makes a closed output pipe end the process with exit code 1 and one line on stderr instead of a stack trace. */
export function watchPipes(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    printNote(
      error.code === "EPIPE"
        ? "spanfill: the reader closed the pipe before all output was written."
        : `spanfill: the output could not be written: ${error.message}`,
    );
    process.exit(EXIT.failed);
  });
  process.stderr.on("error", () => process.exit(EXIT.failed));
}

/**
 * The text of a file, or of standard input for "-" or undefined.
 * @returns the exact text, including a byte order mark
 * @throws UsageError when there is neither a file nor a pipe; ModelError "input" when it is not UTF-8 text;
 *   DOMException AbortError when interrupted
 */
export async function readText(file: string | undefined, signal?: AbortSignal): Promise<string> {
  if (file === undefined && process.stdin.isTTY) {
    throw new UsageError("No input: name a file, or pipe text in (spanfill COMMAND < notes.md).");
  }
  const name = file === undefined || file === "-" ? "standard input" : file;
  const bytes = await readBytes(file ?? "-", signal);
  // An interrupted pipe ends as one that was read to its end.
  signal?.throwIfAborted();
  return decodeText(bytes, name);
}

function printInterrupted(json: boolean, note = "Interrupted; nothing was changed."): void {
  printFailure(json, "interrupted", note);
  process.exitCode = EXIT.interrupted;
}

function printFailure(json: boolean, code: string, message: string): void {
  if (json) printJson({ error: { code, message } });
  else printNote(`spanfill: ${message}`);
}

const PROGRESS_AFTER_MS = 700;
const BAR_WIDTH = 24;

function progressLine() {
  const started = performance.now();
  let drawn = false;
  return {
    draw: (label: string, done: number, total: number) => {
      if (!process.stderr.isTTY || performance.now() - started < PROGRESS_AFTER_MS) return;
      const filled = Math.round((BAR_WIDTH * done) / Math.max(total, 1));
      drawLine(`${label} [${"#".repeat(filled).padEnd(BAR_WIDTH, ".")}] ${done}/${total}`);
      drawn = true;
    },
    clear: () => {
      if (drawn) eraseLine();
      drawn = false;
    },
  };
}
