/** `bench train`: how long a training step takes, side by side with PyTorch on the same weights and batches. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { learnedShapes, type Method } from "../models/t5/trainable.ts";
import { resolveModel } from "../server/catalog/catalog.ts";
import { defaultThreads } from "../server/engine/ort-runner.ts";
import { prepareLearner } from "../server/training/learner.ts";
import { createOptimizer } from "../server/training/optimizer.ts";
import { seededRandom } from "../server/training/random.ts";
import { createStepper, type Example } from "../server/training/step.ts";
import { readWeights } from "../server/training/train.ts";
import { type ShapeName, shapes, writeRandomModel } from "./random-model.ts";
import { median } from "./statistics.ts";
import { printTable } from "./table.ts";

/** What to measure, as the command line gives it. */
export interface TrainArguments {
  readonly shape: readonly ShapeName[];
  /** Rows, source and target tokens: "8,128,32". */
  readonly batch: string;
  readonly dropout: readonly string[];
  readonly method: readonly string[];
  readonly optimizer: "adafactor" | "adamw";
  /** Timed steps of each side, interleaved. */
  readonly rounds: number;
  readonly python: string;
  /** Folder of the random models. */
  readonly models: string;
}

/** One step of one side. */
interface StepRun {
  readonly ms: number;
  readonly loss: number;
  /** Most resident memory of the side's process so far. */
  readonly peakBytes: number;
}

/** One side of the comparison: forward, backward and update. */
interface Side {
  readonly name: string;
  step(batch: readonly Example[]): Promise<StepRun>;
  dispose(): Promise<void>;
}

/** Measures, prints a table, and writes bench/results/train.json. */
export async function benchTrain(options: TrainArguments): Promise<void> {
  const [rows = 8, source = 128, target = 32] = options.batch.split(",").map(Number);
  const threads = defaultThreads();
  const table = [["shape", "learns", "dropout", "side", "ms/step", "tokens/s", "peak MB", "first loss", "speed"]];
  const results: object[] = [];
  for (const shape of options.shape) {
    const directory = resolve(options.models, shape);
    writeRandomModel(directory, shapes[shape], 7, resolveModel(), shapes[shape].scale);
    const kinds = options.method.flatMap((method) =>
      options.dropout.map((rate) => ({ method, dropout: Number(rate) })),
    );
    for (const { method, dropout } of kinds) {
      const sides = [await openOurs(directory, method, dropout, options.optimizer, threads)];
      const peer = await openPyTorch(options.python, [
        directory,
        `${threads}`,
        `${dropout}`,
        options.optimizer,
        method,
      ]);
      if (peer !== undefined) sides.push(peer);
      const runs = sides.map((): StepRun[] => []);
      const random = seededRandom(5);
      const ids = (count: number) => Array.from({ length: count }, () => 3 + Math.floor(random() * 31_900));
      for (let round = -WARMUPS; round < options.rounds; round += 1) {
        const batch = Array.from({ length: rows }, () => ({ input: ids(source), target: ids(target) }));
        // The order alternates, so that neither side always runs on the other's heels.
        const order = [...sides.entries()];
        for (const [i, side] of round % 2 === 0 ? order : order.reverse()) runs[i]?.push(await side.step(batch));
      }
      const first = runs.map((made) => made[0]?.loss ?? Number.NaN);
      const timed = runs.map((made) => made.slice(WARMUPS));
      const speed = median((timed[1] ?? []).map(({ ms }, i) => ms / (timed[0]?.[i]?.ms ?? Number.NaN)));
      for (const [i, { name }] of sides.entries()) {
        const ms = median(timed[i]?.map((run) => run.ms) ?? []);
        const peakBytes = Math.max(...(timed[i] ?? []).map((run) => run.peakBytes));
        const tokensPerSecond = (1000 * rows * (source + target)) / ms;
        results.push({ shape, method, dropout, side: name, ms, tokensPerSecond, peakBytes, firstLoss: first[i] });
        const figures = [
          ms.toFixed(1),
          tokensPerSecond.toFixed(0),
          (peakBytes / 1e6).toFixed(0),
          first[i]?.toFixed(4) ?? "",
        ];
        table.push([
          shape,
          method,
          `${dropout}`,
          name,
          ...figures,
          i === 0 && peer !== undefined ? `${speed.toFixed(2)}x` : "",
        ]);
      }
      for (const side of sides) await side.dispose();
    }
  }
  const cpu = cpus()[0]?.model.trim();
  console.log(
    `\n${cpu}, ${threads} threads; ${rows} x (${source} + ${target}) tokens, float32, ${options.optimizer}; medians of ${options.rounds} interleaved steps`,
  );
  printTable(table);
  mkdirSync("bench/results", { recursive: true });
  writeFileSync("bench/results/train.json", `${JSON.stringify({ cpu, threads, ...options, results }, null, 2)}\n`);
}

const WARMUPS = 3;

async function openOurs(
  directory: string,
  method: string,
  dropoutRate: number,
  kind: "adafactor" | "adamw",
  threads: number,
): Promise<Side> {
  const { config, weights } = await readWeights(directory);
  const targets = ["q", "v", "wi", "wi_0", "wi_1", "wo"];
  const learned: Method =
    method === "lora"
      ? { kind: "lora", targets, rank: 16, alpha: 32, dropoutRate: 0 }
      : { kind: "full", freezeEmbedding: false };
  const learner = prepareLearner(config, weights, learned, 1);
  const stepper = await createStepper(config, weights, { dropoutRate, labelSmoothing: 0, zLoss: 0, threads }, learner);
  const optimizer = createOptimizer(learner.tensors, learnedShapes(config, learned), { kind, weightDecay: 0 });
  let steps = 0;
  return {
    name: "spanfill",
    async step(batch) {
      const started = performance.now();
      steps += 1;
      const { loss } = await stepper.train([batch], steps);
      optimizer.update(stepper.gradients, steps, 1e-5, 1);
      return { ms: performance.now() - started, loss, peakBytes: process.resourceUsage().maxRSS * 1024 };
    },
    dispose: () => stepper.dispose(),
  };
}

async function openPyTorch(python: string, args: readonly string[]): Promise<Side | undefined> {
  if (!existsSync(python)) {
    console.log(`PyTorch is left out: there is no ${python}. bench/peers/README.md tells how to add it.`);
    return undefined;
  }
  const child = spawn(python, ["bench/peers/train.py", ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const reply = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`PyTorch's process ended with ${child.exitCode}`);
    return JSON.parse(value);
  };
  const { version } = (await reply()) as { version: string };
  return {
    name: `PyTorch ${version}`,
    async step(batch) {
      const rows = { inputs: batch.map(({ input }) => input), targets: batch.map(({ target }) => target) };
      child.stdin.write(`${JSON.stringify(rows)}\n`);
      return (await reply()) as StepRun;
    },
    async dispose() {
      child.stdin.end();
      await new Promise((ended) => child.once("exit", ended));
    },
  };
}
