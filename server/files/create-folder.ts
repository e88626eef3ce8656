/** Folders that are created together with those above them. */
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { ModelError } from "../../models/errors.ts";

/**
 * Creates a folder and those above it, where they are missing. Node's own recursive creation never ends where the
 * system reports a folder as missing that is there, as in /proc.
 * @throws ModelError "storage" where that is so; else the system's error
 */
export function createFolder(path: string): void {
  if (isCreated(path)) return;
  createFolder(dirname(path));
  if (!isCreated(path))
    throw new ModelError("storage", `${path} cannot be created: folders cannot be made there. Name another place.`);
}

/** Creates one folder. @returns whether it is there; false if the one above it is missing */
function isCreated(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" && dirname(path) !== path) return false;
    if (code === "EEXIST" && statSync(path).isDirectory()) return true;
    throw error;
  }
}
