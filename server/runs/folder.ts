/**
 * The folder of a run: its request, the output of its process, and the orders to that process. It stays when the
 * model is removed.
 */
import { appendFile, readdir, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { runRequestSchema, type TrainRequestInput } from "../../protocol/train-request.ts";
import { holdFile, type TRAIN_CONTROLS } from "../../protocol/training.ts";
import type { Places } from "../catalog/store.ts";
import { openRegular, readRegularText } from "../files/regular-file.ts";
import { makeOwnFolder, PRIVATE } from "../files/removal.ts";
import { isMissing, writeAtomically } from "../files/whole-file.ts";

const recordSchema = z.object({
  /** Raised when earlier versions could not read the rest; a run of a later version is left alone. */
  version: z.literal(1).exactOptional(),
  id: z.string(),
  title: z.string(),
  /** ISO 8601. */
  startedAt: z.string(),
  request: runRequestSchema,
  /** The model's folder. */
  out: z.string(),
  /** The process started last; by this id it is known to run before it has locked the model's folder. */
  pid: z.int().exactOptional(),
  /** When that process was started, in milliseconds. */
  launchedMs: z.number(),
});

/** The stored description of a run. */
export type RunRecord = z.output<typeof recordSchema>;

/** The folder of all runs; hidden, so that it is not listed among the models beside it. */
export function runsFolder({ own }: Places): string {
  return join(own, ".runs");
}

/** The files of a run. */
export function runFiles(places: Places, id: string) {
  const folder = join(runsFolder(places), id);
  return {
    folder,
    record: join(folder, "run.json"),
    /** The request as `spanfill train --request` reads it. */
    request: join(folder, "request.json"),
    /** Lines of JSON; an incomplete last one is still being written. */
    events: join(folder, "events.jsonl"),
    /** The process's standard error. */
    errors: join(folder, "errors.txt"),
    control: join(folder, "control"),
  };
}

/** The ids of all runs. */
export async function listRuns(places: Places): Promise<string[]> {
  return readdir(runsFolder(places)).catch((error) => {
    if (isMissing(error)) return [];
    throw error;
  });
}

/** Reads the description of a run; undefined if there is none, or another version wrote it. */
export async function readRecord(places: Places, id: string): Promise<RunRecord | undefined> {
  try {
    const record = recordSchema.parse(JSON.parse(await readRegularText(runFiles(places, id).record)));
    // Its place determines whose run it is and where the model lies: a file must not choose what is written or removed.
    return record.id === id ? { ...record, out: join(places.own, id) } : undefined;
  } catch {
    return undefined; // not a run of ours
  }
}

/** Writes the description of a run. */
export async function writeRecord(places: Places, record: RunRecord): Promise<void> {
  const path = runFiles(places, record.id).record;
  await writeAtomically(path, (handle) => handle.writeFile(`${JSON.stringify(record, null, 2)}\n`));
}

/** Writes the request that a run's process begins with; only its owner can read it. */
export async function writeRunRequest(places: Places, { id, request, out }: RunRecord): Promise<void> {
  const written: TrainRequestInput = { ...request, out };
  await writeAtomically(runFiles(places, id).request, async (handle) => {
    await handle.chmod(0o600);
    await handle.writeFile(`${JSON.stringify(written, null, 2)}\n`);
  });
}

/** Writes an order for a run's process; without a word, earlier orders are forgotten. */
export async function order(
  places: Places,
  id: string,
  word: (typeof TRAIN_CONTROLS)[number] | undefined,
): Promise<void> {
  const { control } = runFiles(places, id);
  await writeAtomically(control, (handle) => handle.writeFile(`${word ?? ""}\n`));
}

/** Makes the live runs wait until a time, in milliseconds. */
export async function holdRuns(places: Places, untilMs: number): Promise<void> {
  const until = new Date(untilMs);
  for (const id of await listRuns(places)) {
    await utimes(holdFile(runFiles(places, id).control), until, until).catch((error) => {
      if (!isMissing(error)) throw error; // the file exists only while the run's process does
    });
  }
}

/** Prepares the folder for a process that appends events: an incomplete line of an earlier process is ended. */
export async function readyFolder(places: Places, id: string): Promise<void> {
  const { folder, events } = runFiles(places, id);
  await makeOwnFolder(folder, places.own, PRIVATE);
  const last = await readTail(events, 1);
  if (last !== "" && last !== "\n") await appendFile(events, "\n");
}

/** The last bytes of a file as text; empty if there is no file. */
export async function readTail(path: string, bytes: number): Promise<string> {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size === 0) return "";
  const handle = await openRegular(path);
  try {
    const buffer = Buffer.alloc(Math.min(bytes, size));
    await handle.read(buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString("utf8");
  } finally {
    await handle.close();
  }
}

/**
 * Reads a growing file of JSON lines.
 * @returns a function that returns the lines added since its last call, without those that are not JSON
 */
export function followLines(path: string): () => Promise<unknown[]> {
  let read = 0;
  let rest = Buffer.alloc(0);
  return async () => {
    const size = (await stat(path).catch(() => undefined))?.size ?? 0;
    if (size <= read) return [];
    const handle = await openRegular(path);
    try {
      const buffer = Buffer.alloc(size - read);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, read);
      read += bytesRead;
      const all = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      const end = all.lastIndexOf(10) + 1;
      rest = all.subarray(end);
      return all.subarray(0, end).toString("utf8").split("\n").flatMap(parsed);
    } finally {
      await handle.close();
    }
  };
}

function parsed(line: string): unknown[] {
  try {
    return line === "" ? [] : [JSON.parse(line)];
  } catch {
    return []; // a process was killed while it wrote
  }
}
