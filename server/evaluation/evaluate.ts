/** Runs an evaluation from data to report: reads and checks the rows, has the task done, and describes the figures. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { defined } from "../../base/defined.ts";
import { seededRandom, seededSample } from "../../models/random.ts";
import { createNgramModel, type NgramModel } from "../../models/words/ngram.ts";
import { TASK_PREFIXES } from "../../protocol/task-prefixes.ts";
import { UsageError, type Work } from "../command-work.ts";
import { RESAMPLES } from "../metrics/estimate.ts";
import type { EvaluationReport } from "../metrics/report.ts";
import { decodeText } from "../text/input.ts";
import { readData, readNgrams } from "../training/data/tables/data-file.ts";
import { parseRows, type Row, type RowFormat, rolesOf } from "../training/data/tables/rows.ts";
import { answerTask, labelTask } from "./answers.ts";
import type { Prediction, TaskContext, TaskResult } from "./evaluated-task.ts";
import { fillTask } from "./fills.ts";
import type { ModelPool } from "./pool.ts";
import { summaryTask, titleTask } from "./summaries.ts";

/** The data and options of an evaluation. */
export interface EvaluateOptions {
  readonly task: RowFormat;
  /** JSON lines, compressed or not; "-" for standard input. */
  readonly data: string;
  /** Role -> column, if the usual names do not apply. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Number of rows, drawn with the seed; all if absent. */
  readonly limit?: number;
  readonly seed: number;
  /** infill: how many proposals count as hits. Default 5. */
  readonly alternatives?: number;
  /** infill: a corpus for counting n-grams, or a table of counts. */
  readonly ngrams?: string;
  /** classify: the text before each input. Default: the model's own, or else that of `TASK_PREFIXES`. */
  readonly prefix?: string;
}

/** Data that was read and checked, ready for any model. */
export interface Evaluation {
  readonly options: EvaluateOptions;
  readonly data: EvaluationReport["data"];
  /** Does the task on the rows. */
  readonly run: (context: TaskContext) => Promise<TaskResult>;
}

/**
 * Reads an evaluation's data, and the corpus for its baseline.
 * @throws ModelError "input" naming what is wrong and in which row; UsageError for a column role that the task does
 * not have
 */
export async function prepareEvaluation(options: EvaluateOptions, signal: AbortSignal): Promise<Evaluation> {
  const { task } = options;
  if (task === "summarize") return read(options, task, summaryTask, signal);
  if (task === "title") return read(options, task, titleTask, signal);
  if (task === "qa") return read(options, task, answerTask, signal);
  if (task === "classify") {
    const run = (rows: readonly Row<"classify">[], context: TaskContext) =>
      labelTask(rows, context, options.prefix ?? context.pool.info.prefixes.classify ?? TASK_PREFIXES.classify);
    return read(options, task, run, signal);
  }
  const { alternatives = 5 } = options;
  let ngrams: NgramModel | undefined;
  const fill = (rows: readonly Row<"infill">[], context: TaskContext) =>
    fillTask(rows, context, { alternatives, ngrams });
  return read(options, task, fill, signal, async (sources) => {
    if (options.ngrams === undefined) return;
    ngrams = createNgramModel(await readNgrams(options.ngrams, sources, signal));
  });
}

/**
 * Evaluates a model.
 * @throws the signal's reason when it aborts; what the model throws
 */
export async function evaluate(
  pool: ModelPool,
  { options, data, run }: Evaluation,
  work: Work,
): Promise<{ readonly report: EvaluationReport; readonly predictions: readonly Prediction[] }> {
  const started = performance.now();
  const { task, seed } = options;
  const { groups, confusion, alternatives, notes, predictions } = await run({ ...work, pool, seed });
  const { id, precision, parameters } = pool.info;
  const report: EvaluationReport = {
    version: 1,
    task,
    model: { id, precision, parameters },
    data,
    settings: { seed, resamples: RESAMPLES, ...defined({ alternatives }), notes },
    groups,
    ...defined({ confusion }),
    seconds: Math.round((performance.now() - started) / 100) / 10,
  };
  return { report, predictions };
}

async function read<T extends RowFormat>(
  options: EvaluateOptions,
  task: T,
  run: (rows: readonly Row<T>[], context: TaskContext) => Promise<TaskResult>,
  signal: AbortSignal,
  also: (sources: readonly string[]) => Promise<void> = async () => undefined,
): Promise<Evaluation> {
  const { columns = {}, limit, seed } = options;
  const strange = Object.keys(columns).find((role) => !rolesOf(task).includes(role));
  if (strange !== undefined) {
    throw new UsageError(`--columns: ${task} has no "${strange}"; it has ${rolesOf(task).join(", ")}.`);
  }
  const { name, packed, bytes } = await readData(options.data, signal);
  const all = parseRows(task, decodeText(bytes, name), name, columns);
  const rows = limit === undefined ? all.rows : seededSample(all.rows, limit, seededRandom(seed));
  await also(all.rows.map(({ source }) => source));
  return {
    options,
    data: {
      name: basename(name),
      sha256: createHash("sha256").update(packed).digest("hex"),
      rows: all.rows.length,
      used: rows.length,
      empty: all.empty.length,
      columns: all.columns,
    },
    run: (context) => run(rows, context),
  };
}
