/** Counts of English word pairs, from the built-in models' training text; the table ships with the models. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { type BigramModel, createBigramModel, unpackBigrams } from "../../models/words/bigram.ts";
import { doOnce } from "../files/once.ts";
import { isMissing } from "../files/whole-file.ts";
import { findBuiltinFolder } from "./installed.ts";

/**
 * The word pairs, read on first use; undefined if they are not installed.
 * @throws ModelError "input" for a damaged table
 */
export const englishWordPairs: () => Promise<BigramModel | undefined> = doOnce(readPairs);

async function readPairs(): Promise<BigramModel | undefined> {
  const folder = findBuiltinFolder();
  if (folder === undefined) return undefined;
  const path = join(folder, "english.bigrams.gz");
  const packed = await readFile(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (packed === undefined) return undefined;
  const bytes = await promisify(gunzip)(packed).catch(() => Buffer.alloc(0));
  return createBigramModel(unpackBigrams(bytes, path));
}
