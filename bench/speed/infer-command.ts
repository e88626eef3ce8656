/** The benchmark of inference on the command line. */
import { type Command, Option } from "commander";
import type { Precision } from "../../server/engine/engine.ts";
import type { ShapeName } from "../random-model.ts";
import { WORKLOADS } from "../support/workloads.ts";

/** Measured beside PyTorch. */
const APART = ["primer", "switch-8", "metro"] as const;
type Apart = (typeof APART)[number];

interface InferArguments {
  readonly shape: (ShapeName | Apart)[];
  readonly precision: Precision[];
  readonly rounds: number;
  readonly model?: string;
  readonly models: string;
  readonly product: boolean;
  readonly python: string;
  readonly code?: string;
}

/** Adds `infer`. @param count reads a number of times */
export function addInferCommand(program: Command, count: (text: string) => number): void {
  program
    .command("infer")
    .description("speed and memory beside transformers.js (bench/peers/README.md tells how to add it)")
    .addOption(
      new Option("--shape <names...>", "shapes to measure; primer, switch-8 and metro beside PyTorch")
        .choices(["tiny", "small", "deep", ...APART])
        .default(["tiny", "small", "deep"]),
    )
    .addOption(
      new Option("--precision <names...>", "precisions").choices(["int8", "float32"]).default(["int8", "float32"]),
    )
    .option("--rounds <n>", "timed runs of each contender", count, 9)
    .option(
      "--model <id or folder>",
      "whose tokenizer is borrowed and whose memory is measured; the built-in model by default",
    )
    .option("--models <folder>", "random models and the peers' exports of them", ".cache/bench")
    .option("--no-product", "leave out cold start, memory and cancelling")
    .option(
      "--python <path>",
      "for those beside PyTorch: a Python with torch and transformers (4.30 for metro)",
      ".cache/torch-venv/bin/python",
    )
    .option("--code <folder>", "for metro: its authors' code, model_release/src of gonglinyuan/metro_t0")
    .action(async ({ shape: names, ...options }: InferArguments) => {
      const isApart = (name: ShapeName | Apart): name is Apart => APART.some((one) => one === name);
      const apart = names.filter(isApart);
      const shapes = names.filter((name) => !isApart(name)) as ShapeName[];
      if (shapes.length > 0) {
        const { benchInfer } = await import("./infer.ts");
        await benchInfer({ ...options, shapes, precisions: options.precision });
      }
      if (apart.length === 0) return;
      const { benchLong } = await import("./long.ts");
      for (const precision of options.precision)
        await benchLong({ ...options, precision, shape: apart, lengths: ["512"], mostPlain: 512 });
    });
}

/** Adds `peers`. @param count reads a number of times */
export function addPeersCommand(program: Command, count: (text: string) => number): void {
  program
    .command("peers")
    .description("the same weights in other engines: fills, summaries, beams, batches, and the machine's limits")
    .addOption(
      new Option("--shape <names...>", "shapes to measure")
        .choices(["tiny", "nl4", "small", "deep"])
        .default(["tiny", "nl4", "small", "deep"]),
    )
    .addOption(
      new Option("--precision <names...>", "precisions").choices(["int8", "float32"]).default(["int8", "float32"]),
    )
    .addOption(
      new Option("--work <names...>", "what is measured")
        .choices(Object.keys(WORKLOADS))
        .default(Object.keys(WORKLOADS)),
    )
    .option("--rounds <n>", "timed runs of each contender and work; of long ones a third", count, 9)
    .option("--models <folder>", "random models and the peers' exports of them", ".cache/bench")
    .option("--python <path>", "a Python with ctranslate2, torch and transformers", ".cache/torch-venv/bin/python")
    .option("--optimum <path>", "a Python with Optimum and ONNX Runtime", ".cache/bench-venv/bin/python")
    .option("--compiled", "PyTorch compiled, too, which takes minutes before the first run")
    .action(async (options: import("./peers.ts").PeersOptions) => {
      const { benchPeers } = await import("./peers.ts");
      await benchPeers(options);
    });
}
