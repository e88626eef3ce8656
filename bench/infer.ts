/** `bench infer`: how fast models of three shapes answer, side by side with transformers.js on the same weights. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { resolveModel } from "../server/catalog/catalog.ts";
import type { Precision } from "../server/engine/engine.ts";
import { defaultThreads } from "../server/engine/ort-runner.ts";
import { seededRandom } from "../server/training/random.ts";
import { calledFrom } from "./called-from.ts";
import { type Contender, type ContenderRun, startContender } from "./contender.ts";
import { measureCancel, measureColdStart, measureEngineMemory } from "./product.ts";
import { type ShapeName, shapes, writeRandomModel } from "./random-model.ts";
import { median } from "./statistics.ts";
import { printTable } from "./table.ts";

/** What to measure. */
export interface InferOptions {
  readonly shapes: readonly ShapeName[];
  readonly precisions: readonly Precision[];
  /** Timed runs of each contender and workload, interleaved. */
  readonly rounds: number;
  /** Whose tokenizer the random models borrow, and whose memory is measured; the built-in model when absent. */
  readonly model?: string;
  /** Folder of the random models and the peers' exports of them. */
  readonly models: string;
  /** Whether cold start, memory and cancelling of the product are measured too. */
  readonly product: boolean;
}

/** Medians of one contender. Times in milliseconds. */
interface Figures {
  readonly contender: string;
  readonly firstTokenMs: number;
  readonly msPerToken: number;
  /** 512 tokens of context, 16 out. */
  readonly infillMs: number;
  /** 512 tokens in, 64 out. */
  readonly summaryMs: number;
  readonly loadMs: number;
  readonly peakBytes: number;
}

interface Comparison {
  readonly shape: ShapeName;
  readonly precision: Precision;
  readonly ours: Figures;
  /** Ours choosing from a shortlist, as the built-in models do: no comparison, since the peer has none. */
  readonly shortlisted: Figures;
  readonly peer?: Figures;
  /** Median over rounds of the peer's ms per token by ours. */
  readonly decodingSpeedup?: number;
  /** Leading tokens of the 64 that are the same on both sides; the two quantize differently, so it says something at float32 only. */
  readonly sameTokens?: number;
}

/** Measures, prints tables, and writes bench/results/infer.json. */
export async function benchInfer(options: InferOptions): Promise<void> {
  const threads = defaultThreads();
  const builtin = resolveModel(options.model, { workingFolder: calledFrom() });
  const comparisons: Comparison[] = [];
  for (const shape of options.shapes) {
    const directory = resolve(options.models, shape);
    writeRandomModel(directory, shapes[shape], 7, builtin, shapes[shape].scale);
    for (const precision of options.precisions) {
      comparisons.push(await compare(shape, precision, directory, threads, options.rounds));
      printTable(rows(comparisons.slice(-1)));
    }
  }
  console.log(
    `\n${cpus()[0]?.model.trim()}, ${threads} threads; medians of ${options.rounds} interleaved runs, greedy`,
  );
  printTable(rows(comparisons));
  const product = options.product ? await measureProduct(builtin, resolve(options.models, "deep")) : undefined;
  mkdirSync("bench/results", { recursive: true });
  const cpu = cpus()[0]?.model.trim();
  const result = { cpu, threads, node: process.version, rounds: options.rounds, comparisons, product };
  writeFileSync("bench/results/infer.json", `${JSON.stringify(result, null, 2)}\n`);
}

async function compare(
  shape: ShapeName,
  precision: Precision,
  directory: string,
  threads: number,
  rounds: number,
): Promise<Comparison> {
  const model = { directory, precision, threads };
  const ours = await startContender("spanfill", join("dist", "bench-child.js"), model);
  const script = join("dist", "bench-child.js");
  const shortlisted = await startContender(`spanfill, shortlist ${SHORTLIST}`, script, {
    ...model,
    shortlist: SHORTLIST,
  });
  const peer = await startPeer(directory, model);
  const contenders = peer === undefined ? [ours, shortlisted] : [ours, shortlisted, peer];
  const short = new Map<Contender, ContenderRun[]>(contenders.map((one) => [one, []]));
  const long = new Map<Contender, ContenderRun[]>(contenders.map((one) => [one, []]));
  const warmups = 2;
  try {
    for (let round = -warmups; round < rounds; round++) {
      // The order alternates, so that neither side always runs on the other's heels.
      const order = round % 2 === 0 ? contenders : contenders.toReversed();
      for (const [runs, newTokens] of [[short, 16] as const, [long, 64] as const]) {
        for (const contender of order) {
          const run = await contender.generate(contextIds, newTokens);
          if (run.ids.length !== newTokens)
            throw new Error(`${contender.name} gave ${run.ids.length} of ${newTokens} tokens`);
          if (round >= 0) runs.get(contender)?.push(run);
        }
      }
    }
  } finally {
    for (const contender of contenders) contender.dispose();
  }
  const figures = (contender: Contender): Figures => {
    const [infills, summaries] = [short.get(contender) ?? [], long.get(contender) ?? []];
    return {
      contender: contender.name,
      firstTokenMs: median([...infills, ...summaries].map((run) => run.firstTokenMs)),
      msPerToken: median(summaries.map((run) => run.msPerToken)),
      infillMs: median(infills.map((run) => run.totalMs)),
      summaryMs: median(summaries.map((run) => run.totalMs)),
      loadMs: contender.loadMs,
      peakBytes: Math.max(...summaries.map((run) => run.peakBytes)),
    };
  };
  const own = { shape, precision, ours: figures(ours), shortlisted: figures(shortlisted) };
  if (peer === undefined) return own;
  const [mine, theirs] = [long.get(ours) ?? [], long.get(peer) ?? []];
  const [a, b] = [mine[0]?.ids ?? [], theirs[0]?.ids ?? []];
  const differs = a.findIndex((id, i) => id !== b[i]);
  return {
    ...own,
    peer: figures(peer),
    decodingSpeedup: median(mine.map((run, i) => (theirs[i]?.msPerToken ?? Number.NaN) / run.msPerToken)),
    sameTokens: differs < 0 ? a.length : differs,
  };
}

async function startPeer(
  directory: string,
  model: Parameters<typeof startContender>[2],
): Promise<Contender | undefined> {
  const missing = !existsSync("bench/node_modules/@huggingface/transformers")
    ? "bench/node_modules is not installed"
    : !existsSync(join(directory, "onnx", "decoder_model_merged_quantized.onnx"))
      ? `${directory} has no ONNX export`
      : undefined;
  if (missing === undefined) return startContender("transformers.js", "bench/peers/transformers.mjs", model);
  console.log(`transformers.js is left out: ${missing}. bench/peers/README.md tells how to add it.`);
  return undefined;
}

async function measureProduct(builtin: string, deep: string): Promise<object> {
  const memory = await measureEngineMemory(builtin);
  const coldStart = existsSync(join("dist", "cli.js")) ? await measureColdStart(15) : undefined;
  const cancel = existsSync(deep) ? await measureCancel(deep, contextIds, 60) : undefined;
  printTable([
    ["product", "", ""],
    [
      "engine memory, built-in model (MB)",
      `${mb(memory)}`,
      "peak of the engine's process after an infill and a summary",
    ],
    ...(coldStart === undefined
      ? []
      : [
          [
            "cold start to a printed infill (ms)",
            coldStart.medianMs.toFixed(0),
            `fastest ${coldStart.bestMs.toFixed(0)}`,
          ],
        ]),
    ...(cancel === undefined
      ? []
      : [
          [
            "cancel to idle, 16+16 layers (ms)",
            `p95 ${cancel.p95Ms.toFixed(1)}`,
            `median ${cancel.medianMs.toFixed(1)}`,
          ],
        ]),
  ]);
  return { engineBytes: memory, coldStart, cancel };
}

function rows(comparisons: readonly Comparison[]): string[][] {
  const line = (one: Comparison, figures: Figures, ratio: string): string[] => [
    `${one.shape} ${one.precision}`,
    figures.contender,
    figures.firstTokenMs.toFixed(1),
    figures.msPerToken.toFixed(3),
    figures.infillMs.toFixed(1),
    figures.summaryMs.toFixed(1),
    figures.loadMs.toFixed(0),
    mb(figures.peakBytes),
    ratio,
    ratio === "" || one.precision === "int8" ? "" : `${one.sameTokens}/64`,
  ];
  return [
    ["shape", "contender", "first token", "ms/token", "512+16", "512+64", "load", "peak MB", "decoding", "same tokens"],
    ...comparisons.flatMap((one) => [
      line(one, one.ours, one.decodingSpeedup === undefined ? "" : `${one.decodingSpeedup.toFixed(2)}x`),
      line(one, one.shortlisted, ""),
      ...(one.peer === undefined ? [] : [line(one, one.peer, "")]),
    ]),
  ];
}

/** What the built-in models choose from. */
const SHORTLIST = 8192;

/** 511 seeded ids of ordinary pieces, and eos. */
const contextIds: readonly number[] = (() => {
  const random = seededRandom(11);
  return [...Array.from({ length: 511 }, () => 3 + Math.floor(random() * 31_900)), 1];
})();

function mb(bytes: number | undefined): string {
  return bytes === undefined ? "-" : (bytes / 1e6).toFixed(0);
}
