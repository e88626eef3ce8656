/** `bench train`: how long a training step takes, compared with PyTorch on the same weights and batches. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { percent } from "../../base/figures.ts";
import { createGraphBuilder } from "../../models/graph/builder.ts";
import { gemm } from "../../models/graph/ops.ts";
import { seededRandom } from "../../models/random.ts";
import { trainingFlops } from "../../models/t5/account.ts";
import { parseConfig } from "../../models/t5/config.ts";
import { resolveModel } from "../../server/catalog/installed.ts";
import { defaultThreads } from "../../server/engine/runtime/ort/runner.ts";
import { createSession, float32 } from "../../server/engine/runtime/session.ts";
import { NO_TELEMETRY } from "../../server/engine/runtime/telemetry.ts";
import { type ShapeName, shapes, writeRandomModel } from "../random-model.ts";
import { type ConfiguredShape, isConfigured, writeConfigured } from "../support/configured-model.ts";
import { median } from "../support/statistics.ts";
import { printTable } from "../support/table.ts";

/** The shapes and contenders from the command line. */
export interface TrainArguments {
  readonly shape: readonly (ShapeName | ConfiguredShape)[];
  /** Rows, source and target tokens: "8,128,32". */
  readonly batch: string;
  readonly dropout: readonly string[];
  readonly method: readonly string[];
  readonly optimizer: "adafactor" | "adamw";
  /** Timed steps of each side, interleaved. */
  readonly rounds: number;
  /** Python interpreters, each with its PyTorch. */
  readonly python: readonly string[];
  /** Folder of the random models. */
  readonly models: string;
}

/** One step of one side. */
interface StepRun {
  readonly ms: number;
  readonly loss: number;
  /** Peak resident memory of the side's process so far. */
  readonly peakBytes: number;
}

/** One side of the comparison, in a separate process: forward, backward and update. */
interface Side {
  readonly name: string;
  step(batch: string): Promise<StepRun>;
  dispose(): Promise<void>;
}

/** The measurements of one side. */
interface Result extends StepRun {
  readonly shape: string;
  readonly method: string;
  readonly dropout: number;
  readonly side: string;
  readonly tokensPerSecond: number;
  /** Share of the rate of this machine's matrix products. */
  readonly share: number;
  /** Median over the rounds of this side's time by ours. */
  readonly ratio: number;
}

const RESULTS = "bench/results/train.json";

/** Measures, prints a table, and keeps the figures in bench/results/train.json. */
export async function benchTrain(options: TrainArguments): Promise<void> {
  const [rows = 8, source = 128, target = 32] = options.batch.split(",").map(Number);
  const threads = defaultThreads();
  const results: Result[] = [];
  for (const shape of options.shape) {
    const folder = writtenModel(options.models, shape);
    const config = parseConfig(JSON.parse(readFileSync(join(folder, "config.json"), "utf8")));
    for (const method of options.method) {
      // What does not learn needs no product for its own gradient.
      const flops = (method === "full" ? 1 : 2 / 3) * rows * trainingFlops(config, { source, target });
      for (const dropout of options.dropout) {
        const rate = await gemmRate(threads);
        const sides = await openSides(options.python, [folder, `${threads}`, dropout, options.optimizer, method]);
        const runs = await measure(sides, options.rounds, [rows, source, target]);
        for (const [i, { name }] of sides.entries()) {
          const timed = (runs[i] ?? []).slice(WARMUPS);
          const ms = median(timed.map((run) => run.ms));
          results.push({
            ...{ shape, method, dropout: Number(dropout), side: name, ms },
            tokensPerSecond: (1000 * rows * (source + target)) / ms,
            peakBytes: Math.max(...timed.map(({ peakBytes }) => peakBytes)),
            share: flops / (ms / 1000) / rate,
            ratio: median(timed.map((run, round) => run.ms / (runs[0]?.[WARMUPS + round]?.ms ?? Number.NaN))),
            loss: runs[i]?.[0]?.loss ?? Number.NaN,
          });
        }
        for (const side of sides) await side.dispose();
      }
    }
  }
  const cpu = cpus()[0]?.model.trim();
  console.log(
    `\n${cpu}, ${threads} threads; ${rows} x (${source} + ${target}) tokens, float32, ${options.optimizer}; medians of ${options.rounds} interleaved steps`,
  );
  printTable([
    ["shape", "learns", "dropout", "side", "ms/step", "tokens/s", "peak MB", "of GEMM", "first loss", "x ours"],
    ...results.map(({ shape, method, dropout, side, ...figures }) => [
      ...[shape, method, `${dropout}`, side, figures.ms.toFixed(1), figures.tokensPerSecond.toFixed(0)],
      ...[(figures.peakBytes / 1e6).toFixed(0), percent(figures.share), figures.loss.toFixed(4)],
      figures.ratio.toFixed(2),
    ]),
  ]);
  keep(results, { cpu, threads, batch: options.batch, optimizer: options.optimizer, rounds: options.rounds });
}

/** The folder of a shape's random model, written if it is not there. */
function writtenModel(models: string, shape: ShapeName | ConfiguredShape): string {
  if (isConfigured(shape)) return writeConfigured(models, shape);
  const folder = resolve(models, shape);
  writeRandomModel(folder, shapes[shape], 7, resolveModel());
  return folder;
}

const WARMUPS = 3;

/**
 * The same batches for all sides; they take turns, each round begun by another, so that none always runs on another's
 * heels.
 */
async function measure(
  sides: readonly Side[],
  rounds: number,
  [rows, source, target]: readonly [number, number, number],
): Promise<StepRun[][]> {
  const runs = sides.map((): StepRun[] => []);
  const random = seededRandom(5);
  const ids = (count: number) => Array.from({ length: count }, () => 3 + Math.floor(random() * 31_900));
  const many = (length: number) => Array.from({ length: rows }, () => ids(length));
  for (let round = -WARMUPS; round < rounds; round += 1) {
    const batch = JSON.stringify({ inputs: many(source), targets: many(target) });
    for (let i = 0; i < sides.length; i += 1) {
      const at = (i + round + WARMUPS) % sides.length;
      const run = await sides[at]?.step(batch);
      if (run !== undefined) runs[at]?.push(run);
    }
  }
  return runs;
}

async function openSides(pythons: readonly string[], args: readonly string[]): Promise<Side[]> {
  const child = fileURLToPath(new URL("./bench-train.js", import.meta.url));
  const sides = [await openSide(process.execPath, [child, ...args])];
  for (const python of pythons) {
    if (existsSync(python)) sides.push(await openSide(python, ["bench/peers/train.py", ...args]));
    else console.log(`PyTorch is left out: there is no ${python}. bench/peers/README.md tells how to add it.`);
  }
  return sides;
}

async function openSide(command: string, args: readonly string[]): Promise<Side> {
  const env = { ...process.env, ...NO_TELEMETRY, HF_HUB_DISABLE_TELEMETRY: "1", DO_NOT_TRACK: "1" };
  const child = spawn(command, args, { env, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const reply = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${command}: the process ended with ${child.exitCode}`);
    return JSON.parse(value);
  };
  const { name } = (await reply()) as { name: string };
  return {
    name,
    async step(batch) {
      child.stdin.write(`${batch}\n`);
      return (await reply()) as StepRun;
    },
    async dispose() {
      child.stdin.end();
      await new Promise((ended) => child.once("exit", ended));
    },
  };
}

/** Operations a second of this machine's matrix products, at a size that suits it: [1024, 1024] by [1024, 1024]. */
async function gemmRate(threads: number): Promise<number> {
  const g = createGraphBuilder();
  const N = 1024;
  const [a, b] = [g.input("a", "float32", [N, N]), g.input("b", "float32", [N, N])];
  const session = await createSession(g.build("rate", { c: gemm(g, a, b) }), { folder: ".", threads, spin: true });
  const values = new Float32Array(N * N).fill(0.5);
  const feeds = { a: float32(values, [N, N]), b: float32(values, [N, N]) };
  const seconds: number[] = [];
  for (let i = 0; i < 20; i += 1) {
    const started = performance.now();
    const { c } = await session.run(feeds);
    seconds.push((performance.now() - started) / 1000);
    c?.dispose();
  }
  await session.dispose();
  return (2 * N ** 3) / Math.min(...seconds);
}

/** Writes the figures beside those of other shapes, methods and rates that were measured before. */
function keep(results: readonly Result[], settings: object): void {
  const known: { results?: Result[] } = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, "utf8")) : {};
  const same = (a: Result, b: Result) => a.shape === b.shape && a.method === b.method && a.dropout === b.dropout;
  const others = (known.results ?? []).filter((one) => !results.some((made) => same(one, made)));
  mkdirSync("bench/results", { recursive: true });
  writeFileSync(RESULTS, `${JSON.stringify({ ...settings, results: [...others, ...results] }, null, 2)}\n`);
}
