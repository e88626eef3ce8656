/** The event that says what a run is about to do. */
import type { T5Config } from "../../../models/t5/config.ts";
import { parameterCount } from "../../../models/t5/weights.ts";
import type { TrainEvent } from "../../../protocol/training.ts";
import { learnedCount } from "./room.ts";
import type { TrainRun } from "./run.ts";

/** @param notes all of them, in the order in which they are shown */
export function planOf(run: TrainRun, config: T5Config, notes: readonly string[]): TrainEvent {
  const { settings, dataset, method } = run;
  return {
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
    steps: Math.ceil(dataset.count / settings.batchSize) * settings.epochs,
    notes: [...notes],
  };
}
