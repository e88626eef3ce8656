/** `bench peers`: the same weights and ids in Spanfill and in other engines, beside what the machine can give. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { seededRandom } from "../../models/random.ts";
import { flopsPerToken, forwardFlops } from "../../models/t5/account.ts";
import { parseConfig } from "../../models/t5/config.ts";
import { resolveModel } from "../../server/catalog/installed.ts";
import type { Precision } from "../../server/engine/engine.ts";
import { defaultThreads } from "../../server/engine/runtime/ort/runner.ts";
import { type ShapeName, shapes, writeRandomModel } from "../random-model.ts";
import { calledFrom } from "../support/called-from.ts";
import { type Contender, MissingError, type Rows, startContender } from "../support/contender.ts";
import { type Limits, measureLimits } from "../support/limits.ts";
import { median, quantile } from "../support/statistics.ts";
import { printTable } from "../support/table.ts";
import { WORKLOADS, type Workload } from "../support/workloads.ts";

/** Options of the comparison. */
export interface PeersOptions {
  readonly shape: readonly ShapeName[];
  readonly precision: readonly Precision[];
  /** Names in WORKLOADS. */
  readonly work: readonly string[];
  readonly rounds: number;
  /** Folder of the random models. */
  readonly models: string;
  /** A Python with ctranslate2, torch and transformers. */
  readonly python: string;
  /** A Python with Optimum and ONNX Runtime. */
  readonly optimum: string;
  readonly compiled?: boolean;
}

/** The timed runs of one contender by work, in milliseconds by round; undefined for work that it cannot do. */
type Times = ReadonlyMap<string, readonly number[] | undefined>;

interface Side {
  readonly contender: Contender;
  readonly times: Times;
  readonly peakBytes: number;
}

const SEED = 17;
const WARMUPS = 2;
const LONG_WARMUPS = 1;
/** Bytes of a weight: blocks of 128 values have a scale of 4 bytes each. */
const INT8_BYTES = 1 + 4 / 128;

/** Measures, prints a table for each shape and precision, and writes bench/results/peers.json. */
export async function benchPeers(options: PeersOptions): Promise<void> {
  const threads = defaultThreads();
  const builtin = resolveModel(undefined, { workingFolder: calledFrom() });
  const limits = await measureLimits(threads);
  const machine = `${cpus()[0]?.model.trim()}, ${threads} threads`;
  const [float32, int8, bandwidth] = [limits.float32, limits.int8, limits.bandwidth].map((rate) => rate / 1e9);
  console.log(
    `${machine}: products ${float32?.toFixed(0)} GFLOP/s in float32, ${int8?.toFixed(0)} G/s in int8; ` +
      `300 MB are read at ${bandwidth?.toFixed(0)} GB/s`,
  );
  const results: object[] = [];
  for (const shape of options.shape) {
    const directory = resolve(options.models, shape);
    writeRandomModel(directory, shapes[shape], 7, builtin);
    for (const precision of options.precision) {
      const sides = await compare(directory, precision, threads, options);
      console.log(`\n${shape} ${precision}: medians in ms (how many times as long as Spanfill)`);
      const best = limit(directory, precision, limits);
      printTable(rowsOf(sides, options.work, best));
      const times = sides.map(({ contender, times, peakBytes }) => ({
        ...{ name: contender.name, loadMs: contender.loadMs, peakBytes, times: Object.fromEntries(times) },
      }));
      results.push({ shape, precision, limit: best, sides: times });
    }
  }
  mkdirSync("bench/results", { recursive: true });
  const written = { machine, node: process.version, rounds: options.rounds, limits, results };
  writeFileSync("bench/results/peers.json", `${JSON.stringify(written, null, 2)}\n`);
}

async function compare(
  directory: string,
  precision: Precision,
  threads: number,
  options: PeersOptions,
): Promise<readonly Side[]> {
  const contenders: Contender[] = [];
  try {
    for (const [name, script] of programs(directory, precision, options)) {
      const opened = startContender(name, script, { directory, precision, threads });
      const contender = await opened.catch((error: unknown) => {
        if (!(error instanceof MissingError)) console.log(`${name} is left out: ${error}`);
        return undefined;
      });
      if (contender !== undefined) contenders.push(contender);
    }
    const all = contenders.map(() => new Map<string, number[] | undefined>());
    const peaks = contenders.map(() => 0);
    const random = seededRandom(SEED); // of all kinds of work: what was encoded once is remembered
    for (const name of options.work) {
      const work = WORKLOADS[name];
      if (work === undefined) continue;
      const runs = await takeTurns(
        contenders,
        work,
        random,
        work.long ? Math.ceil(options.rounds / 3) : options.rounds,
      );
      for (const [i, { times, peakBytes }] of runs.entries()) {
        all[i]?.set(name, times);
        peaks[i] = Math.max(peaks[i] ?? 0, peakBytes);
      }
    }
    return contenders.map((contender, i) => ({
      ...{ contender, times: all[i] ?? new Map(), peakBytes: peaks[i] ?? 0 },
    }));
  } finally {
    for (const contender of contenders) contender.dispose();
  }
}

type Program = Parameters<typeof startContender>[1];

/** The contenders that are installed, ours first, with how each is started. */
function programs(directory: string, precision: Precision, { python, optimum, compiled }: PeersOptions) {
  const end = precision === "int8" ? "_quantized" : "";
  const exported = existsSync(join(directory, "onnx", `decoder_model_merged${end}.onnx`));
  const there = existsSync(python);
  const installed = existsSync("bench/node_modules/@huggingface/transformers");
  const script = join("bench", "peers", "contender.py");
  const peers: readonly (readonly [name: string, installed: boolean, program: Program])[] = [
    ["transformers.js", exported && installed, "bench/peers/transformers.mjs"],
    ["CTranslate2", there, [python, script, "ctranslate2"]],
    ["ONNX Runtime (Optimum)", exported && existsSync(optimum), [optimum, script, "onnxruntime"]],
    ["PyTorch", there, [python, script, "pytorch"]],
    ["PyTorch, compiled", there && compiled === true, [python, script, "compiled"]],
  ];
  const missing = peers.filter(([, found]) => !found).map(([name]) => name);
  if (missing.length > 0) console.log(`Left out: ${missing.join("; ")}. bench/peers/README.md tells how to add them.`);
  const ours: readonly [string, Program] = ["Spanfill", join("dist", "bench-child.js")];
  return [ours, ...peers.flatMap(([name, found, program]) => (found ? [[name, program] as const] : []))];
}

/** Has each contender do the work with new ids each round, in an order that alternates, after rounds that warm up. */
async function takeTurns(contenders: readonly Contender[], work: Workload, random: () => number, rounds: number) {
  const runs = contenders.map(() => ({ times: [] as number[] | undefined, peakBytes: 0 }));
  for (let round = work.long ? -LONG_WARMUPS : -WARMUPS; round < rounds; round += 1) {
    const inputs: Rows = Array.from({ length: work.rows }, () => [
      ...Array.from({ length: work.source - 1 }, () => 3 + Math.floor(random() * 31_900)),
      1,
    ]);
    const places = [...contenders.entries()];
    if (round % 2 !== 0) places.reverse();
    for (const [place, contender] of places) {
      const mine = runs[place];
      if (mine?.times === undefined) continue;
      try {
        const run = await contender.generate(inputs, work.target, work.beams);
        const short = run.ids.find((ids) => ids.length !== work.target);
        if (run.ids.length !== work.rows || short !== undefined)
          throw new Error(`${contender.name} gave ${short?.length} of ${work.target} tokens`);
        if (round >= 0) mine.times.push(run.totalMs);
        mine.peakBytes = Math.max(mine.peakBytes, run.peakBytes);
      } catch (error) {
        if (!(error instanceof MissingError)) throw error;
        mine.times = undefined;
      }
    }
  }
  return runs;
}

/** The least milliseconds that the machine's rates allow for the encoder of 512 tokens, and for a token. */
function limit(directory: string, precision: Precision, limits: Limits): { encoderMs: number; tokenMs: number } {
  const config = parseConfig(JSON.parse(readFileSync(join(directory, "config.json"), "utf8")));
  const perToken = flopsPerToken(config);
  const products = 512 * perToken.encoder;
  const attention = forwardFlops(config, { source: 512, target: 1 }).encoder - products;
  const bytes = (perToken.decoder / 2) * (precision === "int8" ? INT8_BYTES : 4);
  return {
    encoderMs: 1000 * (products / limits[precision] + attention / limits.float32),
    tokenMs: (1000 * bytes) / limits.bandwidth,
  };
}

function rowsOf(sides: readonly Side[], work: readonly string[], best: { encoderMs: number; tokenMs: number }) {
  const ours = sides[0]?.times;
  const cell = (times: readonly number[] | undefined, reference: readonly number[] | undefined, digits = 1) => {
    if (times === undefined || times.length === 0) return "-";
    const spread = `${quantile(times, 0.25).toFixed(digits)}-${quantile(times, 0.75).toFixed(digits)}`;
    const text = `${median(times).toFixed(digits)} [${spread}]`;
    if (reference === undefined || reference === times) return text;
    return `${text} (${median(times.map((time, i) => time / (reference[i] ?? Number.NaN))).toFixed(2)})`;
  };
  const perToken = (times: Times | undefined) => {
    const [long, short] = [times?.get("summary"), times?.get("infill")];
    return long?.map((time, i) => (time - (short?.[i] ?? Number.NaN)) / 48);
  };
  const measured = work.includes("summary") && work.includes("infill");
  const limitOf: Readonly<Record<string, number>> = { first: best.encoderMs };
  return [
    ["engine", ...work, ...(measured ? ["a token"] : []), "load", "peak MB"],
    ...sides.map(({ contender, times, peakBytes }) => [
      contender.name,
      ...work.map((name) => cell(times.get(name), ours?.get(name))),
      ...(measured ? [cell(perToken(times), perToken(ours), 2)] : []),
      contender.loadMs.toFixed(0),
      (peakBytes / 1e6).toFixed(0),
    ]),
    [
      "the machine's limit",
      ...work.map((name) => limitOf[name]?.toFixed(1) ?? ""),
      ...(measured ? [best.tokenMs.toFixed(2)] : []),
      ...["", ""],
    ],
  ];
}
