/** `spanfill evaluate`: compares a model with trivial baselines on data with known answers. */
import { Command, Option } from "commander";
import { TASK_PREFIXES } from "../../../protocol/task-prefixes.ts";
import { UsageError } from "../../command-work.ts";
import type { EvaluateOptions } from "../../evaluation/evaluate.ts";
import type { PoolOptions } from "../../evaluation/pool.ts";
import { writeAtomically } from "../../files/whole-file.ts";
import { atLeast, columnList, withPoolOptions } from "../options.ts";
import { runCommand } from "../terminal.ts";

interface Options extends EvaluateOptions, PoolOptions {
  readonly predictions?: string;
}

/** The command. Its action prints tables, or the EvaluationReport with --json. */
export function evaluateCommand(): Command {
  const command = new Command("evaluate")
    .summary("evaluate a model on data with known answers")
    .description(
      "Evaluate a model and baselines on data with known answers, with 95% bootstrap intervals and paired differences to the baselines.",
    )
    .addOption(
      new Option("-t, --task <task>", "the model's task")
        .choices(["summarize", "title", "infill", "qa", "classify"])
        .makeOptionMandatory(),
    )
    .requiredOption("-d, --data <file>", "JSON lines, also .gz (and .zst from Node.js 22.15 on); - for standard input")
    .option("--columns <list>", "columns with other names than the usual ones: text=body,summary=abstract", columnList)
    .option("--limit <n>", "rows, drawn at random with the seed (default: all)", atLeast(1))
    .option("--seed <n>", "seed for drawing rows, gaps and resamples", atLeast(0), 0)
    .option("--predictions <file>", "write each prediction with its likelihood to a file, as JSON lines")
    .option("--alternatives <n>", "infill: how many proposals count as hits (default: 5)", atLeast(1))
    .option("--ngrams <file>", "infill: corpus (JSON lines) for the n-gram counts of the baseline")
    .option(
      "--prefix <text>",
      `classify: text before each input (default: the model's own, else "${TASK_PREFIXES.classify}")`,
    )
    .addHelpText(
      "after",
      `
Columns, found by their usual names: summarize: text, summary, title; title: text, title; infill: text;
qa: question, context, answers; classify: text, label.

Examples:
  $ spanfill evaluate --task summarize --data pairs.jsonl
  $ spanfill evaluate --task infill --data docs.jsonl.gz --ngrams corpus.jsonl.gz --limit 200
  $ spanfill evaluate --task classify --data test.jsonl --columns text=input --model ./tuned --json`,
    );
  return withPoolOptions(command).action((options: Options) =>
    runCommand(options.json === true, async (work) => {
      checkOptions(options);
      const [{ prepareEvaluation, evaluate }, { openPool }, { printReport }] = await Promise.all([
        import("../../evaluation/evaluate.ts"),
        import("../../evaluation/pool.ts"),
        import("../../evaluation/print.ts"),
      ]);
      // Before the model is loaded, so that errors in the data are reported immediately.
      const evaluation = await prepareEvaluation(options, work.signal);
      work.signal.throwIfAborted();
      await using pool = await openPool(options);
      const { report, predictions } = await evaluate(pool, evaluation, work);
      if (options.predictions !== undefined) {
        const lines = predictions.map((prediction) => `${JSON.stringify(prediction)}\n`).join("");
        await writeAtomically(options.predictions, (file) => file.writeFile(lines));
      }
      return { text: printReport(report), json: report };
    }),
  );
}

/** Options that only one task supports, with that task. */
const TASK_OF_OPTION = { alternatives: "infill", ngrams: "infill", prefix: "classify" } as const;

function checkOptions(options: Options): void {
  for (const name of ["alternatives", "ngrams", "prefix"] as const) {
    if (options[name] !== undefined && options.task !== TASK_OF_OPTION[name]) {
      throw new UsageError(`--${name} is for --task ${TASK_OF_OPTION[name]}; leave it out.`);
    }
  }
}
