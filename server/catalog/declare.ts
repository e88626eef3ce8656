/** Declares an imported model in its spanfill.json. */
import { readdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { defined } from "../../base/defined.ts";
import { sha256Of } from "./folder/sums.ts";

/**
 * Writes spanfill.json with the name and the checksums, so that later damage is detected.
 * @param base the base of an adapter that stays apart
 */
export async function declare(folder: string, id: string, base?: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const sums: [string, string][] = [];
  for (const file of files.toSorted()) sums.push([relative(folder, file).replaceAll("\\", "/"), await sha256Of(file)]);
  const manifest = { id, ...defined({ base }), sha256: Object.fromEntries(sums) };
  await writeFile(join(folder, "spanfill.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}
