/** Whether a disk has room; apart from what downloads, for an import uses no network. */
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { ModelError } from "../../models/errors.ts";

/**
 * Refuses what the disk has no room for.
 * @throws ModelError "storage"
 */
export async function checkSpace(folder: string, neededBytes: number, freeBytes = freeSpace): Promise<void> {
  const free = await freeBytes(folder);
  if (free === undefined || free >= neededBytes + SPARE_BYTES) return;
  const gb = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new ModelError(
    "storage",
    `${gb(neededBytes)} are needed in ${folder}, and its disk has ${gb(free)} left. Free some space, or set HF_HUB_CACHE to a folder on another disk.`,
  );
}

/** Left free for everything else. */
const SPARE_BYTES = 100e6;

async function freeSpace(folder: string): Promise<number | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    const found = await statfs(at).catch(() => undefined);
    if (found !== undefined) return found.bavail * found.bsize;
    if (at === dirname(at)) return undefined;
  }
}
