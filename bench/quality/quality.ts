/**
 * `bench quality`: `spanfill evaluate` on the repositories that training never saw, and the model cards that quote it.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { defined } from "../../base/defined.ts";
import { parseSettings } from "../../protocol/settings.ts";
import { listBuiltin, resolveModel } from "../../server/catalog/installed.ts";
import type { Work } from "../../server/command-work.ts";
import type { Precision } from "../../server/engine/engine.ts";
import { evaluate, prepareEvaluation } from "../../server/evaluation/evaluate.ts";
import { type ModelPool, openPool } from "../../server/evaluation/pool.ts";
import { printReport } from "../../server/evaluation/print.ts";
import type { SummaryStyle } from "../../server/features/read/summary-text.ts";
import type { Interval } from "../../server/metrics/metrics.ts";
import type { EvaluationReport } from "../../server/metrics/report.ts";
import { type Judge, type JudgeOptions, startJudge } from "../summaries/likelihood.ts";
import { evaluateStyle, rawFiles, type StyleEstimates } from "../summaries/raw.ts";
import { calledFrom } from "../support/called-from.ts";
import {
  cardFigures,
  chooseExamples,
  examplesSection,
  type ModelExamples,
  makeExamples,
  withSection,
} from "../support/card.ts";
import { keptOutPath, readDocuments } from "../support/kept-out.ts";
import { printTable } from "../support/table.ts";
import { tablePath } from "./ngrams.ts";

/** Options of the measurement. */
export interface QualityOptions extends JudgeOptions {
  /** A model's id or folder; all built-in models when absent. */
  readonly model?: string;
  readonly precision: Precision;
  /** Documents drawn by the seed; all when absent. */
  readonly limit?: number;
  /** Whether to write each model's eval.json, and the figures and examples in its README.md. */
  readonly write: boolean;
  /** The first unseen set (cleaned Markdown), or the raw files of the second. */
  readonly part: readonly QualityPart[];
  /** Styles of the summaries of raw files. */
  readonly style: readonly SummaryStyle[];
}

/** A set that is measured on. */
export type QualityPart = "cleaned" | "raw";

/**
 * Evaluates summaries, titles and fills of each model and prints the tables; with `write` brings the model cards up to
 * date.
 */
export async function benchQuality(options: QualityOptions): Promise<void> {
  const { model, precision, limit, write, part, style } = options;
  const folders =
    model === undefined
      ? listBuiltin().map(({ directory }) => directory)
      : [resolveModel(model, { workingFolder: calledFrom() })];
  const work: Work = { signal: new AbortController().signal, progress: showProgress };
  const chosen = chooseExamples(readDocuments());
  const examples: ModelExamples[] = [];
  await using judge = options.judge === undefined ? undefined : await startJudge(options.judge, options.python);
  for (const directory of folders) {
    await using pool = await openPool({ model: directory, precision });
    if (part.includes("raw")) await evaluateRaw(pool, limit, style, work, judge);
    if (!part.includes("cleaned")) continue;
    const reports = await evaluateAll(pool, limit, work);
    if (!write) continue;
    examples.push(await makeExamples(pool, chosen, work));
    writeFileSync(join(directory, "eval.json"), `${JSON.stringify(reports, null, 2)}\n`);
    editCard(directory, "figures", cardFigures(reports));
  }
  if (!write) return;
  // Last, since each card shows what all models made of the documents.
  for (const directory of folders) editCard(directory, "examples", examplesSection(chosen, examples));
}

const TASKS = ["summarize", "title", "infill"] as const;
const SEED = 0;

async function evaluateAll(pool: ModelPool, limit: number | undefined, work: Work): Promise<EvaluationReport[]> {
  const reports: EvaluationReport[] = [];
  for (const task of TASKS) {
    const options = {
      task,
      data: keptOutPath,
      seed: SEED,
      ...defined({ limit }),
      ...defined({ ngrams: task === "infill" ? tablePath : undefined }),
    };
    const { report } = await evaluate(pool, await prepareEvaluation(options, work.signal), work);
    console.log(printReport(report));
    reports.push(report);
  }
  return reports;
}

/** Prints what users get of raw files with the default settings, style by style. */
async function evaluateRaw(
  pool: ModelPool,
  limit: number | undefined,
  styles: readonly SummaryStyle[],
  work: Work,
  judge: Judge | undefined,
): Promise<void> {
  const files = await rawFiles(limit, SEED);
  const least = parseSettings({}).settings["summary.minimumConfidence"];
  for (const style of styles) {
    const options = { style, minimumConfidence: least };
    printStyle(pool.info.id, await evaluateStyle(pool, files, options, SEED, work, judge));
  }
}

const RAW_COLUMNS = {
  rouge1: "ROUGE-1",
  rouge2: "ROUGE-2",
  rougeL: "ROUGE-L",
  whole: "whole %",
  faithful: "true names %",
  both: "both %",
  quoted: "quoted %",
  copied: "4-grams copied %",
  words: "words",
  grammatical: "grammatical %",
  nats: "nats a token",
};

function printStyle(model: string, { style, files, systems }: StyleEstimates): void {
  const range = (interval: Interval | null | undefined) =>
    interval === null || interval === undefined
      ? "-"
      : `${interval.mean.toFixed(1)} [${interval.low.toFixed(1)} ${interval.high.toFixed(1)}]`;
  console.log(
    `\n${model}, ${style}, ${files} raw files of the second unseen set; 95% bootstrap intervals, seed ${SEED}`,
  );
  const columns = Object.entries(RAW_COLUMNS).filter(([metric]) => systems[0]?.scores[metric] !== undefined);
  const compared = columns.filter(([metric]) => metric === "rougeL" || metric === "nats");
  printTable([
    ["", ...columns.map(([, title]) => title), ...compared.map(([, title]) => `${title}, product less it`)],
    ...systems.map(({ name, scores, difference }) => [
      name,
      ...columns.map(([metric]) => range(scores[metric])),
      ...compared.map(([metric]) => range(difference?.[metric])),
    ]),
  ]);
}

function editCard(directory: string, section: string, content: string): void {
  const path = join(directory, "README.md");
  const card = existsSync(path) ? readFileSync(path, "utf8") : `# ${basename(directory)}\n`;
  writeFileSync(path, withSection(card, section, content));
  console.log(`${basename(directory)}/README.md: ${section}`);
}

let shown = "";

/** Every tenth of the way, since this runs long and often into a file. */
function showProgress(label: string, done: number, total: number): void {
  const line = `${label}: ${10 * Math.floor((10 * done) / total)}%\n`;
  if (line !== shown) process.stderr.write(line);
  shown = line;
}
