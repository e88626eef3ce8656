/** Standard output and error: the only file that writes to them. Whatever a terminal shows is cleaned of what would command it. */
import { Console } from "node:console";
import { Writable } from "node:stream";
import { labelText, terminalJson, terminalText } from "../protocol/shown-text.ts";

/** Where text goes; `isTTY`: a terminal shows it. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
  on?(event: "error", listener: () => void): unknown;
}

/** Prints an answer, such as a filled text: a pipe or a file gets it unchanged. */
export function printAnswer(text: string, to: Output = process.stdout): void {
  to.write(to.isTTY === true ? terminalText(text) : text);
}

/** Prints a report on something, which quotes it at most. */
export function printReport(text: string, to: Output = process.stdout): void {
  to.write(terminalText(text));
}

/** Prints a value as a line of JSON. */
export function printJson(value: unknown, to: Output = process.stdout): void {
  const json = JSON.stringify(value);
  to.write(`${to.isTTY === true ? terminalJson(json) : json}\n`);
}

/** Prints a remark or an error, a line or a few. */
export function printNote(text: string, to: Output = process.stderr): void {
  to.write(`${terminalText(text, MOST_NOTED)}\n`);
}

/** {@link printNote} in the place of a line that {@link drawLine} drew. */
export function printNoteOverLine(text: string, to: Output = process.stderr): void {
  eraseLine(to);
  printNote(text, to);
}

/** Draws a line over the one before it, where there is a terminal. */
export function drawLine(text: string, to: Output = process.stderr): void {
  if (to.isTTY === true) to.write(`\r${labelText(text)}${ERASE}`);
}

/** Takes away what {@link drawLine} drew. */
export function eraseLine(to: Output = process.stderr): void {
  if (to.isTTY === true) to.write(`\r${ERASE}`);
}

/** A console that writes to standard error alone, for a process whose standard output is a protocol's. */
export function errorConsole(to: Output = process.stderr): Console {
  // As Node's own console does: when nobody reads it, that is no reason to end.
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
