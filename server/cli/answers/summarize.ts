/** `spanfill summarize`: a summary of a file or of standard input, or a digest of a folder. */
import { basename } from "node:path";
import { Command, Option } from "commander";
import { defined } from "../../../base/defined.ts";
import { type CommandResult, UsageError, type Work } from "../../command-work.ts";
import type { SummaryStyle } from "../../features/read/summary-text.ts";
import type { ModelOptions } from "../../open-model.ts";
import { atLeast, between, withModelOptions } from "../options.ts";
import { readText, runCommand } from "../terminal.ts";
import { type BatchFlags, checkBatch, summarizeBatch, withBatchOptions } from "./summarize-batch.ts";
import { isFolder, summarizeFolder } from "./summarize-folder.ts";

const ONE_TEXT = "--language applies to a single text; a folder's files are read by their names. Leave it out.";

interface Options extends ModelOptions, BatchFlags {
  readonly style: SummaryStyle;
  readonly maxWords?: number;
  readonly maxContextTokens?: number;
  readonly minConfidence?: number;
  readonly language?: string;
}

const EXAMPLES = `
Examples:
  $ spanfill summarize README.md
  $ spanfill summarize docs > DIGEST.md
  $ spanfill summarize --style bullets --max-words 60 design.md
  $ spanfill summarize --min-confidence 0 README.md
  $ git log -5 | spanfill summarize --style title --json
  $ spanfill summarize --batch reports/*.md minutes --out summaries.jsonl
  $ spanfill summarize --batch archive --out summaries.jsonl --on ray://127.0.0.1`;

/**
 * The command. Its action prints the summary, with a note on stderr of the model's confidence and of how much is
 * copied; with --json, {summary, chunks, coverage, confidence, calibrated, origin, tokens, ms, model}.
 */
export function summarizeCommand(): Command {
  const command = new Command("summarize")
    .alias("summarise")
    .summary("summarize a text of any length")
    .description(
      "Summarize a text of any length. Bullets and paragraphs quote its best sentences; a sentence and a title are written by the model from the part around them, or quoted where that is likely better.",
    )
    .argument("[file]", "text file in UTF-8, or a folder for a digest in Markdown; - or no argument for standard input")
    .addOption(
      new Option("-s, --style <style>", "of the summary, or of each file's")
        .choices(["sentence", "paragraph", "bullets", "title"])
        .default("sentence"),
    )
    .option("--language <id>", "the text's format, such as markdown, latex or rst (default: from the file's name)")
    .option("-w, --max-words <n>", "maximum number of words", atLeast(1))
    .option("--max-context-tokens <n>", "tokens the model reads at once (default: 512; a LongT5 16384)", atLeast(32))
    .option(
      "--min-confidence <p>",
      "if the model's confidence is lower, use a sentence of the text instead; 0: only if it names what the text does not (default: as in the editor)",
      between(0, 1),
    )
    .addHelpText("after", EXAMPLES);
  return withModelOptions(withBatchOptions(command)).action((file: string | undefined, options: Options) =>
    runCommand(options.json === true, (work) => answer(file, options, work), { ends: options.batch !== undefined }),
  );
}

async function answer(file: string | undefined, options: Options, work: Work): Promise<CommandResult> {
  checkBatch(options, file);
  if (options.batch !== undefined) return summarizeBatch(options, await batchOptions(options), options, work);
  const folder = await isFolder(file);
  if (folder && options.language !== undefined) throw new UsageError(ONE_TEXT);
  const text = folder ? "" : await readText(file, work.signal);
  const [{ openModel, roundedMs }, { summarize }, { summaryNotes }, { parseSettings }] = await Promise.all([
    import("../../open-model.ts"),
    import("../../features/read/summarize.ts"),
    import("../../features/read/summary-notes.ts"),
    import("../../../protocol/settings.ts"),
  ]);
  const { style, maxWords, maxContextTokens, minConfidence, language = languageOf(file) } = options;
  const { settings } = parseSettings({});
  const minimumConfidence = minConfidence ?? settings["summary.minimumConfidence"];
  if (folder && file !== undefined) {
    const limits = { ...defined({ maxContextTokens }), "summary.minimumConfidence": minimumConfidence };
    const params = { settings: { ...settings, ...limits }, style, ...defined({ maxWords }) };
    return summarizeFolder(file, params, options, work);
  }
  const longModel = await longModelFor(options, text.length);
  await using opened = await openModel({ ...options, ...defined({ model: longModel }) });
  const { cancelled, ms, logProbs, ...made } = await summarize(
    { model: opened.model },
    { text, style, minimumConfidence, ...defined({ language, maxWords, maxContextTokens }) },
    { signal: work.signal, onProgress: ({ done, total }) => work.progress("Summarizing", done, total) },
  );
  return {
    text: `${made.summary}\n`,
    isAnswer: true,
    json: { ...made, ms: roundedMs({ ...ms, load: opened.loadMs }) },
    notes: summaryNotes(made, undefined, longModel === undefined ? undefined : made.model),
    cancelled,
  };
}

async function batchOptions({ style, precision, minConfidence, maxWords, maxContextTokens }: Options) {
  const { parseSettings } = await import("../../../protocol/settings.ts");
  const minimumConfidence = minConfidence ?? parseSettings({}).settings["summary.minimumConfidence"];
  return { style, precision, minimumConfidence, ...defined({ maxWords, maxContextTokens }) };
}

/** The format that a file's name tells; undefined for standard input. */
function languageOf(file: string | undefined): string | undefined {
  return file === undefined || file === "-" ? undefined : basename(file);
}

/** The folder of an installed LongT5, where a long text is to be written about and no model is named. */
async function longModelFor({ model, style }: Options, length: number): Promise<string | undefined> {
  if (model !== undefined || style === "bullets" || style === "paragraph") return undefined;
  const { longTextModel } = await import("../../catalog/long-text.ts");
  return longTextModel(length);
}
