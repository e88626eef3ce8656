/** Remembers what was made of a text, by content: in memory, and on disk where the user allows; never the text itself. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { writeAtomically } from "../catalog/files.ts";
import { removeOwn } from "../catalog/removal.ts";

/** What was made of texts; the least recently used is forgotten first. */
export interface SummaryCache {
  /** What was kept under a key that reads like this one, if the schema knows it. */
  get<S extends z.ZodType>(key: readonly unknown[], schema: S): z.output<S> | undefined;
  set(key: readonly unknown[], value: object): void;
  /** Where it is kept from now on: what the file has joins what is here; once it is not wanted any more, the file goes. */
  keep(where: "memory" | "disk"): Promise<void>;
  /** Forgets everything, on disk too. @returns how many entries that were */
  clear(): Promise<number>;
  /** Writes what is not on disk yet, if it is to be. */
  flush(): Promise<void>;
}

/** @param options the file for what is kept on disk, and how much is kept, keys and values together */
export function createSummaryCache({ file, mostBytes = MOST_BYTES }: { file?: string; mostBytes?: number } = {}) {
  const entries = new Map<string, string>();
  let bytes = 0;
  let onDisk = false;
  let writing: NodeJS.Timeout | undefined;

  function put(key: string, value: string): void {
    drop(key);
    entries.set(key, value);
    bytes += sizeOf(key, value);
    for (const oldest of entries.keys()) {
      if (bytes <= mostBytes) break;
      drop(oldest);
    }
  }

  function drop(key: string): void {
    const value = entries.get(key);
    if (value !== undefined) bytes -= sizeOf(key, value);
    entries.delete(key);
  }

  const cache: SummaryCache = {
    get(key, schema) {
      const name = nameOf(key);
      const value = entries.get(name);
      if (value === undefined) return undefined;
      entries.delete(name);
      entries.set(name, value);
      return schema.safeParse(JSON.parse(value)).data;
    },
    set(key, value) {
      put(nameOf(key), JSON.stringify(value));
      if (onDisk) writing ??= setTimeout(() => void cache.flush().catch(() => undefined), WRITE_AFTER_MS).unref();
    },
    async keep(where) {
      const was = onDisk;
      onDisk = where === "disk" && file !== undefined;
      if (file === undefined || was === onDisk) return;
      if (!onDisk) return removeSummaries(file);
      const own = [...entries];
      for (const [key, value] of [...(await readEntries(file, 2 * mostBytes)), ...own]) put(key, value);
    },
    async clear() {
      const count = entries.size;
      clearTimeout(writing);
      writing = undefined;
      entries.clear();
      bytes = 0;
      if (file !== undefined) await removeSummaries(file);
      return count;
    },
    async flush() {
      clearTimeout(writing);
      const due = writing !== undefined && onDisk && file !== undefined;
      writing = undefined;
      if (!due) return;
      // Another window may have written meanwhile.
      const own = [...entries];
      for (const [key, value] of [...(await readEntries(file, 2 * mostBytes)), ...own]) put(key, value);
      // What cannot be kept is made again.
      await writeAtomically(file, async (handle) => {
        await handle.chmod(0o600);
        await handle.writeFile(JSON.stringify([...entries]));
      }).catch(() => undefined);
    },
  };
  return cache;
}

const MOST_BYTES = 4 * 1024 * 1024;
const WRITE_AFTER_MS = 2000;

function nameOf(key: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(key)).digest("base64");
}

/** Strings take up to two bytes a character, and a map's entry about a hundred. */
function sizeOf(key: string, value: string): number {
  return 2 * (key.length + value.length) + 100;
}

/** The entries of a file; none where it is not there, or not as it was written. */
async function readEntries(file: string, mostCharacters: number): Promise<[string, string][]> {
  const text = await readFile(file, "utf8").catch(() => "[]");
  if (text.length > mostCharacters) return [];
  try {
    return entriesSchema.parse(JSON.parse(text));
  } catch {
    return []; // it is made anew
  }
}

/** Removes the file, if what is in it was written here: entries whose keys are hashes. */
async function removeSummaries(file: string): Promise<void> {
  await removeOwn(file, dirname(file), async (path, status) => {
    if (!status.isFile() || status.size > MOST_REMOVED_BYTES) return false;
    try {
      const entries = entriesSchema.parse(JSON.parse(await readFile(path, "utf8")));
      return entries.every(([key]) => /^([A-Za-z0-9+/]{43}=)?$/.test(key));
    } catch {
      return false; // something else, or what nobody can read any more
    }
  });
}

const MOST_REMOVED_BYTES = 16 * MOST_BYTES;

/** A value is JSON, whose reader checks it. */
const entriesSchema = z.array(z.tuple([z.string(), z.string().refine(isJson)]));

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
