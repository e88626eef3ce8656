/** What tells one model's content from another's, without reading the weights: what was made with it is found again by this. */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { readManifest } from "./catalog.ts";
import { listFolder } from "./find.ts";

/**
 * A hash of the sums that a model's spanfill.json declares, and of the sizes and times of its other files.
 * @throws ModelError "config" when spanfill.json is malformed
 */
export async function modelIdentity(directory: string): Promise<string> {
  const { sha256, prefixes, calibration, languages } = readManifest(directory);
  const others = (await listFolder(directory)).filter(
    (name) => name !== "spanfill.json" && !Object.hasOwn(sha256, name),
  );
  const files = await Promise.all(
    others.map(async (name) => {
      const { size, mtimeMs } = await stat(join(directory, name)).catch(() => ({ size: 0, mtimeMs: 0 }));
      return [name, size, mtimeMs];
    }),
  );
  const content = JSON.stringify([sha256, prefixes, calibration, languages, files]);
  return createHash("sha256").update(content).digest("base64");
}

/** When a model's folder was written, in milliseconds: config.json comes last, and anew with better weights. 0 where there is none. */
export function writtenMs(directory: string): number {
  return statSync(join(directory, "config.json"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
