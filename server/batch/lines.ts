/** The lines of a batch's answers, and the file that keeps them. */

import { appendFile } from "node:fs/promises";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import * as z from "zod";
import { ModelError } from "../../models/errors.ts";
import { regularFileChunks } from "../files/regular-file.ts";
import { isMissing, writeAtomically } from "../files/whole-file.ts";
import { unreadable } from "../text/input.ts";

const errorSchema = z.object({ code: z.string(), message: z.string() });
const lineSchema = z.looseObject({
  file: z.string(),
  /** The sum of the file's bytes. */
  sha256: z.string().exactOptional(),
  /** The sum of the program, the model and the options that answered. */
  asked: z.string().exactOptional(),
  summary: z.string().exactOptional(),
  error: errorSchema.exactOptional(),
  leftOut: z.string().exactOptional(),
});

/** The answer to one file: a summary with what is known of it, an error, or why the file was left out. */
export type BatchLine = z.output<typeof lineSchema>;

/** A value as a line of a batch; undefined for any other. */
export function batchLine(value: unknown): BatchLine | undefined {
  return lineSchema.safeParse(value).data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A key of what answers one question: the same text under the same name, asked of the same model in the same way. */
export function answerKey(file: string, sha256: string, asked: string): string {
  return `${asked} ${sha256} ${basename(file)}`;
}

/**
 * The summaries that an earlier run has left in a file, by their keys. A last line that is cut off is passed over.
 * @throws ModelError "input" when the file holds anything else
 */
export async function earlierAnswers(path: string): Promise<Map<string, BatchLine>> {
  const answers = new Map<string, BatchLine>();
  try {
    const lines = createInterface({
      input: Readable.from(regularFileChunks(path)),
      crlfDelay: Number.POSITIVE_INFINITY,
    });
    let [number, wrong] = [0, 0];
    for await (const text of lines) {
      number += 1;
      if (wrong > 0) break;
      const line = batchLine(parsed(text));
      if (line === undefined) wrong = number;
      else if (line.summary !== undefined && line.sha256 !== undefined && line.asked !== undefined)
        answers.set(answerKey(line.file, line.sha256, line.asked), line);
    }
    if (wrong === 0 || (wrong === number && number > 1)) return answers;
    throw new ModelError(
      "input",
      `${path} is not what an earlier batch wrote (line ${wrong}). Name another file with --out, or remove this one.`,
    );
  } catch (error) {
    if (isMissing(error)) return answers;
    throw error instanceof ModelError ? error : unreadable(path, error);
  }
}

/** A file of lines that grows as answers come, so that an interrupted batch goes on, and is in order at the end. */
export interface BatchFile {
  add(line: BatchLine): Promise<void>;
  /** Writes the lines in the order of the files, if they came in another. */
  complete(lines: readonly BatchLine[]): Promise<void>;
}

/** Begins a file with the lines that are known. */
export async function createBatchFile(path: string, known: readonly BatchLine[]): Promise<BatchFile> {
  await write(path, known);
  const written = [...known];
  return {
    async add(line) {
      await appendFile(path, textOf(line));
      written.push(line);
    },
    async complete(lines) {
      if (lines.length !== written.length || lines.some((line, i) => line !== written[i])) await write(path, lines);
    },
  };
}

async function write(path: string, lines: readonly BatchLine[]): Promise<void> {
  await writeAtomically(path, async (handle) => {
    for (const line of lines) await handle.appendFile(textOf(line));
  });
}

function textOf(line: BatchLine): string {
  return `${JSON.stringify(line)}\n`;
}
