/** `bench adapters`: one base that serves many adapters, beside a session for each: memory, time of a switch. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { seededRandom } from "../../models/random.ts";
import type { Method } from "../../models/t5/lowering/trainable.ts";
import { resolveModel } from "../../server/catalog/installed.ts";
import { defaultThreads } from "../../server/engine/runtime/ort/runner.ts";
import { NO_TELEMETRY } from "../../server/engine/runtime/telemetry.ts";
import { writeAdapter, writeLearned } from "../../server/training/run/results/trained-model.ts";
import { prepareLearner, readWeights } from "../../server/training/step/learner.ts";
import { type ShapeName, shapes, writeRandomModel } from "../random-model.ts";
import { printTable } from "../support/table.ts";

/** The command line's options. */
export interface AdaptersArguments {
  readonly shape: ShapeName;
  readonly precision: readonly ("int8" | "float32")[];
  readonly kind: readonly ("bottleneck" | "lora")[];
  readonly rounds: number;
  readonly models: string;
  /** A Python with AdapterHub's library; without it that is left out. */
  readonly python?: string;
}

/** Figures of a process with some adapters; times in milliseconds. */
export interface AdaptersRun {
  /** Until the first answer. */
  readonly firstMs: number;
  /** Median until each further adapter's first answer, less a usual one. */
  readonly nextMs: number;
  /** Median of an answer with the adapter that answered before. */
  readonly sameMs: number;
  /** Median of an answer with another adapter than the one before, less that. */
  readonly switchMs: number;
  readonly memoryBytes: number;
}

const COUNTS = [1, 4, 16];

const METHODS: Readonly<Record<"bottleneck" | "lora", Method>> = {
  bottleneck: { kind: "bottleneck", layout: "houlsby", width: 32, scale: 1 },
  lora: { kind: "lora", targets: ["q", "v", "wi", "wo"], rank: 16, alpha: 32, dropoutRate: 0 },
};

/** Measures, and prints a table. */
export async function benchAdapters(options: AdaptersArguments): Promise<void> {
  const { shape, precision, kind, rounds, models, python } = options;
  const base = resolve(models, shape);
  writeRandomModel(base, shapes[shape], 7, resolveModel());
  const rows: string[][] = [];
  for (const each of kind) {
    const folders = await writeAdapters(base, each);
    for (const count of COUNTS) {
      const places = folders.slice(0, count);
      for (const how of precision) {
        for (const sharing of ["shared", "separate"] as const) {
          const run = measured(process.execPath, ["--expose-gc", CHILD, base, how, sharing, `${rounds}`, ...places]);
          rows.push([each, how, `${count}`, sharing === "shared" ? "one session" : "a session each", ...inCells(run)]);
        }
      }
      if (python === undefined || each !== "bottleneck") continue;
      const run = measured(python, [PEER, base, `${defaultThreads()}`, `${rounds}`, ...places]);
      rows.push([each, "float32", `${count}`, "AdapterHub's library", ...inCells(run)]);
    }
  }
  console.log(`\n${cpus()[0]?.model.trim()}; ${shape}, 64 tokens in and 8 out`);
  printTable([
    ["kind", "base", "adapters", "sessions", "first ms", "next ms", "answer ms", "+ switch ms", "MB"],
    ...rows,
  ]);
}

const CHILD = fileURLToPath(new URL("./bench-adapters.js", import.meta.url));
const PEER = "bench/peers/adapterhub.py";

function inCells({ firstMs, nextMs, sameMs, switchMs, memoryBytes }: AdaptersRun): string[] {
  return [...[firstMs, nextMs, sameMs].map((ms) => ms.toFixed(0)), switchMs.toFixed(1), (memoryBytes / 1e6).toFixed(0)];
}

function measured(command: string, args: readonly string[]): AdaptersRun {
  const env = { ...process.env, ...NO_TELEMETRY };
  const { stdout, stderr, status } = spawnSync(command, args, { env, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}

/** Writes adapters of random values. @returns their folders */
async function writeAdapters(base: string, kind: "bottleneck" | "lora"): Promise<string[]> {
  const folders: string[] = [];
  const { config, weights } = await readWeights(base);
  for (let i = 0; i < Math.max(...COUNTS); i += 1) {
    const out = `${base}-${kind}-${i}`;
    const folder = kind === "lora" ? join(out, "adapter") : out;
    folders.push(folder);
    if (existsSync(join(folder, "adapter_config.json"))) continue;
    const learner = prepareLearner(config, weights, METHODS[kind], i);
    const random = seededRandom(i + 1);
    for (const values of learner.memory.tensors.values())
      for (const at of values.keys()) values[at] = (random() - 0.5) / 8;
    if (kind === "lora") await writeAdapter(out, base, learner);
    else await writeLearned(out, { base }, learner);
  }
  return folders;
}
