/**
 * Remembers what was made of a text, by content: in memory, and on disk where the user allows; never the text itself.
 */
import { createHash, randomUUID } from "node:crypto";
import { dirname } from "node:path";
import { LRUCache } from "lru-cache";
import * as z from "zod";
import { inTurn as lockedTurn } from "../../files/lock.ts";
import { readRegularText, readRegularTextSync } from "../../files/regular-file.ts";
import { removeOwn } from "../../files/removal.ts";
import { writeAtomically } from "../../files/whole-file.ts";

/** Summaries by text; the least recently used is forgotten first. */
export interface SummaryCache {
  /** The value stored under an equal key, if it fits the schema. */
  get<S extends z.ZodType>(key: readonly unknown[], schema: S): z.output<S> | undefined;
  set(key: readonly unknown[], value: object): void;
  /**
   * Where it is kept from now on: what the file has joins what is here; where that is not wanted, the file goes.
   * @throws Error where the file is of a newer version, which is left alone
   */
  keep(where: "memory" | "disk"): Promise<void>;
  /** Forgets everything, on disk and in other processes too. @returns how many entries that were here */
  clear(): Promise<number>;
  /** Writes what is not on disk yet, if it is to be. */
  flush(): Promise<void>;
}

/**
 * Processes share the file. A second one, beside it, names the last time that everything was forgotten: what was made
 * before counts no more, wherever it is.
 * @param options the file for what is kept on disk, and how much is kept, keys and values together
 */
export function createSummaryCache({ file, mostBytes = MOST_BYTES }: { file?: string; mostBytes?: number } = {}) {
  const entries = new LRUCache<string, string>({
    maxSize: mostBytes,
    sizeCalculation: (value, key) => sizeOf(key, value),
  });
  let onDisk = false;
  let writing: NodeJS.Timeout | undefined;
  let since = lastForgotten(file);
  let last: Promise<unknown> = Promise.resolve();

  const oldestFirst = (): [string, string][] => [...entries.rkeys()].map((key) => [key, entries.peek(key) ?? ""]);

  /** Does one thing with the file after the other. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  }

  /** Forgets what another process has forgotten. */
  function heed(): void {
    const now = lastForgotten(file);
    if (now !== since) entries.clear();
    since = now;
  }

  /** Adds the file's entries to those in memory, which are newer and win. */
  async function join(path: string): Promise<void> {
    const found = await readEntries(path, 2 * mostBytes);
    heed();
    const newer = oldestFirst();
    for (const [key, value] of [...(found.since === since ? found.entries : []), ...newer]) entries.set(key, value);
  }

  /** Writes the file, and again where everything was forgotten meanwhile. */
  async function write(path: string): Promise<void> {
    for (let written: string | undefined; written !== since; heed()) {
      await join(path);
      written = since;
      const mark: [string, string][] = since === "" ? [] : [[MARK, JSON.stringify(since)]];
      if (entries.size === 0) await removeSummaries(path);
      else
        await writeAtomically(path, async (handle) => {
          await handle.chmod(0o600);
          await handle.writeFile(JSON.stringify([...mark, ...oldestFirst()]));
        });
    }
  }

  const cache: SummaryCache = {
    get(key, schema) {
      heed();
      const value = entries.get(nameOf(key));
      return value === undefined ? undefined : schema.safeParse(JSON.parse(value)).data;
    },
    set(key, value) {
      heed();
      entries.set(nameOf(key), JSON.stringify(value));
      if (onDisk) writing ??= setTimeout(() => void cache.flush().catch(() => undefined), WRITE_AFTER_MS).unref();
    },
    keep: (where) =>
      inTurn(async () => {
        const was = onDisk;
        onDisk = where === "disk" && file !== undefined;
        if (file === undefined) return;
        // Perhaps it was wanted when a process before this one ended.
        if (!onDisk) await removeSummaries(file);
        else if (!was) await join(file);
      }),
    clear: () =>
      inTurn(async () => {
        const count = entries.size;
        clearTimeout(writing);
        writing = undefined;
        entries.clear();
        if (file === undefined) return count;
        const name = randomUUID();
        const marked = writeAtomically(markOf(file), (handle) => handle.writeFile(name));
        await marked.then(
          () => {
            since = name;
          },
          () => undefined, // where nothing can be written, nothing was kept
        );
        await removeSummaries(file);
        return count;
      }),
    flush() {
      clearTimeout(writing);
      const due = writing !== undefined;
      writing = undefined;
      return inTurn(async () => {
        // What cannot be kept is made again.
        if (due && onDisk && file !== undefined) await lockedTurn(file, () => write(file)).catch(() => undefined);
      });
    },
  };
  return cache;
}

const MOST_BYTES = 4 * 1024 * 1024;
const WRITE_AFTER_MS = 2000;

function nameOf(key: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(key)).digest("base64");
}

/** The first entry's name in a file, whose value says since when the others are. */
const MARK = "";

function markOf(file: string): string {
  return `${file}.forgotten`;
}

/** The name of the last time that everything was forgotten; "" for never. */
function lastForgotten(file: string | undefined): string {
  if (file === undefined) return "";
  try {
    return readRegularTextSync(markOf(file));
  } catch {
    return "";
  }
}

/** Strings take up to two bytes a character, and a map's entry about a hundred. */
function sizeOf(key: string, value: string): number {
  return 2 * (key.length + value.length) + 100;
}

/** The entries of a file, and since when they are; none where it is not there, or not as it was written. */
async function readEntries(
  file: string,
  mostCharacters: number,
): Promise<{ readonly since: string; readonly entries: readonly [string, string][] }> {
  const none = { since: "", entries: [] };
  const text = await readRegularText(file, MOST_REMOVED_BYTES).catch(() => "[]");
  if (text.length > mostCharacters) return none;
  let isNewer = false;
  try {
    const content: unknown = JSON.parse(text);
    isNewer = laterSchema.safeParse(content).success;
    if (isNewer) throw new Error(`${file} is of a newer version of Spanfill and is left alone`);
    const all = entriesSchema.parse(content);
    const mark = all.find(([name]) => name === MARK);
    const since = mark === undefined ? "" : z.string().parse(JSON.parse(mark[1]));
    return { since, entries: all.filter(([name]) => name !== MARK) };
  } catch (error) {
    if (isNewer) throw error;
    return none; // it is made anew
  }
}

/** Removes the file, if what is in it was written here: entries whose keys are hashes. */
async function removeSummaries(file: string): Promise<void> {
  await removeOwn(file, dirname(file), async (path, status) => {
    if (!status.isFile() || status.size > MOST_REMOVED_BYTES) return false;
    try {
      const entries = entriesSchema.parse(JSON.parse(await readRegularText(path, MOST_REMOVED_BYTES)));
      return entries.every(([key]) => /^([A-Za-z0-9+/]{43}=)?$/.test(key));
    } catch {
      return false; // something else, or what nobody can read any more
    }
  });
}

const MOST_REMOVED_BYTES = 16 * MOST_BYTES;

/** A value is JSON, whose reader checks it. */
const entriesSchema = z.array(z.tuple([z.string(), z.string().refine(isJson)]));

/** Versions after this one write an object with their number. */
const laterSchema = z.object({ version: z.number() });

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
