/** LiGO: the matrices of a growth operator are learned on text, while the smaller model stays as it is. */
import { setImmediate } from "node:timers/promises";
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import type { GrowthOperator } from "../../../models/t5/growth/operator.ts";
import { stepReader } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import { prepareLearner } from "../step/learner.ts";
import { createOptimizer, globalNorm } from "../step/optimizer.ts";
import { copyToMemory } from "../step/parameter-memory.ts";
import { createStepper, type StepOptions, type Weights } from "../step/step.ts";
import { openGrowth } from "./apply.ts";

/** How the matrices learn. */
export interface LearnSettings extends StepOptions {
  readonly steps: number;
  /** AdamW's. */
  readonly learningRate: number;
  readonly batchSize: number;
  readonly maxBatchTokens: number;
  readonly seed: number;
}

/** Hears of each step. */
export type OnStep = (step: number, loss: number) => void;

/**
 * Learns an operator: after each step the larger model is grown anew, its gradients are those of any training step,
 * and the operator's follow from them by the chain rule. Each kind of weight has separate matrices, which all
 * layers share; the paper ties those of a width, and begins near stacking.
 * @param weights of the smaller model
 * @returns the grown weights; fewer steps were made where the signal is aborted
 * @throws ModelError "input" when the loss is no longer a number
 * @see Wang et al., "Learning to Grow Pretrained Models for Efficient Transformer Training" (LiGO, arXiv 2303.00980)
 */
export async function learnGrowth(
  operator: GrowthOperator,
  weights: Weights,
  config: T5Config,
  dataset: Pick<Dataset, "count" | "examples">,
  settings: LearnSettings,
  { signal, onStep }: { readonly signal: AbortSignal; readonly onStep: OnStep },
): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const { steps, learningRate, threads, seed } = settings;
  const memory = copyToMemory(new Map([...operator.matrices].map(([name, { values }]) => [name, values])));
  const growth = await openGrowth(operator, weights, memory.tensors, { threads, learns: true });
  const shapes = new Map([...operator.matrices].map(([name, { shape }]) => [name, shape]));
  const optimizer = createOptimizer(memory, shapes, { kind: "adamw", weightDecay: 0 });
  const learner = prepareLearner(config, await growth.apply(), { kind: "full", freezeEmbedding: false }, seed);
  const stepper = await createStepper(config, learner.weights, settings, learner);
  const read = stepReader(config, dataset, settings);
  try {
    for (let step = 1; step <= steps && !signal.aborted; step += 1) {
      const { batches, seed: stepSeed } = read(step);
      const { loss } = await stepper.train(batches, stepSeed);
      await growth.gradients(memory, (name) => learner.memory.view(name, "gradient"));
      const norm = globalNorm(memory);
      if (!Number.isFinite(loss + norm)) throw diverged(step, learningRate);
      optimizer.update(step, learningRate * Math.min(1, step / WARMUP_STEPS), Math.min(1, 1 / norm));
      for (const [name, values] of await growth.apply()) learner.memory.tensors.get(name)?.set(values);
      onStep(step, loss);
      await setImmediate(); // lets an interruption through
    }
    return await growth.apply();
  } finally {
    await stepper.dispose();
    await growth.dispose();
  }
}

const WARMUP_STEPS = 10;

function diverged(step: number, rate: number): ModelError {
  return new ModelError(
    "input",
    `The loss of step ${step} is not a number: a learning rate of ${rate} is too high here. Try --lr ${rate / 10}.`,
  );
}
