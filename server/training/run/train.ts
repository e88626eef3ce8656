/** The loop of fine-tuning: steps, evaluations, pauses. A stopped run resumes as if it had never been stopped. */
import { setImmediate } from "node:timers/promises";
import type { Evaluation, TrainEvent } from "../../../protocol/training.ts";
import { bestOf, type TrainRun } from "./run.ts";
import { openTrainer } from "./trainer.ts";

/** Options to observe and stop a run. */
export interface TrainOptions {
  /** Stops after the current step; the state is saved. */
  readonly signal?: AbortSignal;
  /** Called with each event, except errors. */
  readonly onEvent?: (event: TrainEvent) => void;
  /** Awaited once the folder belongs to the run, before anything is written into it. */
  readonly onFolder?: () => Promise<void>;
  /** Called before each step; returns the pause to wait for, if any. */
  readonly whilePaused?: () => Pause | undefined;
  /** The most work that a crash may lose, in milliseconds; one minute by default. */
  readonly saveEveryMs?: number;
}

/** A pause of a run. */
export interface Pause {
  readonly until: Promise<void>;
  /** Whether it is too short for the state to be saved. */
  readonly brief: boolean;
}

/** The result of a run. */
export interface TrainReport {
  readonly cancelled: boolean;
  readonly steps: number;
  /** All evaluations; the first is of the base. */
  readonly evaluations: readonly Evaluation[];
  /** The evaluation whose weights were kept. */
  readonly best: Evaluation;
  readonly tokensPerSecond: number;
}

/**
 * Trains a model and writes the weights that do best on the validation examples.
 * @throws ModelError "input" when the folder is taken or the loss is not a number at any rate, "memory" or "checkpoint"
 *   when there is not enough room; and what loading the base throws
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
