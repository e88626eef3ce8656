/** The order in which examples are learned from: seeded, and such that examples of like lengths are padded together. */
import { mixSeeds, seededRandom } from "../../../models/random.ts";
import { type Batch, batchOf, type Example } from "../../../models/t5/batch.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import type { Dataset } from "./dataset.ts";

/** Steps' worth of examples that are sorted by length together: enough to save padding, few enough to stay mixed. */
const POOL_STEPS = 16;

/** The batches of one step, whose gradients are added up. */
export interface StepBatches {
  readonly batches: readonly Batch[];
  /** Tokens on both sides, without padding. */
  readonly tokens: number;
  /** Decides the step's dropout. */
  readonly seed: number;
}

/** How a dataset is cut into steps. */
export interface BatchSettings {
  /** Examples of a step. */
  readonly batchSize: number;
  /** Tokens of a batch, padding counted. */
  readonly maxBatchTokens: number;
  readonly seed: number;
}

/** Returns the reader of a run's steps, counted from 1. */
export function stepReader(
  config: T5Config,
  dataset: Pick<Dataset, "count" | "examples">,
  settings: BatchSettings,
): (step: number) => StepBatches {
  const read = stepExamples(dataset, settings);
  return (step) => {
    const batches = read(step);
    return {
      batches: batches.map((batch) => batchOf(config, batch)),
      tokens: batches.flat().reduce((tokens, { input, target }) => tokens + input.length + target.length, 0),
      seed: mixSeeds(settings.seed, step),
    };
  };
}

/**
 * Returns the reader of the examples of a run's steps, counted from 1, batch by batch; the examples of one epoch are
 * laid out at a time.
 */
export function stepExamples(
  dataset: Pick<Dataset, "count" | "examples">,
  { batchSize, maxBatchTokens, seed }: BatchSettings,
): (step: number) => Example[][] {
  const perEpoch = Math.ceil(dataset.count / batchSize);
  let laidOut: { readonly epoch: number; readonly steps: readonly Example[][] } | undefined;
  return (step) => {
    const epoch = Math.floor((step - 1) / perEpoch);
    if (laidOut?.epoch !== epoch) {
      laidOut = { epoch, steps: epochSteps(dataset.examples(epoch), batchSize, seed, epoch) };
    }
    return cutByTokens(laidOut.steps[(step - 1) % perEpoch] ?? [], maxBatchTokens);
  };
}

/** Lays examples out in batches of at most so many tokens, padding counted. */
export function batchesOf(config: T5Config, examples: readonly Example[], maxTokens: number): Batch[] {
  return cutByTokens(examples, maxTokens).map((batch) => batchOf(config, batch));
}

/**
 * An epoch's examples in the order of its steps.
 * @param batchSize examples of a step; the last step of an epoch may have fewer
 * @returns for each step its examples, near each other in length
 */
function epochSteps(examples: readonly Example[], batchSize: number, seed: number, epoch: number): Example[][] {
  const random = seededRandom(mixSeeds(seed, epoch));
  const shuffled = shuffle(examples, random);
  const steps: Example[][] = [];
  for (let from = 0; from < shuffled.length; from += POOL_STEPS * batchSize) {
    const pool = shuffled.slice(from, from + POOL_STEPS * batchSize).sort((a, b) => cost(a) - cost(b));
    for (let i = 0; i < pool.length; i += batchSize) steps.push(pool.slice(i, i + batchSize));
  }
  return shuffle(steps, random);
}

/**
 * Cuts a step's examples into batches that are computed one after the other and whose gradients are added up.
 * @param maxTokens of a batch, padding counted; a longer example is a separate batch
 */
export function cutByTokens(examples: readonly Example[], maxTokens: number): Example[][] {
  const batches: Example[][] = [];
  let [batch, source, target]: [Example[], number, number] = [[], 0, 0];
  for (const example of [...examples].sort((a, b) => cost(a) - cost(b))) {
    const [S, T] = [Math.max(source, example.input.length), Math.max(target, example.target.length)];
    if (batch.length > 0 && (batch.length + 1) * (S + T) > maxTokens) {
      batches.push(batch);
      [batch, source, target] = [[example], example.input.length, example.target.length];
    } else {
      batch.push(example);
      [source, target] = [S, T];
    }
  }
  return batch.length > 0 ? [...batches, batch] : batches;
}

/** The cost of an example, against which padding is measured: both sides count. */
function cost({ input, target }: Example): number {
  return input.length + target.length;
}

function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i -= 1) {
    const other = Math.floor(random() * (i + 1));
    const [a, b] = [shuffled[i], shuffled[other]];
    if (a !== undefined && b !== undefined) [shuffled[i], shuffled[other]] = [b, a];
  }
  return shuffled;
}
