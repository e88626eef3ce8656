/** The table that ranks English sentences; it ships with the models. */
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { parseSentenceTable, type SentenceTable } from "../../models/words/sentence-table.ts";
import { doOnce } from "../files/once.ts";
import { readRegularFile } from "../files/regular-file.ts";
import { isMissing } from "../files/whole-file.ts";
import { findBuiltinFolder } from "./installed.ts";

/**
 * The table, read on first use; undefined if it is not installed.
 * @throws ModelError "input" for a damaged table
 */
export const englishSentenceTable: () => Promise<SentenceTable | undefined> = doOnce(readTable);

/** The table that ships is a tenth of this. */
const MOST_BYTES = 64 * 1024 * 1024;

async function readTable(): Promise<SentenceTable | undefined> {
  const folder = findBuiltinFolder();
  if (folder === undefined) return undefined;
  const path = join(folder, "english.sentences.gz");
  const packed = await readRegularFile(path, MOST_BYTES).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (packed === undefined) return undefined;
  return parseSentenceTable(await promisify(gunzip)(packed).catch(() => Buffer.alloc(0)), path);
}
