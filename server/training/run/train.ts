/** The loop of a run of fine-tuning: steps, evaluations, pauses; a stopped run goes on as if it had not been. */
import { setImmediate } from "node:timers/promises";
import type { Evaluation, TrainEvent } from "../../../protocol/training.ts";
import { bestOf, type TrainRun } from "./run.ts";
import { openTrainer } from "./trainer.ts";

/** How to watch and stop a run. */
export interface TrainOptions {
  /** Stops after the step under way; its state is saved. */
  readonly signal?: AbortSignal;
  /** Hears everything but errors, as it happens. */
  readonly onEvent?: (event: TrainEvent) => void;
  /** Awaited once the folder is the run's own, before anything is written into it. */
  readonly onFolder?: () => Promise<void>;
  /** Asked before each step. */
  readonly whilePaused?: () => Pause | undefined;
  /** Most milliseconds of work that a crash may cost. Default a minute. */
  readonly saveEveryMs?: number;
}

/** The reason for which a run waits, and its end. */
export interface Pause {
  readonly until: Promise<void>;
  /** For so short a time that the run's state is not saved. */
  readonly brief: boolean;
}

/** The result of a run. */
export interface TrainReport {
  readonly cancelled: boolean;
  readonly steps: number;
  /** The first is the base's. */
  readonly evaluations: readonly Evaluation[];
  /** The one whose weights were kept. */
  readonly best: Evaluation;
  readonly tokensPerSecond: number;
}

/**
 * Trains a model and writes the weights that did best on the validation examples.
 * @throws ModelError "input" when the folder is taken or the loss is not a number whatever the rate, "memory" or
 *   "checkpoint" when there is no room, and what loading the base throws
 */
export async function train(run: TrainRun, options: TrainOptions = {}): Promise<TrainReport> {
  const { signal, onEvent: tell = () => undefined, whilePaused, saveEveryMs = 60_000 } = options;
  const trainer = await openTrainer(run, tell, options.onFolder);
  try {
    if (trainer.progress.evaluations.length === 0) await trainer.evaluate();
    if (trainer.stepsLeft > 0) await trainer.estimate();
    while (trainer.stepsLeft > 0 && !trainer.tired && !signal?.aborted) {
      const pause = whilePaused?.();
      if (pause !== undefined) {
        if (!pause.brief) await trainer.save();
        tell({ type: "paused", step: trainer.progress.step, ...(pause.brief && { brief: true }) });
        await pause.until;
        if (!signal?.aborted) tell({ type: "continued", step: trainer.progress.step });
      } else if (await trainer.step()) {
        if (trainer.evaluationDue) await trainer.evaluate();
        else if (trainer.unsavedMs > saveEveryMs) await trainer.save();
        else await setImmediate(); // lets an interruption through
      }
    }
    const cancelled = signal?.aborted === true && trainer.stepsLeft > 0;
    await (cancelled ? trainer.save() : trainer.finish());
    const { step: steps, evaluations } = trainer.progress;
    const totals = { steps, best: bestOf(evaluations), tokensPerSecond: trainer.tokensPerSecond };
    if (!cancelled) tell({ type: "done", out: run.out, ...totals, evaluations: [...evaluations] });
    return { cancelled, evaluations, ...totals };
  } finally {
    await trainer.dispose();
  }
}
