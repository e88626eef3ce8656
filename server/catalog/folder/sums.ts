/** Verifies a model's files against the SHA-256 sums that it declares, once per state of each file. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { realpath, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ModelError } from "../../../models/errors.ts";
import { createFolder } from "../../files/create-folder.ts";
import { innerPathSchema, quoted } from "../../files/names.ts";
import { regularFileChunks } from "../../files/regular-file.ts";
import { fileState } from "./file-state.ts";

/**
 * Verifies the declared files that loading reads: the opened weights and the small files next to them. A verified
 * file is not read again while its path, size and times stay the same.
 * @param sums file name -> SHA-256 in hexadecimal
 * @param weights real paths of the opened weight files
 * @param marksFolder where verified files are recorded; need not exist
 * @throws ModelError "checkpoint" naming a file that differs, or whose name leads out of the folder
 */
export async function checkSums(
  directory: string,
  sums: Readonly<Record<string, string>>,
  weights: readonly string[],
  marksFolder: string,
): Promise<void> {
  const check = async ([name, sum]: readonly [string, string]) => {
    if (!innerPathSchema.safeParse(name).success) {
      throw new ModelError(
        "checkpoint",
        `${join(directory, "spanfill.json")} declares ${quoted(name)}, which is not a file in this folder. Correct it, or download the model again.`,
      );
    }
    const path = await realpath(join(directory, name)).catch(() => undefined);
    // A missing file is reported by the code that needs it.
    if (path === undefined || !(weights.includes(path) || /\.(json|model)$/.test(name))) return;
    await onceIntact(path, sum.toLowerCase(), marksFolder, async () => {
      if ((await sha256Of(path)) === sum.toLowerCase()) return;
      throw new ModelError(
        "checkpoint",
        `${join(directory, name)} is not the file that spanfill.json describes: its SHA-256 differs. It is damaged or was changed: download the model again, or correct spanfill.json if the change was intended.`,
      );
    });
  };
  await Promise.all(Object.entries(sums).map(check));
}

/**
 * Runs a check of a file once, and again only after the file has changed.
 * @param path its real path
 * @param what identifies the kind of check
 * @param check throws if something is wrong
 */
export async function onceIntact(
  path: string,
  what: string,
  marksFolder: string,
  check: () => Promise<void>,
): Promise<void> {
  const identity = JSON.stringify([path, fileState(await stat(path)), what]);
  const mark = join(marksFolder, `${createHash("sha256").update(identity).digest("hex").slice(0, 32)}${MARK}`);
  if (existsSync(mark)) return;
  await check();
  // If this cannot be recorded, the file is checked again next time.
  const record = async () => {
    createFolder(marksFolder);
    await writeFile(mark, `${MARK_TEXT}${basename(path)}\n`);
  };
  await record().catch(() => undefined);
}

/** Suffix of the files that record a verified file, and the beginning of their content. */
export const MARK = ".intact";
export const MARK_TEXT = "spanfill found intact: ";

/** A file's SHA-256 in lower-case hexadecimal. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(regularFileChunks(path), hash);
  return hash.digest("hex");
}
