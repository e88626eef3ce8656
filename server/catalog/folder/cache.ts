/** Bounds the size of the folder of files that can be regenerated. */
import { lstat, readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { beginsWith, hasMetadata, metadataOf, removeOwn } from "../../files/removal.ts";
import { MARK, MARK_TEXT } from "./sums.ts";

/** Marks a cached file as recently used, so that it is removed later than others. */
export async function touch(path: string): Promise<void> {
  const now = new Date();
  // A read-only folder keeps its times.
  await utimes(path, now, now).catch(() => undefined);
}

/**
 * Removes the least recently used weight files of ours until the rest holds at most `mostBytes`, and also leftovers
 * of interrupted writes and old marks. What cannot be removed (in use, on Windows) stays. Files without our writer's
 * mark are neither removed nor counted, since they may belong to a person.
 * @param keep path of the file that was just written; it always stays
 */
export async function trimCache(folder: string, keep: string, mostBytes = MOST_BYTES): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const statuses = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const status = await lstat(path).catch(() => undefined);
      return status?.isFile() ? [{ path, sizeBytes: status.size, usedMs: status.mtimeMs }] : [];
    }),
  );
  const files = statuses.flat();
  const olderThan = (days: number) => (file: { readonly usedMs: number }) => Date.now() - file.usedMs > days * DAY_MS;
  const leftovers = files.filter(({ path }) => /\.safetensors\.[^/\\]{1,255}\.tmp$/.test(path)).filter(olderThan(1));
  const marks = files.filter(({ path }) => path.endsWith(MARK)).filter(olderThan(90));
  const ours = await Promise.all(
    files
      .filter(({ path }) => path.endsWith(".safetensors"))
      .map(async (file) => ((await isMadeHere(file.path)) ? [file] : [])),
  );
  let total = 0;
  const weights = ours
    .flat()
    .sort((a, b) => Number(b.path === keep) - Number(a.path === keep) || b.usedMs - a.usedMs)
    .filter(({ path, sizeBytes }) => {
      total += sizeBytes;
      return total > mostBytes && path !== keep;
    });
  const remove = (path: string) =>
    removeOwn(path, folder, path.endsWith(MARK) ? beginsWith(MARK_TEXT) : hasMetadata("spanfill", "key"));
  for (const { path } of [...leftovers, ...marks, ...weights]) await remove(path).catch(() => undefined);
}

/** Whether prepare.ts wrote these weights for the model that their name says. */
async function isMadeHere(path: string): Promise<boolean> {
  const { spanfill, key } = (await metadataOf(path)) ?? {};
  return spanfill !== undefined && key !== undefined && path.endsWith(`-${key.slice(0, 16)}.safetensors`);
}

/** Enough for a dozen models of small and base size in int8. */
const MOST_BYTES = 4e9;
const DAY_MS = 86_400_000;
