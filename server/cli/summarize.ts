/** `spanfill summarize`: a summary of a file or of standard input, or a digest of a folder. */
import { Command, Option } from "commander";
import { defined } from "../../base/defined.ts";
import type { SummaryStyle } from "../features/read/summary-text.ts";
import type { ModelOptions } from "../open-model.ts";
import { atLeast, between, withModelOptions } from "./options.ts";
import { isFolder, summarizeFolder } from "./summarize-folder.ts";
import { readText, runCommand } from "./terminal.ts";

interface Options extends ModelOptions {
  readonly style: SummaryStyle;
  readonly maxWords?: number;
  readonly maxContextTokens?: number;
  readonly minConfidence?: number;
}

/**
 * The command; its action prints the summary, with a note on stderr of how sure the model is and whose words they are; or
 * {summary, chunks, coverage, confidence, calibrated, origin, tokens, ms, model} with --json.
 */
export function summarizeCommand(): Command {
  const command = new Command("summarize")
    .alias("summarise")
    .summary("summarise a text of any length")
    .description(
      "Summarise a text of any length. Text beyond the model's window is summarised in parts; none is left out.",
    )
    .argument("[file]", "text file in UTF-8, or a folder for a digest in Markdown; - or nothing for standard input")
    .addOption(
      new Option("-s, --style <style>", "of the summary")
        .choices(["sentence", "paragraph", "bullets", "title"])
        .default("sentence"),
    )
    .option("-w, --max-words <n>", "most words of the summary", atLeast(1))
    .option("--max-context-tokens <n>", "tokens the model reads at once (default: 512)", atLeast(32))
    .option(
      "--min-confidence <p>",
      "where the model is less sure, a sentence of the text stands instead; 0: never (default: as in the editor)",
      between(0, 1),
    )
    .addHelpText(
      "after",
      `
Examples:
  $ spanfill summarize README.md
  $ spanfill summarize docs > DIGEST.md
  $ spanfill summarize --style bullets --max-words 60 design.md
  $ spanfill summarize --min-confidence 0 README.md
  $ git log -5 | spanfill summarize --style title --json`,
    );
  return withModelOptions(command).action((file: string | undefined, options: Options) =>
    runCommand(options.json === true, async (work) => {
      const { signal, progress } = work;
      const folder = await isFolder(file);
      const text = folder ? "" : await readText(file, signal);
      const [{ openModel, roundedMs }, { summarize }, { summaryNotes }, { parseSettings }] = await Promise.all([
        import("../open-model.ts"),
        import("../features/read/summarize.ts"),
        import("../features/read/summary-notes.ts"),
        import("../../protocol/settings.ts"),
      ]);
      const { style, maxWords, maxContextTokens, minConfidence } = options;
      const { settings } = parseSettings({});
      const minimumConfidence = minConfidence ?? settings["summary.minimumConfidence"];
      if (folder && file !== undefined) {
        const own = defined({ maxContextTokens });
        return summarizeFolder(
          file,
          { ...settings, ...own, "summary.minimumConfidence": minimumConfidence },
          options,
          work,
        );
      }
      await using opened = await openModel(options);
      const { cancelled, ms, logProbs, ...made } = await summarize(
        { model: opened.model },
        {
          text,
          style,
          minimumConfidence,
          ...defined({ maxWords, maxContextTokens }),
        },
        { signal, onProgress: ({ done, total }) => progress("Summarising", done, total) },
      );
      return {
        text: `${made.summary}\n`,
        isAnswer: true,
        json: { ...made, ms: roundedMs({ ...ms, load: opened.loadMs }) },
        notes: summaryNotes(made),
        cancelled,
      };
    }),
  );
}
