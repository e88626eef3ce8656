/** `spanfill classify`: picks the label that fits a file or standard input. */
import { Command } from "commander";
import { defined } from "../../../base/defined.ts";
import type { ModelOptions } from "../../open-model.ts";
import { atLeast, labelList, withModelOptions } from "../options.ts";
import { readText, runCommand } from "../terminal.ts";

interface Options extends ModelOptions {
  readonly labels?: string[];
  readonly maxContextTokens?: number;
}

/**
 * The command. Its action prints labels with their probabilities, likeliest first; with --json, {label, labels,
 * origin, chunks, coverage, tokens, ms, model}.
 */
export function classifyCommand(): Command {
  const command = new Command("classify")
    .summary("pick the label that fits a text")
    .description(
      'Pick the label that fits a text of any length, with a model that was trained to ("spanfill train --task classify"). A text longer than the model\'s window is read in parts, and their probabilities are averaged.',
    )
    .argument("[file]", "text file in UTF-8; - or no argument for standard input")
    .option(
      "-l, --labels <list>",
      "labels to choose from, separated by commas (default: those that the model learned; if it has no list, it writes one)",
      labelList,
    )
    .option("--max-context-tokens <n>", "tokens the model reads at once (default: 512; a LongT5 16384)", atLeast(32))
    .addHelpText(
      "after",
      `
Examples:
  $ spanfill classify --model ./my-labels issue.txt
  $ git log -1 --format=%B | spanfill classify -m ./my-labels --labels "fix,feature,docs" --json`,
    );
  return withModelOptions(command).action((file: string | undefined, options: Options) =>
    runCommand(options.json === true, async ({ signal, progress }) => {
      const text = await readText(file, signal);
      const [{ openModel, roundedMs }, { classify, classifyNotes }] = await Promise.all([
        import("../../open-model.ts"),
        import("../../features/ask/classify.ts"),
      ]);
      await using opened = await openModel(options);
      const { labels, maxContextTokens } = options;
      const { cancelled, ms, ...made } = await classify(
        { model: opened.model },
        {
          text,
          chosen: options.model !== undefined,
          ...defined({ labels, maxContextTokens }),
        },
        { signal, onProgress: ({ done, total }) => progress("Reading", done, total) },
      );
      const rows = made.labels.map(({ label, probability }) => `${probability.toFixed(3)}  ${label}`);
      return {
        text: `${rows.join("\n")}\n`,
        isAnswer: true,
        json: {
          label: made.labels[0]?.label ?? "",
          ...made,
          ms: roundedMs({ total: ms, load: opened.loadMs }),
        },
        notes: classifyNotes(made),
        cancelled,
      };
    }),
  );
}
