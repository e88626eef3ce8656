/** A run of fine-tuning: steps, evaluations, the best weights kept, and a state from which a stopped run goes on as if it had not been. */
import { freemem } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { learnedShapes } from "../../../models/t5/trainable.ts";
import { parameterCount } from "../../../models/t5/weights.ts";
import { withPoint } from "../../../protocol/run-story.ts";
import type { Evaluation, TrainEvent } from "../../../protocol/training.ts";
import { readTensor } from "../../catalog/folder/checkpoint.ts";
import { prepareWeights } from "../../catalog/folder/prepare.ts";
import { cutByTokens, epochSteps } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import { prepareLearner } from "../step/learner.ts";
import { createOptimizer, globalNorm } from "../step/optimizer.ts";
import { rateAt } from "../step/schedule.ts";
import { createStepper, type Example, mixSeeds } from "../step/step.ts";
import { keyOf, STATE_FOLDER, takeFolder } from "./folder.ts";
import { createResult } from "./result.ts";
import { checkRoom, learnedCount, roomNeeded } from "./room.ts";
import { bestOf, type TrainRun, type TrainSettings } from "./run.ts";
import { loadState, namedTensors, type Progress, removeState, saveState } from "./state.ts";

/** How to watch and stop a run. */
export interface TrainOptions {
  /** Stops after the step under way; its state is saved. */
  readonly signal?: AbortSignal;
  /** Told everything but errors, as it happens. */
  readonly onEvent?: (event: TrainEvent) => void;
  /** Awaited once the folder is the run's own, before anything is written into it. */
  readonly onFolder?: () => Promise<void>;
  /** Asked before each step. */
  readonly whilePaused?: () => Pause | undefined;
  /** Most milliseconds of work that a crash may cost. Default a minute. */
  readonly saveEveryMs?: number;
}

/** What a run waits for. */
export interface Pause {
  readonly until: Promise<void>;
  /** For so short a time that the run's state is not saved. */
  readonly brief: boolean;
}

/** What a run came to. */
export interface TrainReport {
  readonly cancelled: boolean;
  readonly steps: number;
  /** The first is the base's. */
  readonly evaluations: readonly Evaluation[];
  /** The one whose weights were kept. */
  readonly best: Evaluation;
  readonly tokensPerSecond: number;
}

/** How often a run may go back to its last state, and what its rate is multiplied by then. */
const [MOST_ROLLBACKS, ROLLBACK_FACTOR] = [3, 1 / 3];

/**
 * Trains a model and writes the weights that did best on the validation examples.
 * @throws ModelError "input" when the folder is taken or the loss is no number whatever the rate, "memory" or "checkpoint" when there
 * is no room, and what loading the base throws
 */
export async function train(run: TrainRun, options: TrainOptions = {}): Promise<TrainReport> {
  const { settings, dataset, method } = run;
  const { signal, onEvent: tell = () => undefined } = options;
  let base: Awaited<ReturnType<typeof readWeights>> | undefined = await readWeights(run.base);
  const state = join(run.out, STATE_FOLDER);
  await takeFolder(run, state);
  await options.onFolder?.();
  const needed = roomNeeded(base.config, { ...settings, method });
  await checkRoom(needed, run.out);
  const key = keyOf(run, base.config, base.weights);
  const learner = prepareLearner(base.config, base.weights, method, settings.seed);
  base = undefined; // what learns is a copy: the memory of the first is free
  const { config } = learner;
  const shapes = learnedShapes(config, method);
  const optimizer = createOptimizer(learner.tensors, shapes, {
    kind: settings.optimizer,
    weightDecay: settings.weightDecay,
  });
  const tensors = [...namedTensors(learner.tensors, shapes), ...namedTensors(optimizer.state)];
  const perEpoch = Math.ceil(dataset.count / settings.batchSize);
  const steps = perEpoch * settings.epochs;
  const every = settings.evaluateEvery || perEpoch;
  tell({
    type: "plan",
    task: run.task.name,
    base: run.base,
    out: run.out,
    method: method.kind,
    reason: run.reason,
    learnedParameters: learnedCount(config, method),
    parameters: parameterCount(config),
    examples: dataset.count,
    validationExamples: dataset.validation.length,
    steps,
    notes: [...run.notes, ...dataset.notes],
  });
  const resumed = await loadState(state, key, tensors);
  if (resumed !== undefined) tell({ type: "resumed", step: resumed.step });
  let progress: Progress = resumed ?? FRESH;
  const stepper = await createStepper(config, learner.weights, settings, learner);
  const result = createResult(run, learner, state);
  const validation = cutByTokens(dataset.validation, settings.maxBatchTokens);
  const epochs = epochReader(dataset, settings, perEpoch);
  const watch = { tokens: 0, ms: 0, steps: 0 };
  let savedAt = performance.now();

  async function save(): Promise<void> {
    await saveState(state, key, progress, tensors);
    savedAt = performance.now();
    tell({ type: "saved", step: progress.step });
  }

  async function evaluate(): Promise<void> {
    const { nll } = await stepper.evaluate(validation);
    const { step, lossSum, lossCount } = progress;
    if (!Number.isFinite(nll)) return rollBack(step);
    const better = progress.evaluations.every((other) => nll < other.validation);
    // The weights first: a state that counts this evaluation must find them.
    const judgement = await result.judge(better);
    const made: Evaluation = {
      step,
      loss: lossCount === 0 ? null : lossSum / lossCount,
      validation: nll,
      ...judgement,
    };
    progress = { ...progress, lossSum: 0, lossCount: 0, evaluations: [...progress.evaluations, made] };
    await result.describe(progress, false);
    await save();
    tell({ type: "evaluation", ...made, best: better });
  }

  /** Goes back to the last state, with a lower rate from there on. */
  async function rollBack(step: number): Promise<void> {
    const { rollbacks } = progress;
    const rateFactor = progress.rateFactor * ROLLBACK_FACTOR;
    const saved = rollbacks < MOST_ROLLBACKS ? await loadState(state, key, tensors) : undefined;
    if (saved === undefined) throw diverged(step, progress, run);
    progress = { ...saved, rateFactor, rollbacks: rollbacks + 1 };
    const learningRate = settings.learningRate * rateFactor;
    const reason = `The loss of step ${step} is no number: a learning rate of ${show(3 * learningRate)} is too high here. The run goes back to step ${saved.step} and on with ${show(learningRate)}.`;
    tell({ type: "rollback", step, toStep: saved.step, learningRate, reason });
    await save();
  }

  async function step(): Promise<void> {
    const started = performance.now();
    const examples = epochs(progress.step);
    const number = progress.step + 1;
    const batches = cutByTokens(examples, settings.maxBatchTokens);
    const { loss } = await stepper.train(batches, mixSeeds(settings.seed, number));
    const norm = globalNorm(stepper.gradients);
    if (!Number.isFinite(loss + norm)) return rollBack(number);
    const scale = settings.clipNorm > 0 && norm > settings.clipNorm ? settings.clipNorm / norm : 1;
    const share = progress.rateFactor * rateAt(settings.schedule, number, settings.warmupSteps, steps);
    const learningRate = settings.learningRate * share;
    optimizer.update(stepper.gradients, number, learningRate, scale);
    progress = {
      ...progress,
      step: number,
      lossSum: progress.lossSum + loss,
      lossCount: progress.lossCount + 1,
      curve: withPoint(progress.curve, { step: number, loss, learningRate, gradientNorm: norm }),
    };
    watch.tokens += examples.reduce((sum, { input, target }) => sum + input.length + target.length, 0);
    watch.ms += performance.now() - started;
    watch.steps += 1;
    tell({
      type: "step",
      step: number,
      steps,
      epoch: Math.ceil(number / perEpoch),
      loss,
      learningRate,
      gradientNorm: norm,
      tokensPerSecond: (1000 * watch.tokens) / watch.ms,
      secondsLeft: ((steps - number) * watch.ms) / watch.steps / 1000,
      memoryBytes: process.memoryUsage.rss(),
    });
    if (number % every === 0 || number === steps) await evaluate();
    else if (performance.now() - savedAt > (options.saveEveryMs ?? 60_000)) await save();
    else await setImmediate(); // lets an interruption through
  }

  try {
    if (progress.evaluations.length === 0) await evaluate();
    if (progress.step < steps) {
      const seconds = await measure(stepper, epochs, progress.step, settings);
      tell({
        type: "estimate",
        stepSeconds: seconds,
        secondsPerEpoch: seconds * perEpoch,
        seconds: seconds * (steps - progress.step),
        memoryBytes: Math.max(process.memoryUsage.rss(), process.resourceUsage().maxRSS * 1024),
        freeMemoryBytes: freemem(),
        diskBytes: needed.diskBytes,
      });
    }
    while (progress.step < steps && !signal?.aborted && !tired(progress, settings.patience)) {
      const pause = options.whilePaused?.();
      if (pause === undefined) {
        await step();
        continue;
      }
      if (!pause.brief) await save();
      tell({ type: "paused", step: progress.step, ...(pause.brief && { brief: true }) });
      await pause.until;
      if (!signal?.aborted) tell({ type: "continued", step: progress.step });
    }
    const cancelled = signal?.aborted === true && progress.step < steps;
    if (cancelled) await save();
    else {
      await result.describe(progress, true);
      await removeState(state);
    }
    const report = {
      cancelled,
      steps: progress.step,
      evaluations: progress.evaluations,
      best: bestOf(progress.evaluations),
      tokensPerSecond: watch.ms === 0 ? 0 : (1000 * watch.tokens) / watch.ms,
    };
    if (!cancelled) {
      const { cancelled: _, evaluations, ...rest } = report;
      tell({ type: "done", out: run.out, ...rest, evaluations: [...evaluations] });
    }
    return report;
  } finally {
    await stepper.dispose();
  }
}

const FRESH: Progress = { step: 0, lossSum: 0, lossCount: 0, evaluations: [], curve: [], rateFactor: 1, rollbacks: 0 };

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

/** Seconds of a step, over the next few that will be done; nothing is learned. */
async function measure(
  stepper: Awaited<ReturnType<typeof createStepper>>,
  epochs: (step: number) => readonly Example[],
  from: number,
  { maxBatchTokens, seed }: TrainSettings,
): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < MEASURED_STEPS; i += 1) {
    const started = performance.now();
    await stepper.train(cutByTokens(epochs(from + i), maxBatchTokens), seed);
    times.push((performance.now() - started) / 1000);
  }
  // The first one warms up.
  const counted = times.slice(1);
  return counted.reduce((a, b) => a + b, 0) / counted.length;
}

const MEASURED_STEPS = 3;

/** The examples of a step, counted from 0; one epoch is laid out at a time. */
function epochReader(dataset: Dataset, { batchSize, seed }: TrainSettings, perEpoch: number) {
  let laid: { readonly epoch: number; readonly steps: readonly Example[][] } | undefined;
  return (step: number): readonly Example[] => {
    const epoch = Math.floor(step / perEpoch);
    if (laid?.epoch !== epoch) laid = { epoch, steps: epochSteps(dataset.examples(epoch), batchSize, seed, epoch) };
    return laid.steps[step % perEpoch] ?? [];
  };
}

/** Whether the last evaluations were none of them the best. */
function tired({ evaluations }: Progress, patience: number): boolean {
  return (
    patience > 0 &&
    evaluations.length > patience &&
    evaluations.indexOf(bestOf(evaluations)) < evaluations.length - patience
  );
}

function diverged(step: number, { evaluations, rateFactor }: Progress, { settings, out }: TrainRun): ModelError {
  const rate = settings.learningRate * rateFactor;
  const kept =
    evaluations.length === 0 ? "" : ` ${out} holds the best weights so far, of step ${bestOf(evaluations).step}.`;
  return new ModelError(
    "input",
    `The loss of step ${step} is no number, with a learning rate of ${show(rate)} too: it is too high for this model and data, or the data hold something very odd.${kept} Try again with --lr ${show(rate / 10)} --restart.`,
  );
}

function show(rate: number): string {
  return Number(rate.toPrecision(2)).toString();
}
