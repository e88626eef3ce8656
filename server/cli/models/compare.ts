/** `spanfill compare`: how alike two models are, layer by layer, and what slips in a text cost each. */
import { Command, Option } from "commander";
import type { Comparison } from "../../../protocol/comparison.ts";
import { type CommandResult, UsageError, type Work } from "../../command-work.ts";
import type { Precision } from "../../engine/engine.ts";
import { SEARCHES, type Search } from "../../training/compare/search.ts";
import { atLeast, between, withJson } from "../options.ts";
import { runCommand } from "../terminal.ts";
import { readRequestFile } from "../training/train-flags.ts";

interface Options {
  readonly data?: string;
  readonly task: string;
  readonly request?: string;
  readonly limit: number;
  readonly stirSteps: number;
  readonly stirSearch: Search;
  readonly share: number;
  readonly precision: Precision;
  readonly otherPrecision: Precision;
  readonly seed: number;
  readonly threads?: number;
  readonly json?: boolean;
}

/** The command. Its action prints a table and a chart of the layers, and the losses, or the Comparison with --json. */
export function compareCommand(): Command {
  const precision = (flag: string, of: string) =>
    new Option(`${flag} <precision>`, `of the ${of} model's weights`).choices(["float32", "int8"]).default("float32");
  const command = new Command("compare")
    .summary("compare two models layer by layer, and what slips in a text cost each")
    .description(
      "Compare two models with one vocabulary, such as a base and its tuned one, or one in float32 and in int8: the similarity of their states after each layer (CKA, STIR), and their losses with typos, dropped, swapped and repeated words, and capitals.",
    )
    .argument("<first>", "a model's id, or its folder")
    .argument("<second>", "the other one")
    .option("-d, --data <file>", "data of the task, as train reads them")
    .option("-t, --task <task>", "the task of the data", "infill")
    .option("--limit <n>", "examples, drawn by the seed", atLeast(1), 24)
    .option("--stir-steps <n>", "STIR too: steps of each search for inputs that are the same to a model", atLeast(0), 0)
    .addOption(
      new Option("--stir-search <rule>", "steps of the search: Adam's, or its authors' normalized gradients")
        .choices(SEARCHES)
        .default(SEARCHES[0]),
    )
    .option("--share <share>", "share of the words that a perturbation changes", between(0, 1, false), 0.15)
    .addOption(precision("--precision", "first"))
    .addOption(precision("--other-precision", "second"))
    .option("--seed <n>", "seed of the examples, the perturbations and the searches", atLeast(0), 0)
    .option("--threads <n>", "threads of one operator", atLeast(1))
    .addHelpText(
      "after",
      `
Examples:
  $ spanfill compare google/t5-small ./tuned --task summarize --data test.jsonl
  $ spanfill compare ./tuned ./tuned --other-precision int8 --data ./docs`,
    );
  command.option(
    "--request <file>",
    'the request of a training run (JSON; "-": standard input): compare on what that run keeps out of its data',
  );
  return withJson(command).action((first: string, second: string, options: Options) =>
    runCommand(options.json === true, (work) => compare([first, second], options, work)),
  );
}

async function compare(
  models: readonly [string, string],
  { data, task, request: file, precision, otherPrecision, ...options }: Options,
  { signal, progress }: Work,
): Promise<CommandResult> {
  const { compareModels } = await import("../../training/compare/compare.ts");
  const source = file === undefined ? { data: named(data), task } : { run: await readRequestFile(file, {}, signal) };
  const request = { ...options, source, precision: [precision, otherPrecision] as const };
  const comparison = await compareModels(models, request, { signal, onProgress: progress });
  return { text: inWords(comparison), json: comparison, notes: comparison.notes };
}

function named(data: string | undefined): string {
  if (data !== undefined) return data;
  throw new UsageError("Name what to compare on: --data, or --request with the request of a training run.");
}

const BAR = 30;

function inWords({ first, second, examples, tokens, layers, losses }: Comparison): string {
  const stir = layers.some((layer) => layer.stir !== undefined);
  const similarity = layers.map(({ stack, layer, other, cka, stir: found }) => {
    const facing = other === layer ? `${layer}` : `${layer}, ${other}`;
    const columns = stir ? [found?.first, found?.second, found?.left] : [];
    const bar = "#".repeat(Math.round(BAR * Math.max(0, cka ?? 0)));
    return `${stack} ${facing.padEnd(7)}${[cka, ...columns].map(figure).join("")}  ${bar}`;
  });
  const heads = ["CKA", ...(stir ? ["STIR 1", "STIR 2", "left"] : [])];
  const plain = losses.find(({ kind }) => kind === null);
  const cost = losses.map(({ kind, first: a, second: b }) => {
    const more = (loss: number, clean = loss) => (kind === null ? "" : signed(loss - clean)).padStart(8);
    return `${(kind ?? "as it is").padEnd(15)}${figure(a)}${more(a, plain?.first)}${figure(b)}${more(b, plain?.second)}`;
  });
  const lines = [
    ...[`1: ${first}`, `2: ${second}`, `${examples} examples, ${tokens} tokens`, ""],
    ...[`${"after layer".padEnd(15)}${heads.map((head) => head.padStart(WIDTH)).join("")}`, ...similarity, ""],
    ...[`${"loss per token".padEnd(15)}${"1".padStart(WIDTH)}${"2".padStart(WIDTH + 8)}`, ...cost],
  ];
  return `${lines.map((row) => row.trimEnd()).join("\n")}\n`;
}

/** Characters of a column. */
const WIDTH = 8;

function figure(value: number | null | undefined): string {
  return (value == null ? "-" : value.toFixed(3)).padStart(WIDTH);
}

function signed(value: number): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(3)}`;
}
