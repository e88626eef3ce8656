/** `bench long`: time and memory of T5, LongT5 and the other architectures by length, beside PyTorch (Linux). */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import type { Precision } from "../../server/engine/engine.ts";
import { defaultThreads } from "../../server/engine/runtime/ort/runner.ts";
import { type ConfiguredShape, writeConfigured } from "../support/configured-model.ts";
import { type ContenderRun, startContender } from "../support/contender.ts";
import { printTable } from "../support/table.ts";

/** Options of the measurement. */
export interface LongOptions {
  /** T5's and LongT5's by default. */
  readonly shape?: readonly ConfiguredShape[];
  /** Lengths of the input in tokens. */
  readonly lengths: readonly string[];
  readonly precision: Precision;
  /** Most tokens that plain T5 reads: its memory grows with their square. */
  readonly mostPlain: number;
  /** Answers of each, of which the quickest counts. */
  readonly rounds: number;
  /** A Python with torch and transformers; without it PyTorch is left out. */
  readonly python?: string;
  /** The code of METRO-T0's authors: model_release/src. */
  readonly code?: string;
  /** Folder of the random models. */
  readonly models: string;
}

const NAMES = {
  T5: "t5",
  "T5 gated SiLU": "gated-silu",
  Primer: "primer",
  "LongT5 local": "long-local",
  "LongT5 global": "long-global",
  "Switch, 8 experts": "switch-8",
  "Switch, 32 experts": "switch-32",
  "METRO-T0": "metro",
} as const;
const NEW_TOKENS = 16;

/** The cost of one answer: processor time, which others' work on the machine changes little, and memory. */
interface Cost {
  readonly seconds: number;
  readonly gigabytes: number;
}

/** Each side reads an input and writes 16 tokens greedily, in a new process for each length. */
export async function benchLong(options: LongOptions): Promise<void> {
  const threads = defaultThreads();
  const heading = [
    "model",
    "tokens",
    "processor s",
    "peak GB",
    "PyTorch's s",
    "its GB",
    "times as fast",
    "of its memory",
  ];
  const rows = [heading];
  for (const [name, shape] of Object.entries(NAMES)) {
    if (!(options.shape?.includes(shape) ?? !/^(switch|primer|metro)/.test(shape))) continue;
    const directory = writeConfigured(options.models, shape);
    for (const length of options.lengths.map(Number)) {
      if (!name.startsWith("LongT5") && length > options.mostPlain) continue;
      const ours = await measure(directory, length, threads, options);
      const theirs =
        options.python === undefined ? undefined : peer(options.python, directory, length, threads, options);
      const figures = [ours, ...(theirs ? [theirs] : [])].flatMap(({ seconds, gigabytes }) => [
        seconds.toFixed(2),
        gigabytes.toFixed(2),
      ]);
      const ratios =
        theirs === undefined
          ? ["", "", "", ""]
          : [(theirs.seconds / ours.seconds).toFixed(2), (ours.gigabytes / theirs.gigabytes).toFixed(2)];
      rows.push([name, String(length), ...figures, ...ratios]);
      printTable([heading, ...rows.slice(-1)]);
    }
  }
  const { precision, rounds } = options;
  console.log(
    `\n${cpus()[0]?.model.trim()}, ${threads} threads, ${precision}; quickest of ${rounds}, ${NEW_TOKENS} tokens out`,
  );
  printTable(rows);
  mkdirSync("bench/results", { recursive: true });
  writeFileSync("bench/results/long.json", `${JSON.stringify({ precision, threads, rounds, rows }, null, 2)}\n`);
}

async function measure(
  directory: string,
  length: number,
  threads: number,
  { precision, rounds }: LongOptions,
): Promise<Cost> {
  const contender = await startContender("spanfill", join("dist", "bench-child.js"), { directory, precision, threads });
  try {
    const runs: ContenderRun[] = [];
    for (let round = 0; round < rounds; round += 1) runs.push(await contender.generate([idsOf(length)], NEW_TOKENS));
    return {
      seconds: Math.min(...runs.map(({ processorMs = Number.NaN }) => processorMs)) / 1000,
      gigabytes: Math.max(...runs.map(({ peakBytes }) => peakBytes)) / 1e9,
    };
  } finally {
    contender.dispose();
  }
}

/** PyTorch's side, as float32; undefined where it does not come to an end, for want of memory perhaps. */
function peer(
  python: string,
  folder: string,
  length: number,
  threads: number,
  { rounds, code }: LongOptions,
): Cost | undefined {
  const ids = idsOf(length);
  try {
    const args = ["bench/peers/long.py", folder, String(threads), String(rounds), String(NEW_TOKENS), code ?? ""];
    return JSON.parse(execFileSync(python, args, { input: JSON.stringify(ids), encoding: "utf8" }));
  } catch {
    return undefined;
  }
}

/** Ids without special ones, not even the end, which differs. */
function idsOf(length: number): number[] {
  return Array.from({ length }, (_, i) => 100 + ((i * 7919) % 30_000));
}
