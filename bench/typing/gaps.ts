/** Words, phrases and sentences in gaps of documents that no training saw: the second part of `bench typing`. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defined } from "../../base/defined.ts";
import type { Work } from "../../server/command-work.ts";
import { evaluate, prepareEvaluation } from "../../server/evaluation/evaluate.ts";
import { openPool } from "../../server/evaluation/pool.ts";
import { printReport } from "../../server/evaluation/print.ts";
import type { EvaluationReport } from "../../server/metrics/report.ts";
import { tablePath } from "../quality/ngrams.ts";
import { keptOutPath } from "../support/kept-out.ts";
import { readSecondSet } from "../support/second-set.ts";

/**
 * Fills gaps in the cleaned documents of the first unseen set and in the raw files of the second, and prints how often
 * the fills are right.
 * @param limit documents of each set, drawn by the seed
 */
export async function benchGaps(
  model: string | undefined,
  limit: number,
  seed: number,
): Promise<readonly EvaluationReport[]> {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-gaps-"));
  const work: Work = { signal: new AbortController().signal, progress: () => undefined };
  try {
    const raw = join(folder, "second-set-raw.jsonl");
    const files = readSecondSet().filter(({ raw, format }) => raw && DOCUMENTS.includes(format));
    writeFileSync(raw, files.map(({ source, text }) => `${JSON.stringify({ source, text })}\n`).join(""));
    await using pool = await openPool({ ...defined({ model }), precision: "int8" });
    const reports: EvaluationReport[] = [];
    for (const data of [keptOutPath, raw]) {
      const options = { task: "infill", data, seed, limit, ngrams: tablePath } as const;
      const { report } = await evaluate(pool, await prepareEvaluation(options, work.signal), work);
      console.log(printReport(report));
      reports.push(report);
    }
    return reports;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const DOCUMENTS = ["md", "mdx", "rst", "adoc", "tex"];
