/** Checks free disk space; separate from downloading because imports need it too. */
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { sizeInWords } from "../../base/figures.ts";
import { ModelError } from "../../models/errors.ts";

/**
 * Checks that a disk has room.
 * @throws ModelError "storage" when it does not
 */
export async function checkSpace(folder: string, neededBytes: number, freeBytes = freeSpace): Promise<void> {
  const free = await freeBytes(folder);
  if (free === undefined || free >= neededBytes + SPARE_BYTES) return;
  throw new ModelError(
    "storage",
    `${sizeInWords(neededBytes)} are needed in ${folder}, but its disk has only ${sizeInWords(free)} left. Free some space, or set HF_HUB_CACHE to a folder on another disk.`,
  );
}

/** Space to leave free. */
const SPARE_BYTES = 100e6;

async function freeSpace(folder: string): Promise<number | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    const disk = await statfs(at).catch(() => undefined);
    if (disk !== undefined) return disk.bavail * disk.bsize;
    if (at === dirname(at)) return undefined;
  }
}
