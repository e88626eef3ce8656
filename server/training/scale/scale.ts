/** Measures a scaling law on a person's text: small fresh shapes learn from it, and the law says what others would. */
import { createHash } from "node:crypto";
import { constants, freemem, setPriority } from "node:os";
import { dirname, resolve } from "node:path";
import { sizeInWords } from "../../../base/figures.ts";
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { parameterCount } from "../../../models/t5/weights.ts";
import { openModel } from "../../catalog/folder/open.ts";
import { resolveModel } from "../../catalog/installed.ts";
import { placesOf } from "../../catalog/store.ts";
import { defaultThreads } from "../../engine/runtime/ort/runner.ts";
import { lockFolder } from "../../files/lock.ts";
import { makeOwnFolder, PRIVATE, removeOwnFolder } from "../../files/removal.ts";
import type { Dataset } from "../data/dataset.ts";
import { INPUT_TOKENS, textDataset } from "../data/text-dataset.ts";
import { roomNeeded } from "../run/room.ts";
import type { TrainSettings } from "../run/run.ts";
import { concluded } from "./conclude.ts";
import { measureRun, shareOf, tokensOf } from "./measure.ts";
import { type MeasuredRun, type Measurement, measurementFolder, readMeasurement, writeMeasurement } from "./result.ts";
import { type NamedShape, shapeOf, sizeOf } from "./shapes.ts";

/** The text, the shapes and the time of a measurement. */
export interface ScaleRequest {
  readonly data: string;
  readonly shapes: readonly string[];
  /** Processor time of all runs together, for each thread. */
  readonly minutes: number;
  /** Most steps of a run. */
  readonly steps: number;
  /** The model whose vocabulary is taken; the built-in one when absent. */
  readonly base?: string;
  readonly seed: number;
  readonly threads?: number;
}

/** How a measurement is watched and stopped. */
export interface ScaleWatch {
  readonly signal: AbortSignal;
  /** Hears of each step: the run, and its place among all. */
  readonly onStep: (label: string, seconds: number, total: number) => void;
}

/** A measurement and its folder; without a law where it was stopped. */
export interface ScaleReport {
  readonly measurement: Measurement;
  readonly folder: string;
  readonly notes: readonly string[];
}

/**
 * Measures, or goes on with the same measurement where it was stopped.
 * @throws ModelError "input" when the shapes or the text do not serve, "memory" when a shape does not fit
 */
export async function measureScaling(request: ScaleRequest, { signal, onStep }: ScaleWatch): Promise<ScaleReport> {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const vocabulary = resolveModel(request.base, { workingFolder: process.cwd() });
  const { config } = await openModel(vocabulary, "float");
  const shapes = await shapesOf(request.shapes, config);
  const settings = settingsOf(request);
  checkMemory(shapes, settings);
  const { dataset, bytes, notes } = await textDataset(request, vocabulary, "for a law", signal);
  const key = keyOf(request, vocabulary, dataset);
  const [folder, { own }] = [await measurementFolder(request.data), placesOf()];
  await makeOwnFolder(dirname(folder), own, PRIVATE);
  let known = await readMeasurement(folder);
  if (known?.key !== key) {
    await removeOwnFolder(folder, dirname(folder), own);
    known = undefined;
  }
  await makeOwnFolder(folder, own, PRIVATE);
  const lock = await lockFolder(folder);
  try {
    let measurement: Measurement = known ?? {
      ...{ version: 1, data: resolve(request.data), key, bytes },
      runs: plannedRuns(shapes, dataset),
    };
    const seconds = (60 * request.minutes) / measurement.runs.length;
    for (const [i, run] of measurement.runs.entries()) {
      const shape = shapes.find(({ name }) => name === run.shape);
      if (run.done || shape === undefined) continue;
      const store = async (changed: MeasuredRun) => {
        measurement = { ...measurement, runs: measurement.runs.map((other, at) => (at === i ? changed : other)) };
        await writeMeasurement(folder, measurement);
      };
      const label = `${run.shape}, ${Math.round(100 * run.share)}% of the text`;
      const options = { folder, vocabulary, settings, seconds, steps: request.steps, signal, onPoint: store };
      const step = (spent: number) => onStep(label, i * seconds + spent, 60 * request.minutes);
      const measured = await measureRun(run, shape.config, shareOf(dataset, run.share), { ...options, onStep: step });
      if (!measured.done) {
        await store(measured);
        return { measurement, folder, notes };
      }
    }
    measurement = await concluded(measurement, shapes, config, request.seed);
    await writeMeasurement(folder, measurement);
    return { measurement, folder, notes };
  } finally {
    lock.release();
  }
}

/** @throws ModelError "input" when there are too few, or one stands there twice */
async function shapesOf(names: readonly string[], vocabulary: T5Config): Promise<readonly NamedShape[]> {
  const shapes: NamedShape[] = [];
  for (const name of names) {
    const shape = await shapeOf(name, vocabulary);
    const same = shapes.find(({ config }) => sizeOf(config) === sizeOf(shape.config));
    if (same !== undefined) {
      const words =
        same.name === name ? `names ${name} twice` : `names ${same.name} and ${name}, which are of one size`;
      throw new ModelError("input", `--shapes ${words}. Name each size once.`);
    }
    shapes.push(shape);
  }
  if (shapes.length < 2) {
    throw new ModelError(
      "input",
      `--shapes names ${shapes.length === 0 ? "no shape" : "one shape"}, from which no law of size follows. Name at least two, such as tiny-nl1 tiny-nl2 tiny-nl4.`,
    );
  }
  return shapes.sort((a, b) => sizeOf(a.config) - sizeOf(b.config));
}

/** @throws ModelError "memory" that names the shape that does not fit */
function checkMemory(shapes: readonly NamedShape[], settings: TrainSettings): void {
  for (const { name, config } of shapes) {
    const method = { kind: "full", freezeEmbedding: false } as const;
    const { memoryBytes } = roomNeeded(config, { ...settings, method });
    const free = freemem();
    if (memoryBytes <= free) continue;
    throw new ModelError(
      "memory",
      `The shape ${name} takes about ${sizeInWords(memoryBytes)} of memory to train, and ${sizeInWords(free)} are free. Leave it out of --shapes, or close other programs.`,
    );
  }
}

/** The smallest shape learns from parts of the text, too, so that the law sees what text is worth. */
function plannedRuns(shapes: readonly NamedShape[], dataset: Dataset): MeasuredRun[] {
  return shapes.flatMap(({ name, config }, i) =>
    (i === 0 ? [1, 0.5, 0.25] : [1]).map((share) => ({
      ...{ shape: name, share, parameters: parameterCount(config), size: sizeOf(config) },
      text: tokensOf(shareOf(dataset, share)),
      ...{ points: [], processorSeconds: 0, done: false },
    })),
  );
}

/** T5's pre-training as far as it fits minutes: Adafactor, no dropout, no decay, since a law needs whole curves. */
function settingsOf({ seed, threads = defaultThreads() }: ScaleRequest): TrainSettings {
  return {
    ...{ epochs: 1_000_000, batchSize: 16, maxBatchTokens: 4096, maxInputTokens: INPUT_TOKENS },
    ...{ optimizer: "adafactor", learningRate: 2e-2, schedule: "constant", warmupSteps: 10 },
    ...{ weightDecay: 0, clipNorm: 1, evaluateEvery: 0, judged: 0, patience: 0, seed },
    ...{ dropoutRate: 0, labelSmoothing: 0, zLoss: 1e-4, threads, checkpointing: false },
  };
}

function keyOf({ shapes, minutes, steps, seed }: ScaleRequest, vocabulary: string, dataset: Dataset): string {
  const parts = [[...shapes].sort(), minutes, steps, seed, vocabulary, dataset.examples(0), dataset.validation];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
