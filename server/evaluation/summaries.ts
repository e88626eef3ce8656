/** Evaluation of summaries and titles: what the model writes for users, compared with trivial baselines. */
import type { LoadedModel } from "../engine/engine.ts";
import { summarize } from "../features/read/summarize.ts";
import { type SummaryStyle, tidy } from "../features/read/summary-text.ts";
import { evaluateSummaries, type Outputs, type SummaryItem } from "../metrics/evaluate.ts";
import { rouge } from "../metrics/metrics.ts";
import { type ProseBlock, proseBlocks, readDocument } from "../text/document.ts";
import { sentencesOf } from "../text/sentences.ts";
import type { Row } from "../training/data/tables/rows.ts";
import { type Produced, predicted, type TaskContext, type TaskResult } from "./evaluated-task.ts";

/** Evaluates one-sentence summaries, compared with the first sentence, the first three and the title. */
export async function summaryTask(rows: readonly Row<"summarize">[], context: TaskContext): Promise<TaskResult> {
  const items = rows.map(({ title, text, summary, extractive }) => ({
    source: asFile(title, text),
    reference: summary,
    extractive: extractive ?? standsIn(text, summary),
  }));
  const read = await Promise.all(rows.map(({ text }) => partsOf(text)));
  const baselines = [
    { name: "first sentence", texts: read.map((parts) => proseSentences(parts, 1)) },
    { name: "first three sentences", texts: read.map((parts) => proseSentences(parts, 3)) },
    { name: "title", texts: rows.map(({ title }) => title) },
  ];
  return writingTask("sentence", rows, items, baselines, context);
}

/** Evaluates titles, compared with the first heading and the first eight words. */
export async function titleTask(rows: readonly Row<"title">[], context: TaskContext): Promise<TaskResult> {
  const sources = await Promise.all(rows.map(({ title, text }) => withoutTitle(title, text)));
  const items = rows.map(({ title }, i) => {
    const source = sources[i] ?? "";
    return { source, reference: title, extractive: standsIn(source, title) };
  });
  const read = await Promise.all(sources.map((source) => partsOf(source)));
  const baselines = [
    { name: "first heading", texts: read.map((parts) => firstHeading(parts) ?? firstWords(parts)) },
    { name: "first eight words", texts: read.map(firstWords) },
  ];
  return writingTask("title", rows, items, baselines, context);
}

/** Has the model write about a text, without the extractive fallback. */
export async function write(
  model: LoadedModel,
  text: string,
  style: SummaryStyle,
  signal: AbortSignal,
): Promise<Produced> {
  // With a minimum confidence of 0, a sentence of the text never replaces the model's own.
  const params = { text, style, minimumConfidence: 0 };
  const { summary, logProbs } = await summarize({ model, locale: "en" }, params, { signal });
  return { text: summary, logProbs };
}

/** The text as it would be in an editor: the title as a heading, then the text. */
export function asFile(title: string, text: string): string {
  return title === "" || text.startsWith("# ") ? text : `# ${title}\n\n${text}`;
}

/** A text without the heading that repeats its title. */
export async function withoutTitle(title: string, text: string): Promise<string> {
  const [first] = await partsOf(text);
  const repeats = first?.block.kind === "heading" && plain(first.prose.text) === plain(title);
  return repeats ? text.slice(first.block.end).trimStart() : text;
}

function partsOf(text: string): Promise<ProseBlock[]> {
  return readDocument(text, "markdown").then(({ blocks }) => proseBlocks(blocks));
}

/** The first sentences of running text, on one line. */
function proseSentences(parts: readonly ProseBlock[], count: number): string {
  const running = parts.filter(
    ({ block, prose, within }) => block.kind === "paragraph" && within === undefined && prose.text.length > SHORTEST,
  );
  return tidy(
    (running.length > 0 ? running : parts)
      .flatMap(({ prose }) => sentencesOf(prose.text, "en"))
      .slice(0, count)
      .join(" "),
  );
}

/** Characters of a paragraph that may be a label. */
const SHORTEST = 20;

async function writingTask(
  style: "sentence" | "title",
  rows: readonly { readonly row: number; readonly source: string }[],
  items: readonly SummaryItem[],
  baselines: readonly Outputs[],
  { pool, signal, progress, seed }: TaskContext,
): Promise<TaskResult> {
  const label = style === "title" ? "Writing titles" : "Summarizing";
  const work = rows.map(({ row }, i) => ({ row, text: items[i]?.source ?? "" }));
  const written = await pool.map(work, (model, { text }) => write(model, text, style, signal), {
    signal,
    onDone: (done) => progress(label, done, work.length),
  });
  progress("Comparing", work.length, work.length);
  const texts = written.map(({ text }) => text);
  return {
    groups: evaluateSummaries(items, [{ name: "model", texts }, ...baselines], lines, seed),
    notes: [
      `The model's own ${style === "title" ? "titles" : "summaries of one sentence"}, as "spanfill summarize" makes them (no sampling; texts beyond 512 tokens in parts), the extractive fallback off.`,
      "ROUGE F-measures on Porter stems, case ignored, as Google's rouge-score; for Lsum each sentence is a line. Exact: the whole text, case ignored.",
      "Content words (by stem), numbers and names: the share that occurs in the text or its title. Copied: the share of runs of four words that stand in the text; novelty is the rest.",
      "Extractive: the reference stands word for word in the text.",
    ],
    predictions: rows.map(({ row, source }, i) => {
      const { reference = "", extractive = false } = items[i] ?? {};
      const { rouge1, rouge2, rougeL } = rouge(reference, texts[i] ?? "", { stem: true });
      return { row, source, reference, ...predicted(written[i]), extractive, rouge1, rouge2, rougeL };
    }),
  };
}

function lines(text: string): string {
  return sentencesOf(text, "en").join("\n");
}

function standsIn(text: string, summary: string): boolean {
  return plain(text).includes(plain(summary));
}

function firstHeading(parts: readonly ProseBlock[]): string | undefined {
  return parts.find(({ block }) => block.kind === "heading")?.prose.text;
}

function firstWords(parts: readonly ProseBlock[]): string {
  return proseSentences(parts, 1)
    .split(" ")
    .slice(0, 8)
    .join(" ")
    .replace(/(?<![\s\p{P}])[\s\p{P}]+$/u, "");
}

function plain(text: string): string {
  return tidy(text).toLowerCase();
}
