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
  readonly steps: number;
  readonly learn: number;
  /** Examples kept out that losses are taken of. */
  readonly heldOut: number;
  readonly layers: number;
  readonly dModel: number;
  readonly dFf: number;
  readonly heads: number;
  readonly seed: number;
}

/** A loss of the examples kept out, by step; processor seconds since the start. */
interface Point {
  readonly step: number;
  readonly loss: number;
  readonly seconds: number;
}

/** Prints, for each start, its first and last loss and the step at which it reached the fresh start's last one. */
export async function benchGrowing(options: GrowingOptions): Promise<void> {
  const { data, seed, learn, steps } = options;
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
    const points = await trainOn(small, trained, dataset, options.smallSteps, seed);
    console.log(`${options.small}, ${options.smallSteps} steps: loss ${last(points).loss.toFixed(3)}`);
    const { layers, dModel, dFf, heads } = options;
    const sizes = { layers, dModel, dFf, heads };
    const fresh = join(folder, "fresh");
    createFolder(fresh);
    await writeFreshModel(fresh, grownConfig(config, sizes), vocabulary, seed);
    const starts: [name: string, base: string, before: number][] = [["first weights", fresh, 0]];
    for (const [name, method, learned] of WAYS) {
      const out = join(folder, name.replaceAll(" ", "-"));
      const request: GrowRequest = {
        ...{ ...sizes, method, learn: learned ? learn : 0, lr: 1e-3, batchSize: BATCH, seed, threads: 1, out },
        ...(learned && { data }),
      };
      const begun = process.cpuUsage();
      await growModel(trained, request, { signal, onStep: () => undefined });
      starts.push([name, out, seconds(begun)]);
    }
    const curves: [name: string, growing: number, points: readonly Point[]][] = [];
    for (const [name, base, growing] of starts)
      curves.push([name, growing, printed(name, await trainOn(base, `${base}-on`, dataset, steps, seed))]);
    const goal = last(curves[0]?.[2] ?? []).loss;
    const rows = curves.map(([name, growing, points]) => {
      const there = points.find(({ loss }) => loss <= goal);
      return [
        name,
        (points[0]?.loss ?? Number.NaN).toFixed(3),
        last(points).loss.toFixed(3),
        there === undefined ? "not reached" : String(there.step),
        growing.toFixed(0),
        there === undefined ? "" : (growing + there.seconds).toFixed(0),
      ];
    });
    const head = [
      "start",
      "first loss",
      `loss after ${steps}`,
      `steps to ${goal.toFixed(3)}`,
      "growing, s",
      "in all, s",
    ];
    printTable([head, ...rows]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const WAYS = [
  ["stacked", "stack", false],
  ["interpolated", "interpolate", false],
  ["Net2Net", "net2net", false],
  ["LiGO from Net2Net", "net2net", true],
  ["LiGO from stacking", "stack", true],
] as const;

const LOSS_EVERY = 10;
/** Windows of a step. */
const BATCH = 8;

async function trainOn(base: string, out: string, dataset: Dataset, steps: number, seed: number): Promise<Point[]> {
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
      if (trainer.progress.step >= steps) break;
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
