/** Creates the table of word pairs that ships and that `bench quality` compares with, from the training corpus. */
import { createReadStream, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { gunzipSync, gzipSync } from "node:zlib";
import { percent } from "../base/figures.ts";
import {
  type BigramCounts,
  countBigrams,
  createBigramModel,
  packBigrams,
  pruneBigrams,
  unpackBigrams,
} from "../models/words/bigram.ts";
import { keptOutRepositories, readDocuments, repositoryOf, wordGaps } from "./support/kept-out.ts";

/** The table that ships. */
export const tablePath = "models/builtin/english.bigrams.gz";
const pairsKept = 550_000;

/**
 * Counts the word pairs of a corpus without the kept-out repositories.
 * @param corpus path of JSON lines with `source` and `text`, or "-" for standard input
 */
export async function countCorpus(corpus: string): Promise<BigramCounts> {
  return countBigrams(trainingTexts(corpus));
}

/** The committed table's counts. */
export function readBigramTable(): BigramCounts {
  return unpackBigrams(gunzipSync(readFileSync(tablePath)), tablePath);
}

/** Counts a corpus, prunes the counts and writes the table. */
export async function writeBigramTable(corpus: string): Promise<void> {
  const counts = await countCorpus(corpus);
  const pruned = pruneBigrams(counts, pairsKept);
  const bytes = gzipSync(packBigrams(pruned), { level: 9 });
  writeFileSync(tablePath, bytes);
  const words = Array.from(counts.counts).reduce((a, b) => a + b, 0);
  console.log(`${words} words, ${counts.words.length} different, ${counts.next.length} pairs`);
  console.log(
    `kept ${pruned.words.length} words and ${pruned.next.length} pairs in ${bytes.length} bytes: ${tablePath}`,
  );
  const gaps = wordGaps(readDocuments());
  const exact = (of: BigramCounts, both: boolean): string => {
    const model = createBigramModel(of);
    const right = gaps.filter((gap) => model.predict(gap.before, both ? gap.after : undefined, 1)[0] === gap.fill);
    return percent(right.length / gaps.length, 1);
  };
  const table = readBigramTable();
  console.log(
    `words filled exactly, all counts and the table: ${exact(counts, false)} and ${exact(table, false)} from the word`,
  );
  console.log(`before; ${exact(counts, true)} and ${exact(table, true)} from both sides (${gaps.length} gaps)`);
}

async function* trainingTexts(corpus: string): AsyncGenerator<string> {
  const input = corpus === "-" ? process.stdin : createReadStream(corpus);
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const { source, text } = JSON.parse(line) as { source: string; text: string };
    if (!keptOutRepositories.has(repositoryOf(source))) yield text;
  }
}
