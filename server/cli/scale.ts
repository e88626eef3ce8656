/** `spanfill scale`: what a larger model or more text would bring, by small ones trained on one's own text. */
import { Command } from "commander";
import { percent } from "../../base/figures.ts";
import type { CommandResult, Work } from "../command-work.ts";
import type { Measurement } from "../training/scale/result.ts";
import type { ScaleRequest } from "../training/scale/scale.ts";
import { atLeast, between, withJson } from "./options.ts";
import { runCommand } from "./terminal.ts";
import { enoughInWords } from "./training/print-training.ts";

interface Options extends ScaleRequest {
  readonly json?: boolean;
}

/** The command; its action prints the measured losses, the law and what it predicts. */
export function scaleCommand(): Command {
  const command = new Command("scale")
    .summary("predict what a larger model or more text would bring")
    .description(
      "Train small shapes on your own text from first weights, fit a scaling law to their losses, and predict what larger shapes, more training and more text would bring. Ctrl+C stops; the same command goes on. The result is kept, and `spanfill train --dry-run` and the panel use it.",
    )
    .requiredOption("-d, --data <file>", "a folder of texts, a text, or rows with a column of text")
    .requiredOption(
      "-s, --shapes <names...>",
      "the shapes to train, such as tiny-nl1 tiny-nl2 tiny-nl4: a size, and what differs from it",
    )
    .option("--minutes <n>", "processor time of all of them together, for each thread", between(0, 10_000, false), 30)
    .option("--steps <n>", "steps after which each ends at the latest", atLeast(4), 1_000_000)
    .option("-b, --base <id|dir>", "the model whose vocabulary is taken (default: built-in)")
    .option("--seed <n>", "seed of the weights, the gaps and the order", atLeast(0), 0)
    .option("--threads <n>", "threads of one operator", atLeast(1))
    .addHelpText(
      "after",
      `
Example:
  $ spanfill scale --data ./docs --shapes tiny-nl1 tiny-nl2 tiny-nl4 --minutes 30`,
    );
  return withJson(command).action((options: Options) =>
    runCommand(options.json === true, (work) => scale(options, work), { ends: true }),
  );
}

async function scale(options: Options, { signal, progress }: Work): Promise<CommandResult> {
  const { measureScaling } = await import("../training/scale/scale.ts");
  const onStep = (label: string, seconds: number, total: number) =>
    progress(label, Math.round(seconds / 6) / 10, Math.round(total / 6) / 10);
  const { measurement, folder, notes } = await measureScaling(options, { signal, onStep });
  return {
    text: inWords(measurement, folder),
    json: { ...measurement, folder },
    notes,
    ...(measurement.law === undefined && {
      cancelled: "Stopped; what was measured is kept. The same command goes on.",
    }),
  };
}

function inWords({ runs, law, predictions = [], enough, bytes }: Measurement, folder: string): string {
  if (law === undefined) return "";
  const measured = runs.map(({ shape, share, parameters, size, points, processorSeconds }) => [
    shape,
    millions(parameters),
    millions(size),
    percent(share),
    millions(points.at(-1)?.tokens ?? 0),
    (points.at(-1)?.loss ?? Number.NaN).toFixed(3),
    processorSeconds.toFixed(0),
  ]);
  const predicted = predictions.map(({ shape, parameters, hours, times, loss }) => [
    shape,
    millions(parameters),
    `${hours} h`,
    `${times} x`,
    `${loss.value.toFixed(3)} (${loss.low.toFixed(3)} to ${loss.high.toFixed(3)})`,
  ]);
  const terms = [
    ["size", law.parameters],
    ["training", law.tokens],
    ["text", law.text],
  ] as const;
  const exponents = terms.map(
    ([name, { exponent }]) =>
      `${name} ${exponent.value.toFixed(2)} (${exponent.low.toFixed(2)} to ${exponent.high.toFixed(2)})`,
  );
  const answer = enough === undefined ? "" : enoughInWords({ ...enough, bytes });
  return `${table(["shape", "M parameters", "M counted", "of the text", "M tokens", "loss", "processor s"], measured)}
Exponents: ${exponents.join(", ")}; the losses lie ${percent(law.error, 1)} off the law. (95% intervals in brackets.)

${table(["shape", "M parameters", "training", "text", "predicted loss"], predicted)}
${answer}The result is in ${folder}.
`;
}

function millions(count: number): string {
  return (count / 1e6).toFixed(2);
}

/** Rows in columns, the first one to the left. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ");
  return `${[head, ...rows].map(line).join("\n")}\n`;
}
