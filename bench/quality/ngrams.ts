/** `bench ngrams`: the table of word n-grams that ships, its size and what it knows. */
import { readFileSync, statSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { percent } from "../../base/figures.ts";
import { createNgramModel } from "../../models/words/ngram.ts";
import { type NgramTable, readNgramTable } from "../../models/words/ngram-table.ts";
import { readDocuments, wordGaps } from "../support/kept-out.ts";

/** The table that ships. */
export const tablePath = "models/builtin/english.ngrams.gz";

/** A table's counts; by default those of the committed one. */
export function readTable(path = tablePath): NgramTable {
  return readNgramTable(gunzipSync(readFileSync(path)), path);
}

/**
 * Shows the size of the table, the time and memory that it takes, and the words that it fills exactly and among five.
 * @param path of another table
 */
export function benchNgrams(path = tablePath): void {
  const { size } = statSync(path);
  globalThis.gc?.();
  const before = process.memoryUsage();
  const started = process.cpuUsage();
  const table = readTable(path);
  const model = createNgramModel(table);
  const { user, system } = process.cpuUsage(started);
  globalThis.gc?.();
  const after = process.memoryUsage();
  const memory = (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / 1e6;
  const entries = table.levels.map(({ words }, i) => `${words.length} runs of ${i + 2}`);
  console.log(`${path}: ${(size / 1e6).toFixed(2)} MB, ${table.words.length} words, ${entries.join(", ")}`);
  console.log(`read in ${((user + system) / 1000).toFixed(0)} ms of processor time; ${memory.toFixed(0)} MB of memory`);
  const gaps = wordGaps(readDocuments());
  for (const both of [false, true]) {
    const from = performance.now();
    const words = gaps.map(({ before, after }) => model.predict(before, both ? after : undefined, 5));
    const ms = (performance.now() - from) / gaps.length;
    const share = (most: number) =>
      percent(gaps.filter(({ fill }, i) => words[i]?.slice(0, most).includes(fill)).length / gaps.length, 1);
    const sides = both ? "both sides" : "the words before";
    console.log(`${gaps.length} words from ${sides}: ${share(1)} exactly, ${share(5)} among five; ${ms.toFixed(2)} ms`);
  }
}
