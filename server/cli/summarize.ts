/** `spanfill summarize`: a summary of a file or of standard input. */
import { Command, Option } from "commander";
import type { SummaryStyle } from "../features/summary-text.ts";
import { atLeast, type ModelOptions, withModelOptions } from "./options.ts";
import { readText, runCommand } from "./terminal.ts";

interface Options extends ModelOptions {
  readonly style: SummaryStyle;
  readonly maxWords?: number;
  readonly maxContextTokens?: number;
}

/** The command; its action prints the summary, or {summary, chunks, coverage, tokens, ms, model} with --json. */
export function summarizeCommand(): Command {
  const command = new Command("summarize")
    .alias("summarise")
    .summary("summarise a text of any length")
    .description(
      "Summarise a text of any length. Text beyond the model's window is summarised in parts; none is left out.",
    )
    .argument("[file]", "text file in UTF-8; - or nothing for standard input")
    .addOption(
      new Option("-s, --style <style>", "of the summary")
        .choices(["sentence", "paragraph", "bullets", "title"])
        .default("sentence"),
    )
    .option("-w, --max-words <n>", "most words of the summary", atLeast(1))
    .option("--max-context-tokens <n>", "tokens the model reads at once (default: 512)", atLeast(32))
    .addHelpText(
      "after",
      `
Examples:
  $ spanfill summarize README.md
  $ spanfill summarize --style bullets --max-words 60 design.md
  $ git log -5 | spanfill summarize --style title --json`,
    );
  return withModelOptions(command).action((file: string | undefined, options: Options) =>
    runCommand(options.json === true, async ({ signal, progress }) => {
      const text = await readText(file, signal);
      const [{ openModel, roundedMs }, { summarize }] = await Promise.all([
        import("./model.ts"),
        import("../features/summarize.ts"),
      ]);
      await using opened = await openModel(options);
      const { style, maxWords, maxContextTokens } = options;
      const { cancelled, ms, ...made } = await summarize(
        { model: opened.model },
        {
          text,
          style,
          ...(maxWords === undefined ? {} : { maxWords }),
          ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
        },
        { signal, onProgress: ({ done, total }) => progress("Summarising", done, total) },
      );
      return {
        text: `${made.summary}\n`,
        json: { ...made, ms: roundedMs({ ...ms, load: opened.loadMs }) },
        cancelled,
      };
    }),
  );
}
