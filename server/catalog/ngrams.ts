/** Counts of English word n-grams, from the built-in models' training text; the table ships with the models. */
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { NgramModel } from "../../models/words/ngram.ts";
import { doOnce } from "../files/once.ts";
import { readRegularFile } from "../files/regular-file.ts";
import { isMissing } from "../files/whole-file.ts";
import { findBuiltinFolder } from "./installed.ts";

/**
 * The n-grams, read on first use; undefined if they are not installed.
 * @throws ModelError "input" for a damaged table
 */
export const englishNgrams: () => Promise<NgramModel | undefined> = doOnce(readTable);

/** The table that ships is a tenth of this. */
const MOST_BYTES = 64 * 1024 * 1024;

async function readTable(): Promise<NgramModel | undefined> {
  const folder = findBuiltinFolder();
  if (folder === undefined) return undefined;
  const path = join(folder, "english.ngrams.gz");
  const packed = await readRegularFile(path, MOST_BYTES).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (packed === undefined) return undefined;
  const { createNgramModel } = await import("../../models/words/ngram.ts");
  const { readNgramTable } = await import("../../models/words/ngram-table.ts");
  const bytes = await promisify(gunzip)(packed).catch(() => Buffer.alloc(0));
  return createNgramModel(readNgramTable(bytes, path));
}
