/** The documents that no training run may see, on which `bench quality` measures. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { gapsOf, type RowGap } from "../../server/evaluation/fills.ts";
import { parseRows, type Row } from "../../server/training/data/rows.ts";

/** Repositories left out of all training data; models/recipes/evaluation-data.py holds the same list. */
export const keptOutRepositories: ReadonlySet<string> = new Set([
  "denoland/docs",
  "open-telemetry/opentelemetry.io",
  "cypress-io/cypress-documentation",
  "nuxt/nuxt",
  "18F/18f.gsa.gov",
]);

/** JSON lines of all described documents of those repositories. */
export const keptOutPath = "bench/data/kept-out.jsonl.gz";

/** `owner/repo` of a source `owner/repo:path`. */
export function repositoryOf(source: string): string {
  return source.split(":")[0] ?? source;
}

/** The documents, each with the summary that its authors wrote. */
export function readDocuments(): readonly Row<"summarize">[] {
  return parseRows("summarize", gunzipSync(readFileSync(keptOutPath)).toString("utf8"), keptOutPath).rows;
}

/** The gaps of documents that are one word. */
export function wordGaps(documents: readonly Row<"summarize">[]): RowGap[] {
  return documents
    .flatMap((document) => gapsOf(document, 0))
    .filter(({ kind }) => kind === "content" || kind === "function");
}
