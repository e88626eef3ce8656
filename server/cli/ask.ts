/** `spanfill ask`: the answer to a question that a file or standard input holds. */
import { Command } from "commander";
import { defined } from "../../base/defined.ts";
import type { ModelOptions } from "../open-model.ts";
import { atLeast, withModelOptions } from "./options.ts";
import { readText, runCommand } from "./terminal.ts";

interface Options extends ModelOptions {
  readonly question: string;
  readonly maxContextTokens?: number;
}

/**
 * The command; its action prints the best answer (an empty line when the model gives none), with a note on stderr when the text does
 * not say it in these words; or {answer, answers, chunks, coverage, tokens, ms, model} with --json, places in UTF-16 units.
 */
export function askCommand(): Command {
  const command = new Command("ask")
    .summary("answer a question from a text")
    .description(
      'Answer a question from a text of any length, with a model that was taught to ("spanfill train --task qa"). A text beyond the model\'s window is read in parts; none is left out.',
    )
    .argument("[file]", "text file in UTF-8; - or nothing for standard input")
    .requiredOption("-q, --question <text>", "what to ask")
    .option("--max-context-tokens <n>", "tokens the model reads at once (default: 512)", atLeast(32))
    .addHelpText(
      "after",
      `
Examples:
  $ spanfill ask --model ./my-answers --question "When was it built?" harbour.md
  $ spanfill ask -m ./my-answers -q "Who maintains it?" --json < README.md`,
    );
  return withModelOptions(command).action((file: string | undefined, options: Options) =>
    runCommand(options.json === true, async ({ signal, progress }) => {
      const text = await readText(file, signal);
      const [{ openModel, roundedMs }, { ask, askNotes }] = await Promise.all([
        import("../open-model.ts"),
        import("../features/ask/ask.ts"),
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
