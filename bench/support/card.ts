/**
 * The part of a model card that shows an evaluation: the figures, and every built-in model's output for the same
 * documents.
 */

import { seededRandom, seededSample } from "../../models/random.ts";
import type { Work } from "../../server/command-work.ts";
import { fillGap, gapsOf, type RowGap } from "../../server/evaluation/fills.ts";
import type { ModelPool } from "../../server/evaluation/pool.ts";
import { markdownTable, reportTables } from "../../server/evaluation/print.ts";
import { asFile, withoutTitle, write } from "../../server/evaluation/summaries.ts";
import type { EvaluationReport } from "../../server/metrics/report.ts";
import type { Row } from "../../server/training/data/tables/rows.ts";

/** A document to show, and the gaps cut into it. */
export interface Example {
  readonly document: Row<"summarize">;
  readonly gaps: readonly RowGap[];
}

/** A model's output for the examples. */
export interface ModelExamples {
  readonly model: string;
  /** made[i] of example i; fills in the order of its gaps. */
  readonly made: readonly { readonly title: string; readonly summary: string; readonly fills: readonly string[] }[];
}

/** Twenty documents, chosen by a seed among those with a title and a gap of each kind. */
export function chooseExamples(documents: readonly Row<"summarize">[]): Example[] {
  const usable = documents
    .map((document) => ({ document, gaps: gapsOf(document, 0) }))
    .filter(({ document, gaps }) => document.title.trim() !== "" && gaps.length === 4);
  return seededSample(usable, 20, seededRandom(20));
}

/** Lets a model write a title and a summary of each example and fill its gaps. */
export async function makeExamples(pool: ModelPool, examples: readonly Example[], work: Work): Promise<ModelExamples> {
  const { signal, progress } = work;
  const made = await pool.map(
    examples.map((example) => ({ ...example, row: example.document.row })),
    async (model, { document: { title, text }, gaps }) => {
      const fills: string[] = [];
      for (const gap of gaps) fills.push((await fillGap(model, gap, 1, signal))[0]?.text.trim() ?? "");
      return {
        title: (await write(model, await withoutTitle(title, text), "title", signal)).text,
        summary: (await write(model, asFile(title, text), "sentence", signal)).text,
        fills,
      };
    },
    { signal, onDone: (done) => progress("Examples", done, examples.length) },
  );
  return { model: pool.info.id, made };
}

/** The examples with what each model made of them, as Markdown. */
export function examplesSection(examples: readonly Example[], models: readonly ModelExamples[]): string {
  return examples
    .map(({ document, gaps }, i) => {
      const texts = models.map(({ model, made }) => [model, made[i]?.title ?? "", made[i]?.summary ?? ""]);
      const fills = models.map(({ model, made }) => [model, ...gaps.map((_, n) => made[i]?.fills[n] || "(nothing)")]);
      const head = gaps.map((gap, n) => `${n + 1}. ${around(gap)}`);
      return [
        `### ${document.source}`,
        "",
        markdownTable([["", "title", "summary"], ["the authors", document.title, document.summary], ...texts]),
        "",
        head.join("\n"),
        "",
        markdownTable([
          ["gap", ...gaps.map((_, n) => String(n + 1))],
          ["stood there", ...gaps.map(({ fill }) => fill)],
          ...fills,
        ]),
        "",
      ].join("\n");
    })
    .join("\n");
}

/** The tables of the reports as Markdown, each with what it is of. */
export function cardFigures(reports: readonly EvaluationReport[]): string {
  return reports
    .map((report) => {
      const { data, model, settings, task } = report;
      const head = `**${task}**, ${data.used} documents, ${model.precision}, 95% intervals:`;
      return [head, "", reportTables(report), ...settings.notes.map((note) => `- ${note}`), ""].join("\n");
    })
    .join("\n");
}

/**
 * A card with the text between the marks of a section (`<!-- NAME -->` to `<!-- /NAME -->`) replaced; added at the end
 * where there are none.
 */
export function withSection(card: string, name: string, content: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const section = `${open}\n${content.trim()}\n${close}`;
  const [from, to] = [card.indexOf(open), card.indexOf(close)];
  if (from < 0 || to < from) return `${card.trimEnd()}\n\n${section}\n`;
  return card.slice(0, from) + section + card.slice(to + close.length);
}

/** A gap with the words beside it, on one line. */
function around({ before, after }: RowGap): string {
  const text = `${before.slice(-70).replace(/^\S*\s/, "")}___${after.slice(0, 50).replace(/\s\S*$/, "")}`;
  return `… ${text.replace(/\s+/g, " ")} …`;
}
