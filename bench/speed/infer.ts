/** `bench infer`: how fast models of three shapes are, compared with transformers.js on the same weights. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { resolveModel } from "../../server/catalog/installed.ts";
import type { Precision } from "../../server/engine/engine.ts";
import { defaultThreads } from "../../server/engine/runtime/ort/runner.ts";
import { type ShapeName, shapes, writeRandomModel } from "../random-model.ts";
import { calledFrom } from "../support/called-from.ts";
import { type Contender, startContender } from "../support/contender.ts";
import { idSource } from "../support/fresh-ids.ts";
import { measureCancel, measureColdStart, measureEngineMemory } from "../support/product.ts";
import { leastSameTokens, type Runs, takeTurns } from "../support/rounds.ts";
import { median } from "../support/statistics.ts";
import { printTable } from "../support/table.ts";

/** Options of the measurement. */
export interface InferOptions {
  readonly shapes: readonly ShapeName[];
  readonly precisions: readonly Precision[];
  /** Timed runs of each contender and workload, interleaved. */
  readonly rounds: number;
  /** The model that lends the random ones its tokenizer and whose memory is measured; the built-in one when absent. */
  readonly model?: string;
  /** Folder of the random models and the peers' exports of them. */
  readonly models: string;
  /** Whether to also measure cold start, memory and cancelling of the product. */
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
  /** How many times as fast ours is: medians over the rounds of the peer's time by ours. */
  readonly speedup?: { readonly token: number; readonly infill: number; readonly summary: number };
  /**
   * Leading tokens of the 64 that are the same on both sides, in the round with the fewest; the two quantize
   * differently, so it says something at float32 only.
   */
  readonly sameTokens?: number;
}

/** Measures, prints tables, and writes bench/results/infer.json. */
export async function benchInfer(options: InferOptions): Promise<void> {
  const threads = defaultThreads();
  const builtin = resolveModel(options.model, { workingFolder: calledFrom() });
  const comparisons: Comparison[] = [];
  for (const shape of options.shapes) {
    const directory = resolve(options.models, shape);
    writeRandomModel(directory, shapes[shape], 7, builtin);
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
  let runs: readonly Runs[];
  try {
    runs = await takeTurns(contenders, rounds, idSource(SEED));
  } finally {
    for (const contender of contenders) contender.dispose();
  }
  const [own, short, theirs] = runs;
  if (own === undefined || short === undefined) throw new Error("There is no run.");
  const figures = { ours: figuresOf(ours, own), shortlisted: figuresOf(shortlisted, short) };
  if (peer === undefined || theirs === undefined) return { shape, precision, ...figures };
  const speedup = (kind: keyof Runs, time: "msPerToken" | "totalMs") =>
    median(own[kind].map((run, i) => (theirs[kind][i]?.[time] ?? Number.NaN) / run[time]));
  return {
    ...{ shape, precision, ...figures, peer: figuresOf(peer, theirs) },
    speedup: {
      token: speedup("summaries", "msPerToken"),
      infill: speedup("infills", "totalMs"),
      summary: speedup("summaries", "totalMs"),
    },
    sameTokens: leastSameTokens(own.summaries, theirs.summaries),
  };
}

function figuresOf({ name, loadMs }: Contender, { infills, summaries }: Runs): Figures {
  return {
    contender: name,
    firstTokenMs: median([...infills, ...summaries].map((run) => run.firstTokenMs)),
    msPerToken: median(summaries.map((run) => run.msPerToken)),
    infillMs: median(infills.map((run) => run.totalMs)),
    summaryMs: median(summaries.map((run) => run.totalMs)),
    loadMs,
    peakBytes: Math.max(...summaries.map((run) => run.peakBytes)),
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
  const cancel = existsSync(deep) ? await measureCancel(deep, idSource(SEED), 60) : undefined;
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
  const line = (one: Comparison, figures: Figures, ratios: readonly string[]): string[] => [
    `${one.shape} ${one.precision}`,
    figures.contender,
    figures.firstTokenMs.toFixed(1),
    figures.msPerToken.toFixed(3),
    figures.infillMs.toFixed(1),
    figures.summaryMs.toFixed(1),
    figures.loadMs.toFixed(0),
    mb(figures.peakBytes),
    ...ratios,
  ];
  const ratios = ({ speedup, sameTokens, precision }: Comparison): string[] => {
    if (speedup === undefined) return ["", "", "", ""];
    const leads = [speedup.token, speedup.infill, speedup.summary].map((lead) => `${lead.toFixed(2)}x`);
    return [...leads, precision === "int8" ? "" : `${sameTokens}/64`];
  };
  const times = ["first token", "ms/token", "512+16", "512+64"];
  const leads = ["token lead", "512+16 lead", "512+64 lead"];
  return [
    ["shape", "contender", ...times, "load", "peak MB", ...leads, "same tokens"],
    ...comparisons.flatMap((one) => [
      line(one, one.ours, ratios(one)),
      line(one, one.shortlisted, ["", "", "", ""]),
      ...(one.peer === undefined ? [] : [line(one, one.peer, ["", "", "", ""])]),
    ]),
  ];
}

/** The shortlist size of the built-in models. */
const SHORTLIST = 8192;

const SEED = 11;

function mb(bytes: number | undefined): string {
  return bytes === undefined ? "-" : (bytes / 1e6).toFixed(0);
}
