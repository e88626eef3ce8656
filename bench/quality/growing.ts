/** Whether growing saves steps: a small model is trained, grown in several ways, and trained on beside a fresh one. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { grownConfig } from "../../models/t5/growth/config.ts";
import { openModel } from "../../server/catalog/folder/open.ts";
import { resolveModel } from "../../server/catalog/installed.ts";
import { createFolder } from "../../server/files/create-folder.ts";
import type { Dataset } from "../../server/training/data/dataset.ts";
import { textDataset } from "../../server/training/data/text-dataset.ts";
import { writeFreshModel } from "../../server/training/fresh/fresh-model.ts";
import { type GrowRequest, growModel } from "../../server/training/grow/grow.ts";
import { openTrainer } from "../../server/training/run/trainer.ts";
import { runOf } from "../../server/training/scale/measure.ts";
import { shapeOf } from "../../server/training/scale/shapes.ts";
import { printTable } from "../support/table.ts";

/** The text, the shapes and the steps. */
export interface GrowingOptions {
  readonly data: string;
  readonly small: string;
  readonly smallSteps: number;
  /** Steps of the larger model from first weights, whose last loss is the goal; the others stop when they reach it. */
  readonly steps: number;
  readonly learn: number;
  /** Examples kept out that losses are taken of. */
  readonly heldOut: number;
  readonly layers: number;
  readonly dModel: number;
  readonly dFf: number;
  readonly heads: number;
  readonly seeds: readonly number[];
}

/** A loss of the examples kept out, by step; processor seconds since the start. */
interface Point {
  readonly step: number;
  readonly loss: number;
  readonly seconds: number;
}

/** A start of one seed. */
interface Start {
  readonly name: string;
  readonly points: readonly Point[];
  /** Processor seconds of growing. */
  readonly growing: number;
  /** The first point at the goal. */
  readonly reached: Point | undefined;
}

/**
 * Prints, for each start, its first loss, and the steps and the processor time after which it was as good as the larger
 * model from first weights at its end: the middle one of all seeds, and the least and the most.
 */
export async function benchGrowing(options: GrowingOptions): Promise<void> {
  const byName = new Map<string, Start[]>();
  for (const seed of options.seeds)
    for (const start of await startsOf(options, seed)) {
      byName.set(start.name, [...(byName.get(start.name) ?? []), start]);
    }
  const rows = [...byName].map(([name, starts]) => {
    const firsts = starts.map(({ points }) => points[0]?.loss ?? Number.NaN);
    const reached = starts.flatMap((start) => start.reached ?? []);
    const all = starts.flatMap(({ growing, reached }) => (reached === undefined ? [] : [growing + reached.seconds]));
    const share = reached.length < starts.length ? `${reached.length} of ${starts.length}: ` : "";
    const steps =
      share +
      ranged(
        reached.map(({ step }) => step),
        0,
      );
    return [name, ranged(firsts, 3), steps, ranged(all, 0)];
  });
  printTable([["start", "first loss", "steps to the goal", "processor seconds, with growing"], ...rows]);
}

/** All starts of a seed. */
async function startsOf(options: GrowingOptions, seed: number): Promise<Start[]> {
  const { data, learn, steps } = options;
  const folder = mkdtempSync(join(tmpdir(), "spanfill-growing-"));
  const signal = new AbortController().signal;
  try {
    const vocabulary = resolveModel(undefined, { workingFolder: process.cwd() });
    const { dataset: whole } = await textDataset({ data, seed }, vocabulary, "for this", signal);
    const dataset = { ...whole, validation: whole.validation.slice(0, options.heldOut) };
    const { config } = await shapeOf(options.small, (await openModel(vocabulary, "float")).config);
    const small = join(folder, "small");
    createFolder(small);
    await writeFreshModel(small, config, vocabulary, seed);
    const trained = join(folder, "trained");
    const before = last(await trainOn(small, trained, dataset, options.smallSteps, seed));
    const { layers, dModel, dFf, heads } = options;
    const sizes = { layers, dModel, dFf, heads };
    const fresh = join(folder, "fresh");
    createFolder(fresh);
    await writeFreshModel(fresh, grownConfig(config, sizes), vocabulary, seed);
    const points = await trainOn(fresh, `${fresh}-on`, dataset, steps, seed);
    const goal = last(points).loss;
    console.log(`seed ${seed}: ${options.small} ends at ${before.loss.toFixed(3)}, the goal is ${goal.toFixed(3)}`);
    const starts: Start[] = [{ name: "first weights", points, growing: 0, reached: last(points) }];
    for (const [name, method, learned] of WAYS) {
      const out = join(folder, name.replaceAll(" ", "-"));
      const request: GrowRequest = {
        ...{ ...sizes, method, learn: learned ? learn : 0, lr: 1e-3, batchSize: BATCH, seed, threads: 1, out },
        ...(learned && { data }),
      };
      const begun = process.cpuUsage();
      await growModel(trained, request, { signal, onStep: () => undefined });
      const growing = seconds(begun);
      const points = printed(name, await trainOn(out, `${out}-on`, dataset, steps, seed, goal));
      starts.push({ name, points, growing, reached: points.find(({ loss }) => loss <= goal) });
    }
    return starts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The middle value, with the least and the most where they differ. */
function ranged(values: readonly number[], digits: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, middle, high] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
  if (low === undefined || middle === undefined || high === undefined) return "not reached";
  const shown = (value: number) => value.toFixed(digits);
  return low === high ? shown(middle) : `${shown(middle)} (${shown(low)} to ${shown(high)})`;
}

const WAYS = [
  ["stacked", "stack", false],
  ["interpolated", "interpolate", false],
  ["Net2Net", "net2net", false],
  ["LiGO from Net2Net", "net2net", true],
  ["LiGO from stacking", "stack", true],
] as const;

const LOSS_EVERY = 20;
/** Windows of a step. */
const BATCH = 8;

/** Trains, and takes losses as it goes; up to the goal, if there is one. */
async function trainOn(
  base: string,
  out: string,
  dataset: Dataset,
  steps: number,
  seed: number,
  goal = Number.NEGATIVE_INFINITY,
): Promise<Point[]> {
  const run = runOf(base, out, dataset, {
    ...{ epochs: 1_000_000, batchSize: BATCH, maxBatchTokens: 4096, maxInputTokens: 256 },
    ...{ optimizer: "adafactor", learningRate: 2e-2, schedule: "constant", warmupSteps: 10 },
    ...{ weightDecay: 0, clipNorm: 1, evaluateEvery: 0, judged: 0, patience: 0, seed },
    ...{ dropoutRate: 0, labelSmoothing: 0, zLoss: 1e-4, threads: 1, checkpointing: false },
  });
  const trainer = await openTrainer(run, () => undefined);
  const begun = process.cpuUsage();
  const spent: number[] = [];
  try {
    for (;;) {
      if (trainer.progress.step % LOSS_EVERY === 0) {
        await trainer.evaluate();
        spent.push(seconds(begun));
      }
      const loss = trainer.progress.evaluations.at(-1)?.validation ?? Number.POSITIVE_INFINITY;
      if (trainer.progress.step >= steps || loss <= goal) break;
      await trainer.step();
    }
    return trainer.progress.evaluations.map(({ step, validation }, i) => ({
      ...{ step, loss: validation, seconds: spent[i] ?? Number.NaN },
    }));
  } finally {
    await trainer.dispose();
  }
}

function seconds(begun: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1e6;
}

/** Prints a start's losses as soon as they are there. */
function printed(name: string, points: readonly Point[]): readonly Point[] {
  console.log(`${name}: ${points.map(({ loss }) => loss.toFixed(2)).join(" ")}`);
  return points;
}

function last(points: readonly Point[]): Point {
  return points.at(-1) ?? { step: 0, loss: Number.NaN, seconds: Number.NaN };
}
