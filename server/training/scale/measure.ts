/** One run of a measurement: a fresh model learns from a share of the text, and its losses are noted as it goes. */
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { T5Config } from "../../../models/t5/config.ts";
import { placesOf } from "../../catalog/store.ts";
import { makeOwnFolder, PRIVATE, removeOwnFolder } from "../../files/removal.ts";
import type { Dataset } from "../data/dataset.ts";
import { writeFreshModel } from "../fresh/fresh-model.ts";
import type { TrainRun, TrainSettings } from "../run/run.ts";
import { openTrainer, type Trainer } from "../run/trainer.ts";
import type { MeasuredRun } from "./result.ts";

/** The settings and watchers that all runs of a measurement share. */
export interface MeasureOptions {
  /** The measurement's own folder. */
  readonly folder: string;
  /** Folder of the model whose vocabulary is taken. */
  readonly vocabulary: string;
  readonly settings: TrainSettings;
  /** The end of each run, in seconds of processor time for each thread. */
  readonly seconds: number;
  readonly steps: number;
  readonly signal: AbortSignal;
  /** Hears of each loss; what it writes lasts. */
  readonly onPoint: (run: MeasuredRun) => Promise<void>;
  readonly onStep: (seconds: number) => void;
}

/** The share of a dataset's examples that a run learns from; what is kept out is the same. */
export function shareOf(dataset: Dataset, share: number): Dataset {
  const count = Math.max(1, Math.round(share * dataset.count));
  // Every so manieth, so that each share has something of all texts.
  const chosen = Array.from({ length: count }, (_, i) => Math.floor((i * dataset.count) / count));
  return {
    ...dataset,
    count,
    examples: (epoch) => {
      const all = dataset.examples(epoch);
      return chosen.flatMap((i) => all[i] ?? []);
    },
  };
}

/** Source and target tokens of an epoch. */
export function tokensOf(dataset: Dataset): number {
  return dataset.examples(0).reduce((sum, { input, target }) => sum + input.length + target.length, 0);
}

/**
 * Trains until a run's time or steps are over, or goes on with one that was stopped.
 * @returns the run; not `done` where the signal stopped it
 * @throws ModelError as training does
 */
export async function measureRun(
  begun: MeasuredRun,
  config: T5Config,
  dataset: Dataset,
  options: MeasureOptions,
): Promise<MeasuredRun> {
  const { folder, vocabulary, settings, signal, onPoint, onStep } = options;
  const name = `${begun.shape}-${Math.round(100 * begun.share)}`;
  const [base, out] = [join(folder, `${name}-fresh`), join(folder, name)];
  const { own } = placesOf();
  await makeOwnFolder(base, own, PRIVATE);
  await writeFreshModel(base, config, vocabulary, settings.seed);
  const trainer = await openTrainer(runOf(base, out, dataset, settings), () => undefined);
  const watch = watchOf(begun);
  const perStep = tokensOf(dataset) / Math.ceil(dataset.count / settings.batchSize);
  const run = (done: boolean): MeasuredRun => ({
    ...begun,
    ...{ points: pointsOf(trainer, perStep), processorSeconds: watch(), done },
  });
  try {
    if (trainer.progress.evaluations.length === 0) await trainer.evaluate();
    let due = nextDue(trainer.progress.step);
    const isOver = () => {
      const { step } = trainer.progress;
      return step >= options.steps || (step >= FIRST_DUE && watch() >= options.seconds * settings.threads);
    };
    while (!isOver() && !signal.aborted) {
      if (!(await trainer.step())) continue;
      const { step } = trainer.progress;
      onStep(watch() / settings.threads);
      if (step >= due || isOver()) {
        due = nextDue(step);
        await trainer.evaluate();
        await onPoint(run(false));
      } else if (trainer.unsavedMs > SAVE_EVERY_MS) await trainer.save();
      else await setImmediate(); // lets an interruption through
    }
    if (signal.aborted && !isOver()) {
      await trainer.save();
      return run(false);
    }
  } finally {
    await trainer.dispose();
  }
  const done = run(true);
  await onPoint(done);
  // The losses are what counts; nobody needs models that have learned for minutes.
  for (const path of [out, base]) await removeOwnFolder(path, folder, own);
  return done;
}

const SAVE_EVERY_MS = 60_000;
/** Steps between losses grow by this factor, since the law is one of ratios. */
const GROWTH = 1.5;
/** The first loss, before which no run ends. */
const FIRST_DUE = 8;

function nextDue(step: number): number {
  let due = FIRST_DUE;
  while (due <= step) due = Math.ceil(due * GROWTH);
  return due;
}

/** Seconds of processor time, those of earlier processes counted: other work on the machine does not count. */
function watchOf({ processorSeconds }: MeasuredRun): () => number {
  const started = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(started);
    return processorSeconds + (user + system) / 1e6;
  };
}

/** Losses by tokens seen; the best so far counts, for its weights are the ones that are kept. */
function pointsOf({ progress }: Trainer, perStep: number): MeasuredRun["points"] {
  let best = Number.POSITIVE_INFINITY;
  return progress.evaluations.map(({ step, validation }) => {
    best = Math.min(best, validation);
    return { step, tokens: Math.round(step * perStep), loss: best };
  });
}

/** The run of a model that learns all weights from gaps, and whose result nobody keeps. */
export function runOf(base: string, out: string, dataset: Dataset, settings: TrainSettings): TrainRun {
  return {
    base,
    out,
    dataset,
    settings,
    task: { name: "infill", metric: "fills", maxTargetTokens: 128 },
    data: "a text that is measured",
    prefixes: {},
    method: { kind: "full", freezeEmbedding: false },
    reason: "Every weight learns.",
    notes: [],
    restart: false,
  };
}
