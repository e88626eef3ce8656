/** `spanfill data check`: what a training run would make of some data, before it is started. */
import { Command } from "commander";
import { UsageError } from "../../command-work.ts";
import { withJson } from "../options.ts";
import { runCommand } from "../terminal.ts";
import { addFields, addRequestFile, givenFields, readRequestFile } from "./train-flags.ts";

/** The command; `check` prints a preview, counts, and everything that would be left out or cut. */
export function dataCommand(): Command {
  const check = new Command("check")
    .summary("preview training data: columns, tokens, what would be left out")
    .description(
      "Show what a training run would make of some data: which columns it takes, the first examples as tokens, how long they are, what would be cut or left out and why, with files and rows.",
    )
    .argument("[file]", "rows (.jsonl, .json, .csv, .tsv, .parquet), a dataset folder, or a folder of texts")
    .addHelpText("after", "\nExample:\n  $ spanfill data check pairs.csv --task summarize --input-column body");
  addFields(check, (name, { ofData }) => ofData === true && name !== "data");
  addRequestFile(check);
  withJson(check).action((file: string | undefined, options: { readonly request?: string; readonly json?: boolean }) =>
    runCommand(options.json === true, async ({ signal }) => {
      const given = { ...givenFields(check), ...(file !== undefined && { data: file }) };
      const isMissing = options.request === undefined;
      if (isMissing && given.data === undefined) throw new UsageError("Name a file or a folder to check.");
      if (isMissing && given.task === undefined) throw new UsageError("--task is missing: what is to be learned?");
      const [{ checkData }, { printCheck }] = await Promise.all([
        import("../../training/data/check.ts"),
        import("./print-check.ts"),
      ]);
      const report = await checkData(await readRequestFile(options.request, given, signal), signal);
      return { text: printCheck(report), json: report };
    }),
  );
  return new Command("data").summary("look at training data before training on them").addCommand(check);
}
