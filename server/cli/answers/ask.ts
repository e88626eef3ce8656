/** `spanfill ask`: answers a question from a file or standard input. */
import { Command } from "commander";
import { defined } from "../../../base/defined.ts";
import type { ModelOptions } from "../../open-model.ts";
import { atLeast, withModelOptions } from "../options.ts";
import { readText, runCommand } from "../terminal.ts";

interface Options extends ModelOptions {
  readonly question: string;
  readonly maxContextTokens?: number;
}

/**
 * The command. Its action prints the best answer (an empty line if there is none), with a note on stderr if the text
 * does not contain it verbatim; with --json, {answer, answers, chunks, coverage, tokens, ms, model}, with offsets in
 * UTF-16 units.
 */
export function askCommand(): Command {
  const command = new Command("ask")
    .summary("answer a question from a text")
    .description(
      'Answer a question from a text of any length, with a model that was trained to ("spanfill train --task qa"). A text longer than the model\'s window is read completely, in parts.',
    )
    .argument("[file]", "text file in UTF-8; - or no argument for standard input")
    .requiredOption("-q, --question <text>", "what to ask")
    .option("--max-context-tokens <n>", "tokens the model reads at once (default: 512; a LongT5 16384)", atLeast(32))
    .addHelpText(
      "after",
      `
Examples:
  $ spanfill ask --model ./my-answers --question "When was it built?" harbor.md
  $ spanfill ask -m ./my-answers -q "Who maintains it?" --json < README.md`,
    );
  return withModelOptions(command).action((file: string | undefined, options: Options) =>
    runCommand(options.json === true, async ({ signal, progress }) => {
      const text = await readText(file, signal);
      const [{ openModel, roundedMs }, { ask, askNotes }] = await Promise.all([
        import("../../open-model.ts"),
        import("../../features/ask/ask.ts"),
      ]);
      await using opened = await openModel(options);
      const { question, maxContextTokens } = options;
      const { cancelled, ms, ...made } = await ask(
        { model: opened.model },
        {
          text,
          question,
          chosen: options.model !== undefined,
          ...defined({ maxContextTokens }),
        },
        { signal, onProgress: ({ done, total }) => progress("Reading", done, total) },
      );
      const answer = made.answers[0]?.text ?? "";
      return {
        text: `${answer}\n`,
        isAnswer: true,
        json: { answer, ...made, ms: roundedMs({ total: ms, load: opened.loadMs }) },
        notes: askNotes(made),
        cancelled,
      };
    }),
  );
}
