/**
 * What `npm run fuzz` has Jazzer.js call: `fuzz` reads bytes with the reader that SPANFILL_FUZZ names. With `--list` or
 * `--seeds FOLDER` the file prints the readers' names, or writes the reader's seeds.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { outcomeOf } from "./checkpoints.ts";
import { allReaders } from "./readers.ts";

const readers = allReaders();
const reader = readers.find(({ name }) => name === process.env["SPANFILL_FUZZ"]);
const [option, folder = ""] = process.argv.slice(2);
if (option === "--list") console.log(readers.map(({ name }) => name).join("\n"));
if (option === "--seeds") {
  mkdirSync(folder, { recursive: true });
  for (const [i, seed] of (reader?.seeds ?? []).entries()) writeFileSync(join(folder, `seed-${i}`), seed);
}

/** Reads bytes; a finding is anything but a value or a ModelError. */
export async function fuzz(data: Buffer): Promise<void> {
  if (reader === undefined) throw new Error("SPANFILL_FUZZ names no reader");
  await outcomeOf(reader, new Uint8Array(data));
}
