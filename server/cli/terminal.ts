/** What commands share on the way in and out: input text, printed results, progress, errors, interruption, exit codes. */
import { isUtf8 } from "node:buffer";
import { open } from "node:fs/promises";
import { ModelError } from "../../models/errors.ts";
import { drawLine, eraseLine, printAnswer, printJson, printNote, printReport } from "../output.ts";

/** Exit codes that scripts can rely on. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

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

/** Runs a command's work, prints its result or what went wrong, and sets the exit code; never rejects. */
export async function runCommand(json: boolean, work: (work: Work) => Promise<CommandResult>): Promise<void> {
  const controller = new AbortController();
  // Once: the handler is gone for the second Ctrl+C, so that one ends the process even inside a native call.
  process.once("SIGINT", () => controller.abort());
  const bar = progressLine();
  // Node would print it as it is.
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
      if (!json && result.notes !== undefined) printNote(`(${result.notes.join("; ")})`);
    }
  } catch (error) {
    bar.clear();
    if (controller.signal.aborted && !(error instanceof ModelError)) printInterrupted(json);
    else printError(json, error);
  }
}

/** Prints an error, as {"error":{"code","message"}} on stdout with --json, else as a line on stderr; sets the exit code. */
export function printError(json: boolean, error: unknown): void {
  if (error instanceof UsageError) {
    printFailure(json, "usage", error.message);
    process.exitCode = EXIT.usage;
    return;
  }
  process.exitCode = EXIT.failed;
  if (error instanceof ModelError) printFailure(json, error.code, error.message);
  else printFailure(json, "internal", error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** Makes a closed output pipe end the process with exit code 1 and one line on stderr, instead of a stack trace. */
export function watchPipes(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    printNote(
      error.code === "EPIPE"
        ? "spanfill: the reader closed the pipe before everything was written."
        : `spanfill: the output could not be written: ${error.message}`,
    );
    process.exit(EXIT.failed);
  });
  process.stderr.on("error", () => process.exit(EXIT.failed));
}

/**
 * The text of a file, or of standard input for "-" or nothing.
 * @returns the text exactly as it is, a byte order mark included
 * @throws UsageError when there is neither a file nor a pipe; ModelError "input" when it is not readable UTF-8 text
 */
export async function readText(file: string | undefined, signal?: AbortSignal): Promise<string> {
  if (file === undefined && process.stdin.isTTY) {
    throw new UsageError("No input: name a file, or pipe text in (spanfill COMMAND < notes.md).");
  }
  const name = file === undefined || file === "-" ? "standard input" : file;
  return decodeText(await readBytes(file ?? "-", signal), name);
}

/**
 * The text of bytes in UTF-8.
 * @param name where they come from, for messages
 * @throws ModelError "input" when they are something else
 */
export function decodeText(bytes: Buffer, name: string): string {
  const nul = bytes.indexOf(0);
  if (bytes.length >= 2 && (bytes.readUInt16BE(0) === 0xfffe || bytes.readUInt16BE(0) === 0xfeff)) {
    throw new ModelError("input", `${name} is UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8) and try again.`);
  }
  if (nul >= 0) {
    throw new ModelError("input", `${name} is binary (a NUL byte at offset ${nul}); give plain text instead.`);
  }
  if (!isUtf8(bytes)) {
    throw new ModelError(
      "input",
      `${name} is not UTF-8 (a bad byte at offset ${badByte(bytes)}); convert it to UTF-8 first.`,
    );
  }
  return bytes.toString("utf8");
}

/**
 * The bytes of a file, or of standard input for "-".
 * @throws ModelError "input" when it cannot be read
 */
export async function readBytes(file: string, signal?: AbortSignal): Promise<Buffer> {
  return file === "-" ? readStdin(signal) : readFileBytes(file);
}

const LARGEST_BYTES = 256 * 1024 * 1024;

async function readFileBytes(file: string): Promise<Buffer> {
  try {
    await using handle = await open(file, "r");
    const stat = await handle.stat();
    if (stat.isDirectory()) throw new ModelError("input", `${file} is a folder; name a text file in it.`);
    if (stat.size > LARGEST_BYTES) throw tooLarge(file);
    return await handle.readFile();
  } catch (error) {
    if (error instanceof ModelError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT" ? "does not exist; check the path" : code === "EACCES" ? "may not be read by you" : message;
    throw new ModelError("input", `${file}: ${why}.`, { cause: error });
  }
}

async function readStdin(signal: AbortSignal | undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const stop = () => process.stdin.destroy();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of process.stdin) {
      const bytes: Buffer = Buffer.from(chunk);
      chunks.push(bytes);
      size += bytes.length;
      if (size > LARGEST_BYTES) throw tooLarge("standard input");
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
  return Buffer.concat(chunks);
}

function tooLarge(name: string): ModelError {
  return new ModelError(
    "input",
    `${name} is larger than ${LARGEST_BYTES / 1024 / 1024} MB; split it into smaller files.`,
  );
}

/** Offset of the first byte that is not UTF-8: what cannot be decoded becomes U+FFFD. */
function badByte(bytes: Buffer): number {
  const text = bytes.toString("utf8");
  return Buffer.byteLength(text.slice(0, text.indexOf("\uFFFD")));
}

function printInterrupted(json: boolean, note = "Interrupted before it was done; nothing was changed."): void {
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
