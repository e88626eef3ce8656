/** A sum of all that an answer depends on besides the document: the program, the model's files and the options. */
import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ModelError } from "../../models/errors.ts";
import { fileKind, isGgufFile } from "../catalog/folder/model-files.ts";
import { sha256Of } from "../catalog/folder/sums.ts";
import type { SummaryStyle } from "../features/read/summary-text.ts";

/** How documents are summarized. */
export interface BatchOptionsOfModel {
  readonly style: SummaryStyle;
  readonly precision: string;
  readonly minimumConfidence: number;
  readonly maxWords?: number;
  readonly maxContextTokens?: number;
}

/** A model's files. */
export interface ModelFiles {
  /** The folder's name, or the file's. */
  readonly name: string;
  /** Absolute paths; the files of a folder, or one GGUF file. */
  readonly paths: readonly string[];
}

/**
 * The files of a model.
 * @throws ModelError "config" where they are not next to one another, as T5X's arrays are not
 */
export async function modelFiles(directory: string): Promise<ModelFiles> {
  const name = basename(directory);
  if (isGgufFile(directory)) return { name, paths: [directory] };
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.map((entry) => entry.name).sort();
  const inside = names.filter((each) => fileKind(each) !== undefined && each !== "README.md");
  const paths = inside.map((each) => join(directory, each));
  for (const path of paths)
    if ((await stat(path)).isDirectory())
      throw new ModelError(
        "config",
        `${path} is a folder of weights. Write the model anew: spanfill export ${name} --to hf --out ./DIR.`,
      );
  return { name, paths };
}

/** The sum of program, model and options, 16 hexadecimal digits. */
export async function askedSum({ paths }: ModelFiles, options: BatchOptionsOfModel): Promise<string> {
  // The names of a bundle's other files are sums of their content, and stand in this one.
  const program = fileURLToPath(new URL("./cli.js", import.meta.url));
  const sums = await Promise.all([program, ...paths].map(async (path) => [basename(path), await sha256Of(path)]));
  const { style, precision, minimumConfidence, maxWords, maxContextTokens } = options;
  const asked = [sums, style, precision, minimumConfidence, maxWords ?? null, maxContextTokens ?? null];
  return createHash("sha256").update(JSON.stringify(asked)).digest("hex").slice(0, 16);
}
