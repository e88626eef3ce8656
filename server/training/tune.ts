/** A run of fine-tuning: steps, evaluations, the best weights kept, and a state from which a stopped run goes on as if it had not been. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { ModelError } from "../../models/errors.ts";
import type { T5Config } from "../../models/t5/config.ts";
import { tensorShapes } from "../../models/t5/weights.ts";
import { readTensor } from "../catalog/checkpoint.ts";
import { prepareWeights } from "../catalog/prepare.ts";
import { cutByTokens, epochSteps } from "./batches.ts";
import type { Dataset } from "./dataset.ts";
import { createOptimizer, globalNorm } from "./optimizer.ts";
import { checkRoom, roomNeeded } from "./room.ts";
import { rateAt, type Schedule } from "./schedule.ts";
import { type Evaluation, loadState, namedTensors, type Progress, removeState, saveState } from "./state.ts";
import { createStepper, type Example, mixSeeds, type StepOptions } from "./step.ts";
import { writeText, writeTunedFolder, writeTunedWeights } from "./tuned-model.ts";

/** How a run learns. */
export interface TuneSettings extends StepOptions {
  readonly epochs: number;
  /** Examples of a step. */
  readonly batchSize: number;
  /** Tokens of one pass through the graph, padding counted; a step whose examples have more takes several passes. */
  readonly maxBatchTokens: number;
  readonly maxInputTokens: number;
  readonly optimizer: "adafactor" | "adamw";
  /** Adafactor: relative to each tensor's root mean square. */
  readonly learningRate: number;
  readonly schedule: Schedule;
  readonly warmupSteps: number;
  readonly weightDecay: number;
  /** Gradients whose norm is larger are scaled down to it; 0: never. */
  readonly clipNorm: number;
  /** Steps between two evaluations; 0: once an epoch. */
  readonly evaluateEvery: number;
  /** Evaluations in a row without a better one after which the run ends; 0: never. */
  readonly patience: number;
  readonly seed: number;
}

/** A run. */
export interface TuneRun {
  /** Folder of the model to start from. */
  readonly base: string;
  /** Folder of the model to make; new, or of a run of the same settings and data that was stopped. */
  readonly out: string;
  readonly dataset: Dataset;
  /** Task prefixes for the new model's spanfill.json. */
  readonly prefixes: Readonly<Record<string, string>>;
  readonly settings: TuneSettings;
  /** Forget what a stopped run has done. */
  readonly restart: boolean;
}

/** A step as it was done. */
export interface StepReport {
  /** Steps done, this one included. */
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  /** Source and target tokens, without padding, a second of computing since the run went on. */
  readonly tokensPerSecond: number;
}

/** How to watch and stop a run. */
export interface TuneOptions {
  /** Stops after the step under way; its state is saved. */
  readonly signal?: AbortSignal;
  readonly onStep?: (report: StepReport) => void;
  readonly onEvaluation?: (evaluation: Evaluation, best: boolean) => void;
  /** Called when a stopped run is found, with the steps it has done. */
  readonly onResume?: (step: number) => void;
  /** Most milliseconds of work that a crash may cost. Default a minute. */
  readonly saveEveryMs?: number;
}

/** What a run came to. */
export interface TuneReport {
  readonly cancelled: boolean;
  readonly steps: number;
  readonly examples: number;
  readonly validationExamples: number;
  /** The first is the base's. */
  readonly evaluations: readonly Evaluation[];
  /** The one whose weights were kept. */
  readonly best: Evaluation;
  readonly tokensPerSecond: number;
}

/**
 * Tunes a model and writes the weights that did best on the validation examples.
 * @throws ModelError "input" when the folder is taken or the loss is no longer a number, "memory" or "checkpoint" when there is no
 * room, and what loading the base throws
 */
export async function tune(run: TuneRun, options: TuneOptions = {}): Promise<TuneReport> {
  const { settings, dataset } = run;
  const { config, weights } = await readWeights(run.base);
  const folder = join(run.out, ".tune");
  await takeFolder(run, folder);
  await checkRoom(roomNeeded(config, settings), run.out);
  const shapes = tensorShapes(config);
  const optimizer = createOptimizer(weights, shapes, { kind: settings.optimizer, weightDecay: settings.weightDecay });
  const tensors = [...namedTensors(weights), ...namedTensors(optimizer.state)];
  const key = keyOf(run, config);
  const resumed = await loadState(folder, key, tensors);
  if (resumed !== undefined) options.onResume?.(resumed.step);
  let progress: Progress = resumed ?? { step: 0, lossSum: 0, lossCount: 0, evaluations: [] };

  const perEpoch = Math.ceil(dataset.count / settings.batchSize);
  const steps = perEpoch * settings.epochs;
  const every = settings.evaluateEvery || perEpoch;
  const stepper = await createStepper(config, weights, settings);
  const validation = cutByTokens(dataset.validation, settings.maxBatchTokens);
  const watch = { tokens: 0, ms: 0 };
  const rate = () => (watch.ms === 0 ? 0 : (1000 * watch.tokens) / watch.ms);
  const save = () => saveState(folder, key, progress, tensors);

  async function evaluate(): Promise<void> {
    const { nll } = await stepper.evaluate(validation);
    const { step, lossSum, lossCount } = progress;
    const made: Evaluation = { step, loss: lossCount === 0 ? null : lossSum / lossCount, validation: nll };
    const better = progress.evaluations.every((other) => nll < other.validation);
    // The weights first: a state that counts this evaluation must find them.
    if (better) await writeTunedWeights(run.out, config, weights);
    progress = { step, lossSum: 0, lossCount: 0, evaluations: [...progress.evaluations, made] };
    if (step === 0) await writeTunedFolder(run.base, run.out, config, run.prefixes, card(run, progress, false));
    await save();
    options.onEvaluation?.(made, better);
  }

  try {
    if (progress.evaluations.length === 0) await evaluate();
    let savedAt = performance.now();
    const epochs = epochReader(dataset, settings, perEpoch);
    while (progress.step < steps && !options.signal?.aborted && !tired(progress, settings.patience)) {
      const started = performance.now();
      const examples = epochs(progress.step);
      const step = progress.step + 1;
      const { loss } = await stepper.train(
        cutByTokens(examples, settings.maxBatchTokens),
        mixSeeds(settings.seed, step),
      );
      if (!Number.isFinite(loss)) throw diverged(step, progress, settings, run.out);
      const norm = settings.clipNorm > 0 ? globalNorm(stepper.gradients) : 0;
      const scale = norm > settings.clipNorm ? settings.clipNorm / norm : 1;
      const share = rateAt(settings.schedule, step, settings.warmupSteps, steps);
      optimizer.update(stepper.gradients, step, settings.learningRate * share, scale);
      progress = { ...progress, step, lossSum: progress.lossSum + loss, lossCount: progress.lossCount + 1 };
      watch.tokens += examples.reduce((sum, { input, target }) => sum + input.length + target.length, 0);
      watch.ms += performance.now() - started;
      options.onStep?.({ step, steps, loss, tokensPerSecond: rate() });
      if (step % every === 0 || step === steps) await evaluate();
      else if (performance.now() - savedAt > (options.saveEveryMs ?? 60_000)) await save();
      else {
        await setImmediate(); // lets an interruption through
        continue;
      }
      savedAt = performance.now();
    }
    const cancelled = options.signal?.aborted === true && progress.step < steps;
    if (cancelled) await save();
    else {
      await writeText(join(run.out, "README.md"), card(run, progress, true));
      await writeText(join(run.out, "training.json"), `${JSON.stringify({ settings, ...progress }, null, 2)}\n`);
      await removeState(folder);
    }
    return {
      cancelled,
      steps: progress.step,
      examples: dataset.count,
      validationExamples: dataset.validation.length,
      evaluations: progress.evaluations,
      best: bestOf(progress),
      tokensPerSecond: rate(),
    };
  } finally {
    await stepper.dispose();
  }
}

/**
 * A model's weights in memory, float32; those of an int8 model are what its rounding left.
 * @throws ModelError "config" or "checkpoint"
 */
export async function readWeights(
  base: string,
): Promise<{ config: T5Config; weights: Map<string, Float32Array<ArrayBuffer>> }> {
  const prepared = await prepareWeights(base, "float32");
  const weights = new Map<string, Float32Array<ArrayBuffer>>();
  for (const [name, place] of prepared.tensors) {
    const values = await readTensor(name, { ...place, file: join(prepared.folder, place.file) });
    weights.set(name, Float32Array.from(values));
  }
  return { config: prepared.config, weights };
}

/** Makes the folder, and refuses one that holds something else. */
async function takeFolder({ base, out, restart }: TuneRun, folder: string): Promise<void> {
  if (resolve(base) === resolve(out)) {
    throw new ModelError("input", `${out} is the model to start from. Name another folder for the tuned one.`);
  }
  const stopped = existsSync(folder);
  if (!stopped && existsSync(join(out, "config.json")) && !(restart && existsSync(join(out, "training.json")))) {
    const own = existsSync(join(out, "training.json"));
    throw new ModelError(
      "input",
      `${out} holds a model already. ${own ? "Give --restart to tune it anew from the base, or name" : "Name"} another folder.`,
    );
  }
  if (restart) await removeState(folder);
  await mkdir(folder, { recursive: true });
  // What a killed run was writing.
  for (const name of await readdir(out)) if (/^\..*\.tmp$/.test(name)) await rm(join(out, name), { force: true });
}

/** What must be the same for a stopped run to go on. */
function keyOf({ base, settings, dataset, prefixes }: TuneRun, config: T5Config): string {
  const data = [dataset.examples(0), dataset.validation];
  return createHash("sha256")
    .update(JSON.stringify([resolve(base), settings, prefixes, config, data]))
    .digest("hex");
}

/** The examples of a step, counted from 0; one epoch is laid out at a time. */
function epochReader(dataset: Dataset, { batchSize, seed }: TuneSettings, perEpoch: number) {
  let laid: { readonly epoch: number; readonly steps: readonly Example[][] } | undefined;
  return (step: number): readonly Example[] => {
    const epoch = Math.floor(step / perEpoch);
    if (laid?.epoch !== epoch) laid = { epoch, steps: epochSteps(dataset.examples(epoch), batchSize, seed, epoch) };
    return laid.steps[step % perEpoch] ?? [];
  };
}

function bestOf({ evaluations: [first, ...others] }: Progress): Evaluation {
  if (first === undefined) throw new RangeError("a run begins with an evaluation");
  return others.reduce((best, one) => (one.validation < best.validation ? one : best), first);
}

/** Whether the last evaluations were none of them the best. */
function tired(progress: Progress, patience: number): boolean {
  const { evaluations } = progress;
  return (
    patience > 0 &&
    evaluations.length > patience &&
    evaluations.indexOf(bestOf(progress)) < evaluations.length - patience
  );
}

function diverged(step: number, progress: Progress, { learningRate }: TuneSettings, out: string): ModelError {
  const best = bestOf(progress);
  return new ModelError(
    "input",
    `The loss of step ${step} is no number any more: the learning rate ${learningRate} is too high for this model and data. ${out} holds the best weights so far, of step ${best.step}. Try again with --learning-rate ${learningRate / 3} --restart.`,
  );
}

/** The model card. */
function card({ base, dataset, settings }: TuneRun, progress: Progress, done: boolean): string {
  const rows = progress.evaluations.map(
    ({ step, loss, validation }) => `| ${step} | ${loss?.toFixed(4) ?? ""} | ${validation.toFixed(4)} |`,
  );
  const best = bestOf(progress);
  return `# A model tuned with Spanfill

Base: ${base}. ${dataset.count} examples, ${dataset.validation.length} kept out for validation.
${done ? `The weights are those of step ${best.step}, the best on the validation examples.` : "The run is not finished."}

| step | training loss | validation loss (nats a token) |
|---|---|---|
${rows.join("\n")}

Settings: \`${JSON.stringify(settings)}\`
`;
}
