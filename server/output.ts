/**
 * Standard output and error; the only file that writes to them. Text for a terminal is cleaned of control sequences.
 */
import { Console } from "node:console";
import { Writable } from "node:stream";
import { labelText, terminalJson, terminalText } from "../protocol/shown-text.ts";

/** A stream for text; `isTTY` if a terminal shows it. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
  on?(event: "error", listener: () => void): unknown;
}

/** Prints an answer, such as a filled text. A pipe or a file gets it unchanged. */
export function printAnswer(text: string, to: Output = process.stdout): void {
  to.write(to.isTTY === true ? terminalText(text) : text);
}

/** Prints a report, which at most quotes text from outside. */
export function printReport(text: string, to: Output = process.stdout): void {
  to.write(terminalText(text));
}

/** Prints a value as a line of JSON. */
export function printJson(value: unknown, to: Output = process.stdout): void {
  const json = JSON.stringify(value);
  to.write(`${to.isTTY === true ? terminalJson(json) : json}\n`);
}

/** Prints a remark or an error of a few lines. */
export function printNote(text: string, to: Output = process.stderr): void {
  to.write(`${terminalText(text, MOST_NOTED)}\n`);
}

/** {@link printNote} in place of the line that {@link drawLine} drew. */
export function printNoteOverLine(text: string, to: Output = process.stderr): void {
  eraseLine(to);
  printNote(text, to);
}

/** Draws a line over the previous one, if there is a terminal. */
export function drawLine(text: string, to: Output = process.stderr): void {
  if (to.isTTY === true) to.write(`\r${labelText(text)}${ERASE}`);
}

/** Erases what {@link drawLine} drew. */
export function eraseLine(to: Output = process.stderr): void {
  if (to.isTTY === true) to.write(`\r${ERASE}`);
}

/** A console that writes only to standard error, for a process whose standard output carries a protocol. */
export function errorConsole(to: Output = process.stderr): Console {
  // Like Node's own console: a closed stream does not end the process.
  to.on?.("error", () => undefined);
  const decoder = new TextDecoder();
  return new Console(
    new Writable({
      write: (chunk: Uint8Array, _encoding, done) => {
        to.write(terminalText(decoder.decode(chunk, { stream: true }), MOST_NOTED));
        done();
      },
    }),
  );
}

const ERASE = "\u001b[K";
const MOST_NOTED = 20_000;
