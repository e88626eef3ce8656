/** The benchmarks' command line: `npm run bench -- infer | quality | bigram`. */
import { Command, InvalidArgumentError, Option } from "commander";
import type { Precision } from "../server/engine/engine.ts";
import type { ShapeName } from "./random-model.ts";

const program = new Command("bench").description("Side-by-side measurements, each of which prints a table.");

program
  .command("infer")
  .description("speed and memory beside transformers.js (bench/peers/README.md tells how to add it)")
  .addOption(
    new Option("--shape <names...>", "shapes to measure")
      .choices(["tiny", "small", "deep"])
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
  .action(async (options: InferArguments) => {
    const { benchInfer } = await import("./infer.ts");
    await benchInfer({ ...options, shapes: options.shape, precisions: options.precision });
  });

program
  .command("quality")
  .description("perplexity, filled words and summaries on repositories that training never saw")
  .option("--model <id or folder>", "the model to judge; the built-in one by default")
  .addOption(new Option("--precision <name>", "precision").choices(["int8", "float32"]).default("int8"))
  .option("--limit <n>", "documents, drawn by a seed", count)
  .option("--data <file>", "documents as JSON lines instead of the committed ones")
  .option(
    "--corpus <file>",
    "count bigrams in this corpus (- reads standard input) instead of taking the committed table",
  )
  .option("--out <file>", "where the figures go", "bench/results/eval.json")
  .option("--examples <file>", "where ten documents with the model's outputs go, as Markdown")
  .option("--json", "print JSON instead of tables", false)
  .action(async (options: import("./quality.ts").QualityOptions) => {
    const { benchQuality } = await import("./quality.ts");
    await benchQuality(options);
  });

program
  .command("bigram")
  .description("make bench/data/bigram.json.gz from a corpus of JSON lines")
  .requiredOption("--corpus <file>", "the corpus; - reads standard input")
  .action(async ({ corpus }: { corpus: string }) => {
    const { writeBigramTable } = await import("./bigram.ts");
    await writeBigramTable(corpus);
  });

await program.parseAsync();

interface InferArguments {
  readonly shape: ShapeName[];
  readonly precision: Precision[];
  readonly rounds: number;
  readonly model?: string;
  readonly models: string;
  readonly product: boolean;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("Use a whole number of at least 1.");
  return value;
}
