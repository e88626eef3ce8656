/** `spanfill infill`: fills the gaps of a file or of standard input. */
import { basename } from "node:path";
import { Command } from "commander";
import { percent } from "../../../base/figures.ts";
import type { FilledText } from "../../features/write/fill-text.ts";
import type { Fill } from "../../features/write/infill-candidates.ts";
import type { ModelOptions } from "../../open-model.ts";
import { atLeast, withModelOptions } from "../options.ts";
import { readText, runCommand } from "../terminal.ts";

interface Options extends ModelOptions {
  readonly gap: string;
  readonly alternatives: number;
  readonly fillAll: boolean;
  readonly language?: string;
}

/**
 * The command. Its action prints the filled text, with a note on stderr of the model's confidence in each fill; with
 * --json, {text, fills, left, passed, calibrated, tokens, ms, model}.
 */
export function infillCommand(): Command {
  const command = new Command("infill")
    .summary("fill the gaps in a text")
    .description(
      "Fill the gaps in a text and print all of it. Nothing outside the gaps changes, and no file is written.",
    )
    .argument("[file]", "text file in UTF-8; - or no argument for standard input")
    .option("-g, --gap <string>", "the text that marks a gap", "___")
    .option(
      "-a, --alternatives <n>",
      "alternatives for each gap: printed on standard error, or in the JSON",
      atLeast(1),
      1,
    )
    .option("--fill-all", "fill the gaps whose best fill is likely wrong, too")
    .option("--language <id>", "the text's format, such as markdown, latex or rst (default: from the file's name)")
    .addHelpText(
      "after",
      `
Examples:
  $ echo "The cache is ___ when a file changes." | spanfill infill
  $ spanfill infill --gap TODO draft.md > filled.md
  $ spanfill infill --alternatives 3 --json draft.md`,
    );
  return withModelOptions(command).action((file: string | undefined, options: Options) =>
    runCommand(options.json === true, async ({ signal, progress }) => {
      const text = await readText(file, signal);
      const [{ openModel, roundedMs }, { fillNotes, fillText }, { LEAST_CHANCE }] = await Promise.all([
        import("../../open-model.ts"),
        import("../../features/write/fill-text.ts"),
        import("../../features/write/infill.ts"),
      ]);
      await using opened = await openModel(options);
      const languageId = options.language ?? (file === undefined || file === "-" ? "" : basename(file));
      const { cancelled, ms, gaps, ...made } = await fillText(
        { model: async () => opened.model },
        { text, languageId },
        {
          gap: options.gap,
          alternatives: options.alternatives,
          leaveBelow: options.fillAll ? 0 : LEAST_CHANCE,
        },
        { signal, onProgress: ({ done, total }) => progress("Filling", done, total) },
      );
      const all = [...made.fills, ...made.left].sort((a, b) => a.gap - b.gap);
      const others = options.alternatives === 1 ? [] : all.map(alternativesLine);
      return {
        text: made.text,
        isAnswer: true,
        json: { ...made, ms: roundedMs({ ...ms, load: opened.loadMs }) },
        details: others,
        notes: notesOf(made, fillNotes(text, made)),
        cancelled,
      };
    }),
  );
}

function notesOf(made: Pick<FilledText, "fills" | "left" | "calibrated">, others: readonly string[]): string[] {
  const sure = made.fills.map(({ confidence }) => percent(confidence)).join(", ");
  return [
    ...(sure === "" ? [] : [`confidence ${sure}`]),
    ...leftNote(made.left.length, made.fills.length + made.left.length),
    ...others,
    ...(made.calibrated ? [] : ["not calibrated: mean token likelihoods"]),
  ];
}

function leftNote(left: number, all: number): string[] {
  return left === 0 ? [] : [`${left} of ${all} gaps left open: not sure; --fill-all fills them`];
}

function alternativesLine({ alternatives }: Fill, i: number): string {
  const listed = alternatives.map(({ text, confidence }) => `${text.trim()} (${percent(confidence)})`);
  return `gap ${i + 1}: ${listed.length === 0 ? "nothing" : listed.join(" | ")}`;
}
