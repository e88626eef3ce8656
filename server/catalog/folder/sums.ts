/** Checks a model's files against the SHA-256 sums that it declares, once for each file as it is on disk. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, realpath, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ModelError } from "../../../models/errors.ts";
import { innerPathSchema, quoted } from "../../files/names.ts";
import { fileState } from "./identity.ts";

/**
 * Checks the declared files that a load reads: the weights it opened and the small files beside them. A file that was
 * intact is not read again while its place, size and time stay the same.
 * @param sums file name -> SHA-256 in hexadecimal
 * @param weights real paths of the weight files that were opened
 * @param marksFolder where it is remembered which files were intact; may not exist yet
 * @throws ModelError "checkpoint" naming the file that is not what it should be, or whose name leads out of the folder
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
        `${join(directory, "spanfill.json")} declares ${quoted(name)}, which is no file of this folder. Correct it, or get the model again.`,
      );
    }
    const path = await realpath(join(directory, name)).catch(() => undefined);
    // What is missing and needed is told by whoever reads it.
    if (path === undefined || !(weights.includes(path) || /\.(json|model)$/.test(name))) return;
    await onceIntact(path, sum.toLowerCase(), marksFolder, async () => {
      if ((await sha256Of(path)) === sum.toLowerCase()) return;
      throw new ModelError(
        "checkpoint",
        `${join(directory, name)} is not the file that spanfill.json names: its SHA-256 differs. It is damaged or was changed: get the model again, or correct spanfill.json if the change was meant.`,
      );
    });
  };
  await Promise.all(Object.entries(sums).map(check));
}

/**
 * Checks a file once, and again only when it was changed.
 * @param path its real path
 * @param what tells one check of the file from another
 * @param check throws where something is wrong
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
  // Where it cannot be remembered, the file is read again next time.
  await mkdir(marksFolder, { recursive: true })
    .then(() => writeFile(mark, `${MARK_TEXT}${basename(path)}\n`))
    .catch(() => undefined);
}

/** End of the names of the files that remember an intact one, and the beginning of what is in them. */
export const MARK = ".intact";
export const MARK_TEXT = "spanfill found intact: ";

/** A file's SHA-256 in lower-case hexadecimal. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}
