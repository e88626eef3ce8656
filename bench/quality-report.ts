/** How the figures of `bench quality` are shown. */
import type { EvaluationDocument, FillReport, Perplexity, SummaryReport } from "../server/training/evaluate.ts";
import type { Gap } from "../server/training/gaps.ts";
import type { Interval } from "../server/training/metrics.ts";
import { printTable } from "./table.ts";

/** What eval.json holds. Shares and ROUGE from 0 to 1, intervals at 95%. */
export interface QualityReport {
  readonly model: string;
  readonly precision: string;
  readonly parameters: number;
  readonly documents: number;
  readonly perplexity: {
    readonly trained: Perplexity;
    /** The same model, shown only the text before each gap. */
    readonly withoutAfter: Perplexity;
    readonly untrained: Perplexity;
  };
  readonly fills: {
    readonly model: FillReport;
    /** Bigrams that see the word before the gap. */
    readonly bigramBefore: FillReport;
    /** Bigrams that see the words on both sides. */
    readonly bigramBoth: FillReport;
    /** Share exact of the model minus that of bigramBoth, on the same gaps. */
    readonly advantageOverBoth: Interval;
  };
  readonly summaries: {
    readonly model: SummaryReport;
    readonly firstSentence: SummaryReport;
    readonly title: SummaryReport;
  };
}

/** Prints a report as tables. */
export function printQuality({ model, precision, documents, perplexity, fills, summaries }: QualityReport): void {
  const { trained, withoutAfter, untrained } = perplexity;
  console.log(
    `${model} (${precision}) on ${documents} documents of repositories that training never saw; 95% intervals\n`,
  );
  printTable([
    ["perplexity of true fills", "a token", "a word"],
    [model, number(trained.perToken), number(trained.perWord)],
    ["without the text after", number(withoutAfter.perToken), number(withoutAfter.perWord)],
    ["untrained, same shape", number(untrained.perToken), number(untrained.perWord)],
  ]);
  console.log(`(${trained.gaps} gaps, ${trained.tokens} tokens)\n`);
  const fillRow = (name: string, report: FillReport): string[] => [
    name,
    percent(report.all.exact),
    percent(report.all.ignoringCase),
    percent(report.all.amongFive),
    percent(report.content.exact),
    percent(report.function.exact),
  ];
  printTable([
    ["words filled exactly, %", "first", "ignoring case", "among five", "content words", "function words"],
    fillRow(model, fills.model),
    fillRow("bigrams, word before", fills.bigramBefore),
    fillRow("bigrams, both sides", fills.bigramBoth),
  ]);
  console.log(
    `(${fills.model.all.gaps} gaps; advantage over both sides: ${percent(fills.advantageOverBoth)} points)\n`,
  );
  const rougeRow = (name: string, report: SummaryReport): string[] => [
    name,
    ...[report.all, report.notExtractive].flatMap(({ rouge1, rouge2, rougeL }) => [
      percent(rouge1),
      percent(rouge2),
      percent(rougeL),
    ]),
  ];
  printTable([
    ["ROUGE F, %", "1", "2", "L", "not extractive: 1", "2", "L"],
    rougeRow(model, summaries.model),
    rougeRow("first sentence", summaries.firstSentence),
    rougeRow("title", summaries.title),
  ]);
}

/** A document and what the model made of it, as a section of the model card. */
export function exampleSection(
  document: EvaluationDocument,
  made: {
    readonly summary: string;
    readonly title: string;
    readonly gaps: readonly Gap[];
    /** fills[i]: what the model put into gaps[i]. */
    readonly fills: readonly string[];
  },
): string {
  const gapLines = made.gaps.map(({ before, fill, after }, i) => {
    const text = `${before.slice(-70).replace(/^\S*\s/, "")}___${after.slice(0, 50).replace(/\s\S*$/, "")}`;
    return `- … ${text.replace(/\s+/g, " ")} …  \n  stood there: **${fill}**; the model: **${made.fills[i] || "(nothing)"}**`;
  });
  return [
    `### ${document.source}`,
    "",
    `| | the authors | the model |`,
    "|---|---|---|",
    `| title | ${cell(document.title)} | ${cell(made.title)} |`,
    `| summary | ${cell(document.summary)} | ${cell(made.summary)} |`,
    "",
    ...gapLines,
    "",
  ].join("\n");
}

function cell(text: string): string {
  return text.replace(/\s+/g, " ").replaceAll("|", "\\|");
}

function number({ mean, low, high }: Interval): string {
  const show = (value: number): string => (value < 100 ? value.toFixed(1) : Math.round(value).toString());
  return `${show(mean)} (${show(low)} to ${show(high)})`;
}

function percent({ mean, low, high }: Interval): string {
  return `${(100 * mean).toFixed(1)} (${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`;
}
