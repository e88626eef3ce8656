/** The documents that no training run may see, on which `bench quality` measures. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import sets from "../../models/recipes/kept-out.json" with { type: "json" };
import { gapsOf, type RowGap } from "../../server/evaluation/fills.ts";
import { parseRows, type Row } from "../../server/training/data/tables/rows.ts";

/** Repositories that nothing is trained, counted or fitted on, whose list the recipes in Python read too. */
export const keptOutRepositories: ReadonlySet<string> = new Set([...sets.first, ...sets.second]);

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
