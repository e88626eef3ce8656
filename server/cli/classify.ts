/** `spanfill classify`: the label that suits a file or standard input. */
import { Command } from "commander";
import { defined } from "../../base/defined.ts";
import type { ModelOptions } from "../open-model.ts";
import { atLeast, labelList, withModelOptions } from "./options.ts";
import { readText, runCommand } from "./terminal.ts";

interface Options extends ModelOptions {
  readonly labels?: string[];
  readonly maxContextTokens?: number;
}

/**
 * The command; its action prints labels with their probabilities, likeliest first; or {label, labels, origin, chunks, coverage, tokens,
 * ms, model} with --json.
 */
export function classifyCommand(): Command {
  const command = new Command("classify")
    .summary("say which label suits a text")
    .description(
      'Say which label suits a text of any length, with a model that was taught to ("spanfill train --task classify"). A text beyond the model\'s window is read in parts, and their probabilities are averaged.',
    )
    .argument("[file]", "text file in UTF-8; - or nothing for standard input")
    .option(
      "-l, --labels <list>",
      "labels to choose among, with commas between (default: those that the model was taught; where it does not say, it writes one)",
      labelList,
    )
    .option("--max-context-tokens <n>", "tokens the model reads at once (default: 512)", atLeast(32))
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
        import("../open-model.ts"),
        import("../features/ask/classify.ts"),
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
