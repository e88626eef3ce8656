/**
 * `bench learning`: what ten minutes of training on this machine teach the built-in model, on data that it has not
 * seen.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setInterval } from "node:timers";
import { brotliDecompressSync } from "node:zlib";
import { seededRandom } from "../../models/random.ts";
import { type TrainRequestInput, trainRequestSchema } from "../../protocol/train-request.ts";
import type { TrainEvent } from "../../protocol/training.ts";
import { resolveModel } from "../../server/catalog/installed.ts";
import { evaluate, prepareEvaluation } from "../../server/evaluation/evaluate.ts";
import type { Prediction } from "../../server/evaluation/evaluated-task.ts";
import { openPool } from "../../server/evaluation/pool.ts";
import { asFile } from "../../server/evaluation/summaries.ts";
import { estimateSystems, ratio, type Statistic } from "../../server/metrics/estimate.ts";
import { runTraining } from "../../server/training/run/start.ts";
import { calledFrom } from "../support/called-from.ts";
import { readDocuments, repositoryOf } from "../support/kept-out.ts";
import { printTable } from "../support/table.ts";
import { questionsOf } from "./questions.ts";

/** The tasks and limits from the command line. */
export interface LearningOptions {
  readonly task: readonly LearningTask[];
  readonly model?: string;
  /** Minutes of all threads' processor time, so that other work on the machine does not count. */
  readonly minutes: number;
  /** Where data and trained models go. */
  readonly out: string;
  /** Threads of one operator; the time is that of all cores, however many there are. */
  readonly threads: number;
}

/** The tasks that are learned. */
const LEARNING_TASKS = ["summarize", "qa", "classify", "infill"] as const;

/** One of them. */
export type LearningTask = (typeof LEARNING_TASKS)[number];

/** Data on disk, settings that differ from the command's own, and what is compared. */
interface Course {
  readonly about: string;
  /** Writes what is learned (`train`, a file or a folder) and what is tested on (test.jsonl). */
  readonly write: (folder: string) => void;
  readonly train: string;
  readonly settings: Partial<TrainRequestInput>;
  readonly metrics: (predictions: readonly Prediction[]) => Readonly<Record<string, Statistic>>;
}

const SEED = 0;
/** Drawn by the seed. */
const MOST_ITEMS = 400;
/** The number of cores that "ten minutes" refers to. */
const CORES = 2;
/** Share of a repository's files that is tested on. */
const TEST_SHARE = 0.3;
const [SUMMARY_REPOSITORIES, WORKSPACE] = [["cypress-io/cypress-documentation", "denoland/docs"], "nuxt/nuxt"];

const scores = (names: readonly string[]) => (predictions: readonly Prediction[]) =>
  Object.fromEntries(names.map((name) => [name, ratio(predictions.map((one) => Number(one[name])))]));

const courses: Readonly<Record<LearningTask, Course>> = {
  summarize: {
    about: `summaries of ${SUMMARY_REPOSITORIES.join(" and ")}, other files of both`,
    write(folder) {
      const rows = SUMMARY_REPOSITORIES.flatMap(documentsOf).map(({ source, title, text, summary }) => ({
        source,
        text: asFile(title, text),
        summary,
      }));
      const { learn, test } = split(rows);
      writeRows(join(folder, "train.jsonl"), learn);
      writeRows(join(folder, "test.jsonl"), test);
    },
    train: "train.jsonl",
    settings: { evaluateEvery: 20, epochs: 100 },
    metrics: scores(["rouge1", "rouge2", "rougeL"]),
  },
  qa: {
    about: "questions made of all five repositories; XQuAD's English part",
    write(folder) {
      const random = seededRandom(SEED);
      const rows = readDocuments().flatMap(({ source, text }) =>
        questionsOf(text, random).map((made) => ({ source, ...made })),
      );
      writeRows(join(folder, "train.jsonl"), rows);
      writeRows(join(folder, "test.jsonl"), readPacked("xquad-en"));
    },
    train: "train.jsonl",
    settings: { evaluateEvery: 100, epochs: 20, maxInputTokens: 320, learningRate: 2e-3, validationShare: 0.04 },
    metrics: scores(["exact", "f1"]),
  },
  classify: {
    about: "Banking77, its own parts",
    write(folder) {
      const rows = readPacked("banking77");
      const of = (part: string) => rows.filter(({ split }) => split === part);
      writeRows(join(folder, "train.jsonl"), of("train"));
      writeRows(join(folder, "test.jsonl"), of("test"));
    },
    train: "train.jsonl",
    settings: { evaluateEvery: 200, epochs: 40, batchSize: 32, learningRate: 3e-3, validationShare: 0.04 },
    metrics: scores(["exact"]),
  },
  infill: {
    about: `gaps in ${WORKSPACE}, other files of it`,
    write(folder) {
      const { learn, test } = split([...documentsOf(WORKSPACE)]);
      for (const { source, title, text } of learn) {
        const file = join(folder, "docs", source.slice(WORKSPACE.length + 1).replace(/\.\w+$/, ".md"));
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, asFile(title, text));
      }
      writeRows(
        join(folder, "test.jsonl"),
        test.map(({ source, text }) => ({ source, text })),
      );
    },
    train: "docs",
    settings: { evaluateEvery: 20, epochs: 100 },
    metrics(predictions) {
      const logProbs = predictions.map(({ referenceLogProbs: known }) =>
        Array.isArray(known) ? known.map(Number) : [],
      );
      const losses = logProbs.map((one) => -one.reduce((a, b) => a + b, 0));
      const tokens = ratio(
        losses,
        logProbs.map(({ length }) => length),
      );
      return { "nats/token": tokens, ...scores(["exact"])(predictions) };
    },
  },
};

/** Trains, evaluates before and after, prints a table, and keeps the figures in bench/results/learning.json. */
export async function benchLearning({ task, model, minutes, out, threads }: LearningOptions): Promise<void> {
  const base = resolveModel(model, { workingFolder: calledFrom() });
  const table = [["learned", "minutes", "tested on", "metric", "before", "after", "difference (95%)"]];
  for (const name of task) {
    const { about, write, train, settings, metrics } = courses[name];
    const folder = resolve(out, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    write(folder);
    const test = join(folder, "test.jsonl");
    const tuned = join(folder, "model");
    const before = await predictionsOf(name, base, test);
    const run = await learn({ task: name, data: join(folder, train), base, out: tuned, ...settings, threads }, minutes);
    const after = await predictionsOf(name, tuned, test);
    const places = after.map((_, i) => i);
    const systems = [
      { name: "after", metrics: metrics(after) },
      { name: "before", metrics: metrics(before) },
    ];
    const [now, then] = estimateSystems(places, systems, SEED);
    for (const [metric, figure] of Object.entries(now?.scores ?? {})) {
      const difference = then?.difference?.[metric];
      const shown = (value: number | undefined) =>
        value === undefined ? "" : metric === "nats/token" ? value.toFixed(3) : (100 * value).toFixed(1);
      const bounds = `${shown(difference?.mean)} (${shown(difference?.low)} to ${shown(difference?.high)})`;
      table.push([
        name,
        (run.cpuSeconds / 60 / CORES).toFixed(1),
        `${after.length} items`,
        metric,
        shown(then?.scores[metric]?.mean),
        shown(figure?.mean),
        bounds,
      ]);
    }
    keep(name, { about, items: after.length, settings, ...run, after: now?.scores, before: then });
  }
  console.log(`\n${task.map((name) => `${name}: ${courses[name].about}`).join("\n")}`);
  console.log(`minutes: processor time of ${CORES} cores; shares in %, 95% paired bootstrap\n`);
  printTable(table);
}

/** Runs `spanfill train` until it ends, has used its time, or Ctrl+C is pressed; the best weights so far are kept. */
async function learn(settings: TrainRequestInput, minutes: number) {
  const stop = new AbortController();
  const [started, wall] = [cpuSeconds(), performance.now()];
  const used = () => cpuSeconds() - started;
  const interrupt = () => stop.abort();
  process.once("SIGINT", interrupt);
  const watch = setInterval(() => {
    if (used() > 60 * minutes * CORES) stop.abort();
  }, 1000);
  let last = "";
  const onEvent = (event: TrainEvent) => {
    if (event.type !== "step") return;
    last = `${event.step}/${event.steps} steps, loss ${event.loss.toFixed(3)}`;
    if (event.step % 20 === 0) process.stderr.write(`${last}; ${used().toFixed(0)} s of processor time\n`);
  };
  try {
    const request = trainRequestSchema.parse({ ...JUDGED_BY_LOSS, ...settings });
    const { best } = await runTraining(request, { signal: stop.signal, onEvent });
    process.stderr.write(`Validation loss ${best.validation.toFixed(4)} after step ${best.step}\n`);
  } finally {
    clearInterval(watch);
    process.off("SIGINT", interrupt);
  }
  return { cpuSeconds: Math.round(used()), wallSeconds: Math.round((performance.now() - wall) / 1000), last };
}

const RESULTS = "bench/results/learning.json";

/** Beside the figures of other tasks that were measured before. */
function keep(name: string, figures: object): void {
  const known: object = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, "utf8")) : {};
  mkdirSync(dirname(RESULTS), { recursive: true });
  writeFileSync(RESULTS, `${JSON.stringify({ ...known, [name]: figures }, null, 2)}\n`);
}

/** Settings that differ from the defaults: only the loss chooses the weights, since judging costs time. */
const JUDGED_BY_LOSS = { method: "full", judged: 0, patience: 5, seed: SEED, restart: true } as const;

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function predictionsOf(task: LearningTask, model: string, data: string): Promise<readonly Prediction[]> {
  const { signal } = new AbortController();
  await using pool = await openPool({ model, precision: "float32" });
  const evaluation = await prepareEvaluation({ task, data, seed: SEED, limit: MOST_ITEMS, alternatives: 1 }, signal);
  return (await evaluate(pool, evaluation, { signal, progress: () => undefined })).predictions;
}

function documentsOf(repository: string) {
  return readDocuments().filter(({ source }) => repositoryOf(source) === repository);
}

/** The seed and the files' order alone decide which files are tested on. */
function split<T>(rows: readonly T[]): { learn: T[]; test: T[] } {
  const random = seededRandom(SEED);
  const tested = rows.map(() => random() < TEST_SHARE);
  return { learn: rows.filter((_, i) => !tested[i]), test: rows.filter((_, i) => tested[i]) };
}

function readPacked(name: string): Record<string, unknown>[] {
  const lines = brotliDecompressSync(readFileSync(`bench/data/${name}.jsonl.br`))
    .toString("utf8")
    .trim()
    .split("\n");
  return lines.map((line) => JSON.parse(line));
}

function writeRows(file: string, rows: readonly object[]): void {
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}
