/**
 * A run of fine-tuning, one step at a time: the learner, its optimizer, and how far the run is, which is saved as it
 * goes.
 */
import { freemem } from "node:os";
import { join } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import type { Batch } from "../../../models/t5/batch.ts";
import { learnedShapes } from "../../../models/t5/lowering/trainable.ts";
import { withPoint } from "../../../protocol/run-story.ts";
import type { Evaluation, TrainEvent } from "../../../protocol/training.ts";
import { batchesOf, type StepBatches, stepReader } from "../data/batches.ts";
import { type PreparedLearner, prepareLearner, readWeights } from "../step/learner.ts";
import { createOptimizer, globalNorm, type Optimizer } from "../step/optimizer.ts";
import { rateAt } from "../step/schedule.ts";
import { createStepper, type Stepper } from "../step/step.ts";
import { keyOf, STATE_FOLDER, takeFolder } from "./folder.ts";
import { planOf } from "./plan.ts";
import { createResult, type Result } from "./results/result.ts";
import { checkRoom, type RoomNeeded, roomNeeded } from "./room.ts";
import { bestOf, type TrainRun } from "./run.ts";
import {
  loadState,
  type NamedTensor,
  namedTensors,
  type Progress,
  ROLLBACK_FACTOR,
  removeState,
  saveState,
} from "./state.ts";

/** Hears what happens in a run, errors excepted. */
export type Tell = (event: TrainEvent) => void;

/** How often a run may go back to its last state, and the factor of its learning rate each time. */
const MOST_ROLLBACKS = 3;

const FRESH: Progress = { step: 0, lossSum: 0, lossCount: 0, evaluations: [], curve: [], rateFactor: 1, rollbacks: 0 };

/**
 * Opens a run: reads its base, takes its folder, and loads the state that a stopped run of the same settings left
 * there.
 * @param onFolder awaited once the folder is taken, before anything is written into it
 * @throws ModelError "input" when the folder is taken, "memory" or "checkpoint" when there is no room, and what loading
 *   the base throws
 */
export async function openTrainer(run: TrainRun, tell: Tell, onFolder?: () => Promise<void>): Promise<Trainer> {
  const { settings, dataset, method } = run;
  const folder = join(run.out, STATE_FOLDER);
  const { learner, key, needed } = await takeBase(run, folder, onFolder);
  const { config, memory } = learner;
  const shapes = learnedShapes(config, method);
  const { optimizer: kind, weightDecay, batchSize, epochs, maxBatchTokens } = settings;
  const optimizer = createOptimizer(memory, shapes, { kind, weightDecay });
  const tensors = [...namedTensors(memory.tensors, shapes), ...namedTensors(optimizer.state)];
  const perEpoch = Math.ceil(dataset.count / batchSize);
  const steps = perEpoch * epochs;
  const resumed = await loadState(folder, key, tensors);
  tell(planOf(run, config, [...run.notes, ...dataset.notes, ...(resumed?.notes ?? [])]));
  if (resumed !== undefined) tell({ type: "resumed", step: resumed.progress.step });
  const parts: Parts = {
    run,
    tell,
    ...{ learner, optimizer, needed, perEpoch, steps },
    saved: { folder, key, tensors },
    stepper: await openStepper(learner, settings),
    result: createResult(run, learner, folder),
    read: stepReader(config, dataset, settings),
    validation: batchesOf(config, dataset.validation, maxBatchTokens),
  };
  return new Trainer(parts, resumed?.progress ?? FRESH);
}

async function openStepper(learner: PreparedLearner, settings: TrainRun["settings"]): Promise<Stepper> {
  const { config, weights, method } = learner;
  if (method.kind !== "full" || method.metro === undefined) return createStepper(config, weights, settings, learner);
  const { createMetroStepper } = await import("../step/metro.ts");
  return createMetroStepper(config, weights, settings, learner);
}

/** Reads the base into a learner. Nothing keeps the weights as they were read: those that learn are copies. */
async function takeBase(run: TrainRun, folder: string, onFolder?: () => Promise<void>) {
  const { settings, method } = run;
  const { config, weights } = await readWeights(run.base);
  await takeFolder(run, folder);
  await onFolder?.();
  const needed = roomNeeded(config, { ...settings, method, denoises: run.modes !== undefined });
  await checkRoom(needed, run.out);
  return { needed, key: keyOf(run, config, weights), learner: prepareLearner(config, weights, method, settings.seed) };
}

/** The parts of a run that stay the same from step to step. */
interface Parts {
  readonly run: TrainRun;
  readonly tell: Tell;
  readonly learner: PreparedLearner;
  readonly optimizer: Optimizer;
  readonly stepper: Stepper;
  readonly result: Result;
  readonly read: (step: number) => StepBatches;
  readonly validation: readonly Batch[];
  readonly needed: RoomNeeded;
  readonly saved: { readonly folder: string; readonly key: string; readonly tensors: readonly NamedTensor[] };
  readonly perEpoch: number;
  readonly steps: number;
}

/** A run under way. */
export class Trainer {
  private readonly parts: Parts;
  private current: Progress;
  private savedAtMs = performance.now();
  /** The work of this process. */
  private readonly watch = { tokens: 0, ms: 0, steps: 0 };

  constructor(parts: Parts, progress: Progress) {
    this.parts = parts;
    this.current = progress;
  }

  get progress(): Progress {
    return this.current;
  }

  get stepsLeft(): number {
    return this.parts.steps - this.current.step;
  }

  /** Whether none of the last evaluations was the best, for as many as the run's patience. */
  get tired(): boolean {
    const { evaluations } = this.current;
    const { patience } = this.parts.run.settings;
    if (patience === 0 || evaluations.length <= patience) return false;
    return evaluations.indexOf(bestOf(evaluations)) < evaluations.length - patience;
  }

  get evaluationDue(): boolean {
    const every = this.parts.run.settings.evaluateEvery || this.parts.perEpoch;
    return this.current.step % every === 0 || this.stepsLeft === 0;
  }

  get unsavedMs(): number {
    return performance.now() - this.savedAtMs;
  }

  get tokensPerSecond(): number {
    return this.watch.ms === 0 ? 0 : (1000 * this.watch.tokens) / this.watch.ms;
  }

  /**
   * Learns from the next step's examples.
   * @returns false where the loss is not a number: the run is then back at its last state, with a lower rate
   * @throws ModelError "input" when that has happened too often
   */
  async step(): Promise<boolean> {
    const { run, learner, optimizer, stepper, read, perEpoch, steps, tell } = this.parts;
    const { settings } = run;
    const startedMs = performance.now();
    const step = this.current.step + 1;
    const { batches, tokens, seed } = read(step);
    const { loss } = await stepper.train(batches, seed);
    const norm = globalNorm(learner.memory);
    if (!Number.isFinite(loss + norm)) {
      await this.rollBack(step);
      return false;
    }
    const scale = settings.clipNorm > 0 && norm > settings.clipNorm ? settings.clipNorm / norm : 1;
    const share = this.current.rateFactor * rateAt(settings.schedule, step, settings.warmupSteps, steps);
    const learningRate = settings.learningRate * share;
    optimizer.update(step, learningRate, scale);
    const { lossSum, lossCount, curve } = this.current;
    this.current = {
      ...this.current,
      step,
      lossSum: lossSum + loss,
      lossCount: lossCount + 1,
      curve: withPoint(curve, { step, loss, learningRate, gradientNorm: norm }),
    };
    this.watch.tokens += tokens;
    this.watch.ms += performance.now() - startedMs;
    this.watch.steps += 1;
    tell({
      type: "step",
      ...{ step, steps, loss, learningRate },
      epoch: Math.ceil(step / perEpoch),
      gradientNorm: norm,
      tokensPerSecond: this.tokensPerSecond,
      secondsLeft: (this.stepsLeft * this.watch.ms) / this.watch.steps / 1000,
      memoryBytes: process.memoryUsage.rss(),
    });
    return true;
  }

  /** Judges the weights on the validation examples, and keeps them where they are the best so far. */
  async evaluate(): Promise<void> {
    const { stepper, result, validation, tell } = this.parts;
    const { step, lossSum, lossCount, evaluations } = this.current;
    const { nll } = await stepper.evaluate(validation);
    if (!Number.isFinite(nll)) return this.rollBack(step);
    const best = evaluations.every((other) => nll < other.validation);
    // The weights first: a state that counts this evaluation must find them.
    const judgment = await result.judge(best);
    const loss = lossCount === 0 ? null : lossSum / lossCount;
    const evaluation: Evaluation = { step, loss, validation: nll, ...judgment };
    this.current = { ...this.current, lossSum: 0, lossCount: 0, evaluations: [...evaluations, evaluation] };
    await result.describe(this.current, false);
    await this.save();
    tell({ type: "evaluation", ...evaluation, best });
  }

  /** Saves the state from which a stopped run goes on as if it had not been. */
  async save(): Promise<void> {
    const { folder, key, tensors } = this.parts.saved;
    await saveState(folder, key, this.current, tensors);
    this.savedAtMs = performance.now();
    this.parts.tell({ type: "saved", step: this.current.step });
  }

  /** Measures a step over the next few; nothing is learned. */
  async estimate(): Promise<void> {
    const { stepper, read, perEpoch, needed, tell } = this.parts;
    const seconds: number[] = [];
    for (let i = 1; i <= MEASURED_STEPS; i += 1) {
      const startedMs = performance.now();
      const { batches, seed } = read(this.current.step + i);
      await stepper.train(batches, seed);
      // The first one warms up.
      if (i > 1) seconds.push((performance.now() - startedMs) / 1000);
    }
    const stepSeconds = seconds.reduce((a, b) => a + b, 0) / seconds.length;
    tell({
      type: "estimate",
      stepSeconds,
      secondsPerEpoch: stepSeconds * perEpoch,
      seconds: stepSeconds * this.stepsLeft,
      memoryBytes: Math.max(process.memoryUsage.rss(), process.resourceUsage().maxRSS * 1024),
      freeMemoryBytes: freemem(),
      diskBytes: needed.diskBytes,
    });
  }

  /** Completes the result, and removes the state. */
  async finish(): Promise<void> {
    await this.parts.result.describe(this.current, true);
    await removeState(this.parts.saved.folder);
  }

  async dispose(): Promise<void> {
    await this.parts.stepper.dispose();
  }

  /** Goes back to the last state, with a lower rate from there on. */
  private async rollBack(step: number): Promise<void> {
    const { run, saved, tell } = this.parts;
    const { rollbacks } = this.current;
    const rateFactor = this.current.rateFactor * ROLLBACK_FACTOR;
    const { progress: last } =
      (rollbacks < MOST_ROLLBACKS ? await loadState(saved.folder, saved.key, saved.tensors) : undefined) ?? {};
    if (last === undefined) throw diverged(step, this.current, run);
    this.current = { ...last, rateFactor, rollbacks: rollbacks + 1 };
    const learningRate = run.settings.learningRate * rateFactor;
    const reason = `The loss of step ${step} is not a number: a learning rate of ${show(3 * learningRate)} is too high here. The run goes back to step ${last.step} and on with ${show(learningRate)}.`;
    tell({ type: "rollback", step, toStep: last.step, learningRate, reason });
    await this.save();
  }
}

const MEASURED_STEPS = 3;

function diverged(step: number, { evaluations, rateFactor }: Progress, { settings, out }: TrainRun): ModelError {
  const rate = settings.learningRate * rateFactor;
  const kept =
    evaluations.length === 0 ? "" : ` ${out} holds the best weights so far, of step ${bestOf(evaluations).step}.`;
  return new ModelError(
    "input",
    `The loss of step ${step} is not a number, with a learning rate of ${show(rate)} too: it is too high for this model and data, or the data hold something very odd.${kept} Try again with --lr ${show(rate / 10)} --restart.`,
  );
}

function show(rate: number): string {
  return Number(rate.toPrecision(2)).toString();
}
