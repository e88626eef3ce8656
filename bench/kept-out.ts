/** The documents that no training run may see, and what `bench quality` measures on. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import type { EvaluationDocument } from "../server/training/evaluate.ts";
import { cutGaps, type Gap } from "../server/training/gaps.ts";

/** Repositories left out of all training data; models/recipes/evaluation-data.py holds the same list. */
export const keptOutRepositories: ReadonlySet<string> = new Set([
  "denoland/docs",
  "open-telemetry/opentelemetry.io",
  "cypress-io/cypress-documentation",
  "nuxt/nuxt",
  "18F/18f.gsa.gov",
]);

/** `owner/repo` of a source `owner/repo:path`. */
export function repositoryOf(source: string): string {
  return source.split(":")[0] ?? source;
}

/**
 * Reads documents with summaries, one JSON object a line.
 * @param path the committed file unless told; `.gz` or plain
 * @throws Error naming the line that is malformed
 */
export function readDocuments(path = "bench/data/kept-out.jsonl.gz"): EvaluationDocument[] {
  const bytes = readFileSync(path);
  const lines = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8").trim().split("\n");
  return lines.map((line, i) => {
    const row = documentSchema.safeParse(JSON.parse(line));
    if (!row.success) throw new Error(`${path}, line ${i + 1}: ${z.prettifyError(row.error)}`);
    return row.data;
  });
}

/** The gaps of documents; a document's are the same whatever other documents there are. */
export function gapsOf(documents: readonly EvaluationDocument[]): Gap[] {
  return documents.flatMap(({ source, text }) => {
    let seed = 0;
    for (const letter of source) seed = (Math.imul(seed, 31) + (letter.codePointAt(0) ?? 0)) >>> 0;
    return cutGaps(text, seed);
  });
}

/** The gaps of documents that are one word. */
export function wordGaps(documents: readonly EvaluationDocument[]): Gap[] {
  return gapsOf(documents).filter((gap) => gap.kind !== "phrase");
}

const documentSchema = z.object({
  source: z.string(),
  extractive: z.boolean(),
  title: z.string(),
  text: z.string(),
  summary: z.string(),
});
