/**
 * `bench int8`: what quantizing to int8 loses against float32, and the encoder's processor time (interleaved, so that
 * other work on the machine counts little), of built-in models with and without outlying channels; beside MatMulNBits
 * for every product.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tensorPlan } from "../../models/checkpoint/plan.ts";
import { encodeInput, encodeTarget, prefixedText } from "../../models/tokenizer/parts.ts";
import { prepareWeights } from "../../server/catalog/folder/int8/prepare.ts";
import { readTokenizer } from "../../server/catalog/folder/tokenizer.ts";
import { listBuiltin, resolveModel } from "../../server/catalog/installed.ts";
import { defaultThreads, type OrtRunner, openRunner } from "../../server/engine/runtime/ort/runner.ts";
import { rankedTokens } from "../../server/engine/search/candidates.ts";
import { score } from "../../server/engine/search/generate.ts";
import { calledFrom } from "../support/called-from.ts";
import { readDocuments } from "../support/kept-out.ts";
import { type Outliers, PLANTED_PLACES, writeWithOutliers } from "../support/outliers.ts";
import { median } from "../support/statistics.ts";
import { printTable } from "../support/table.ts";

/** Options of the measurement. */
export interface Int8Options {
  /** Ids or folders; the built-in models when absent. */
  readonly model?: readonly string[];
  /** Documents whose summaries are scored. */
  readonly limit: number;
  /** How many times as large the outlying channels are. */
  readonly factor: readonly number[];
  readonly rounds: number;
  /** Where models are made and removed again. */
  readonly models: string;
}

/** A way of storing the same model, loaded. */
interface Contender {
  readonly name: string;
  readonly runner: OrtRunner;
  /** Log probabilities of every target token. */
  readonly logProbs: number[];
  /** Processor time of each round. */
  readonly encoderMs: number[];
}

interface Example {
  readonly input: readonly number[];
  readonly target: readonly number[];
}

/** Measures and prints a table. */
export async function benchInt8({ model, limit, factor, rounds, models }: Int8Options): Promise<void> {
  mkdirSync(models, { recursive: true });
  const rows = [
    [
      "model",
      "outliers",
      "weights",
      "loss - float32's, nats",
      "mean |d|, nats",
      "encoder, processor ms",
      "not in columns",
    ],
  ];
  for (const id of model ?? listBuiltin().map((builtin) => builtin.id)) {
    const directory = resolveModel(id, { workingFolder: calledFrom() });
    const examples = await examplesFor(directory, limit);
    const planted = factor
      .filter((each) => each !== 1)
      .flatMap((each) => PLANTED_PLACES.map((place) => ({ place, factor: each })));
    for (const outliers of [{ place: "feed-forward", factor: 1 } as const, ...planted]) {
      const folder = mkdtempSync(join(models, "int8-"));
      try {
        const label = outliers.factor === 1 ? "none" : `${outliers.factor} x, ${outliers.place}`;
        const figures = await measure(directory, folder, outliers, examples, rounds);
        rows.push(...figures.map((row) => [id, label, ...row]));
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
  }
  printTable(rows);
}

async function examplesFor(directory: string, limit: number): Promise<Example[]> {
  const tokenizer = await readTokenizer(directory);
  const documents = readDocuments().filter((_, i, all) => i % Math.ceil(all.length / limit) === 0);
  return documents.map(({ text, summary }) => ({
    input: [...encodeInput(tokenizer, prefixedText("summarize: ", text)).slice(0, 511), 1],
    target: encodeTarget(tokenizer, summary),
  }));
}

async function measure(
  directory: string,
  folder: string,
  outliers: Outliers,
  examples: readonly Example[],
  rounds: number,
): Promise<string[][]> {
  const planted = join(folder, "model");
  await writeWithOutliers(directory, planted, join(folder, "source"), outliers);
  const contenders = [
    await open("float32", planted, "float32", join(folder, "float32")),
    await open("int8", planted, "int8", join(folder, "int8")),
    await open("int8, all in blocks", planted, "int8", join(folder, "blocks"), true),
  ];
  for (const { runner, logProbs } of contenders) {
    const model = {
      runner,
      config: runner.config,
      decode: String,
      commonTokens: rankedTokens([], [], runner.vocabSize),
    };
    for (const { input, target } of examples) logProbs.push(...(await score(model, input, target)).logProbs);
  }
  const longest = examples.map(({ input }) => input).reduce((a, b) => (b.length > a.length ? b : a));
  for (let round = 0; round < rounds; round += 1) {
    for (const { runner, encoderMs } of contenders) {
      const began = process.cpuUsage();
      (await runner.encode([longest])).dispose();
      const { user, system } = process.cpuUsage(began);
      encoderMs.push((user + system) / 1000);
    }
  }
  const [reference] = contenders;
  const rows: string[][] = [];
  for (const { name, runner, logProbs, encoderMs, columns } of contenders) {
    const errors = logProbs.map((logProb, i) => (reference?.logProbs[i] ?? Number.NaN) - logProb);
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    rows.push([
      name,
      mean(errors).toFixed(4),
      mean(errors.map(Math.abs)).toFixed(4),
      `${Math.min(...encoderMs).toFixed(1)} (${median(encoderMs).toFixed(1)})`,
      columns,
    ]);
    await runner.dispose();
  }
  return rows;
}

/** Loads a model whose cache is a separate folder. @param inBlocks whether every product is a MatMulNBits */
async function open(
  name: string,
  directory: string,
  precision: "float32" | "int8",
  cache: string,
  inBlocks = false,
): Promise<Contender & { readonly columns: string }> {
  let asked = false; // again, when they are in blocks
  const tooFar = async ({ config }: { readonly config: Parameters<typeof tensorPlan>[0] }) => {
    const names = asked ? [] : columnsOf(config);
    asked = true;
    return names;
  };
  if (inBlocks) await prepareWeights(directory, precision, { cacheFolder: cache, tooFar });
  process.env["SPANFILL_CACHE"] = cache;
  const runner = await openRunner(directory, precision, defaultThreads());
  const { tensors } = await prepareWeights(directory, precision);
  const all = columnsOf(runner.config);
  const moved = all.filter((planned) => !tensors.has(`${planned}.s8t`)).length;
  const columns = precision === "float32" ? "" : `${moved} of ${all.length}`;
  return { name, runner, logProbs: [], encoderMs: [], columns };
}

/** Names of the tensors that are planned in columns. */
function columnsOf(config: Parameters<typeof tensorPlan>[0]): string[] {
  return tensorPlan(config)
    .filter(({ form }) => form === "column")
    .map(({ name }) => name);
}
