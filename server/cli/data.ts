/** `spanfill data check`: what a training run would make of some data, before it is started. */
import { Command, Option } from "commander";
import { TRAIN_BOUNDS } from "../../protocol/train-bounds.ts";
import type { CheckRequest } from "../training/data/check.ts";
import { TASK_NAMES } from "../training/data/task-names.ts";
import { columnList, within, withJson } from "./options.ts";
import { runCommand } from "./terminal.ts";

/** The command; `check` prints a preview, counts, and everything that would be left out or cut. */
export function dataCommand(): Command {
  const check = new Command("check")
    .summary("preview training data: columns, tokens, what would be left out")
    .description(
      "Show what a training run would make of some data: which columns it takes, the first examples as tokens, how long they are, what would be cut or left out and why, with files and rows.",
    )
    .argument("<file>", "rows (.jsonl, .json, .csv, .tsv, .parquet), a dataset folder, or a folder of texts")
    .addOption(new Option("-t, --task <task>", "what is to be learned").choices(TASK_NAMES).makeOptionMandatory())
    .option("-b, --base <id|dir>", "the model to start from (default: built-in)")
    .option("--columns <list>", "columns whose names do not tell their role: text=body,summary=abstract", columnList)
    .option("--input-column <name>", "the column of the input")
    .option("--target-column <name>", "the column of what is to be learned")
    .option("--template <text>", 'inputs of several columns: "translate {language}: {sentence}"')
    .option("--prefix <text>", "stands before every input")
    .option("--max-input-tokens <n>", "inputs are cut to it (default: 512)", within(TRAIN_BOUNDS.maxInputTokens))
    .option(
      "--max-target-tokens <n>",
      "pairs with a longer target are left out (default: by task)",
      within(TRAIN_BOUNDS.maxTargetTokens),
    )
    .addHelpText("after", "\nExample:\n  $ spanfill data check pairs.csv --task summarize --input-column body");
  withJson(check).action((data: string, options: Omit<CheckRequest, "data"> & { readonly json?: boolean }) =>
    runCommand(options.json === true, async ({ signal }) => {
      const [{ checkData }, { printCheck }] = await Promise.all([
        import("../training/data/check.ts"),
        import("./print-check.ts"),
      ]);
      const report = await checkData({ ...options, data }, signal);
      return { text: printCheck(report), json: report };
    }),
  );
  return new Command("data").summary("look at training data before training on them").addCommand(check);
}
