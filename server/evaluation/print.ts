/** Formats an evaluation as Markdown, for the terminal and for model cards. */
import type { Interval } from "../metrics/metrics.ts";
import type { EvaluationReport } from "../metrics/report.ts";

/** The report's tables, with descriptions of the data and the method. */
export function printReport(report: EvaluationReport): string {
  const { model, data, settings, task, seconds } = report;
  const used = data.used < data.rows ? `${data.used} of ${data.rows} rows, drawn by the seed` : `${data.rows} rows`;
  const empty = data.empty > 0 ? ` (${data.empty} with an empty text or target left out)` : "";
  return [
    `${model.id} (${model.precision}), ${task}, ${data.name}: ${used}${empty}`,
    `95% bootstrap intervals of ${settings.resamples} resamples, seed ${settings.seed}; ${seconds.toFixed(0)} s`,
    "",
    reportTables(report),
    ...settings.notes.map((note) => `- ${note}`),
    "",
  ].join("\n");
}

/** The report's figures as Markdown tables, each followed by a blank line. */
export function reportTables(report: EvaluationReport): string {
  const tables = blocks[report.task].map((block) => {
    const rows = report.groups.flatMap((group) => groupRows(report, group, block));
    const heads = Object.values(block.metrics).map((head) => head.replace("{n}", `${report.settings.alternatives}`));
    return `${markdownTable([[block.title, ...heads], ...rows])}\n`;
  });
  return [...tables, ...labelTables(report)].join("\n");
}

/** Rows as an aligned Markdown table; the first is the heading. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replace(/\s+/g, " ").replaceAll("|", "\\|")));
  const widths = (cells[0] ?? []).map((_, i) => Math.max(3, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${widths.map((width, i) => (row[i] ?? "").padEnd(width)).join(" | ")} |`;
  const [head = [], ...body] = cells;
  return [line(head), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...body.map(line)].join("\n");
}

interface Block {
  readonly title: string;
  /** Metric -> heading. */
  readonly metrics: Readonly<Record<string, string>>;
  /** Whether to show the differences from the baselines. */
  readonly compared: boolean;
}

const overlap = { rouge1: "ROUGE-1", rouge2: "ROUGE-2", rougeL: "ROUGE-L", rougeLsum: "ROUGE-Lsum" };
const faithful: Block = {
  title: "found in the text, %",
  metrics: {
    contentWords: "content words",
    numbers: "numbers",
    names: "names",
    copied: "4-grams (copied)",
    length: "length in words",
  },
  compared: false,
};
const blocks: { readonly [T in EvaluationReport["task"]]: readonly Block[] } = {
  summarize: [{ title: "ROUGE, %", metrics: overlap, compared: true }, faithful],
  title: [{ title: "%", metrics: { ...overlap, exact: "exact" }, compared: true }, faithful],
  infill: [
    {
      title: "filled, %",
      metrics: { exact: "exact", anyCase: "ignoring case", among: "among {n}", f1: "F1 of words" },
      compared: true,
    },
    {
      title: "perplexity of what stood there",
      metrics: { perplexityToken: "a token", perplexityWord: "a word" },
      compared: false,
    },
  ],
  qa: [{ title: "%", metrics: { exact: "exact", f1: "F1" }, compared: true }],
  classify: [{ title: "%", metrics: { accuracy: "accuracy", macroF1: "macro F1" }, compared: true }],
};
/** Metrics that are not shares. */
const plainNumbers = new Set(["length", "perplexityToken", "perplexityWord"]);
const MOST_LABELS_ACROSS = 12;
const MOST_CONFUSIONS = 15;

/** A row with the group's name if there are several, a row per system, and the differences from the baselines. */
function groupRows(
  report: EvaluationReport,
  { name, items, systems }: EvaluationReport["groups"][number],
  { metrics, compared }: Block,
): string[][] {
  const keys = Object.keys(metrics);
  const row = (label: string, scores: Scores): string[][] =>
    keys.some((key) => scores[key] !== undefined)
      ? [[label, ...keys.map((key) => figure(scores[key], plainNumbers.has(key)))]]
      : [];
  const rows = systems.flatMap((system) => row(system.name === "model" ? report.model.id : system.name, system.scores));
  const differences = systems.flatMap(({ name: other, difference }) =>
    compared && difference !== undefined ? row(`model minus ${other}`, difference) : [],
  );
  return [
    ...(report.groups.length > 1 && rows.length > 0 ? [[`**${name}** (${items})`]] : []),
    ...rows,
    ...differences,
  ];
}

type Scores = Readonly<Record<string, Interval | null>>;

/** The F1 of each label, and the confusions. */
function labelTables({ task, groups, confusion }: EvaluationReport): string[] {
  if (task !== "classify" || confusion === undefined) return [];
  const { labels, counts } = confusion;
  const scores = groups[0]?.systems[0]?.scores ?? {};
  const rows = counts.map((row, i) => [
    labels[i] ?? "",
    String(row.reduce((a, b) => a + b, 0)),
    figure(scores[`f1 of ${labels[i]}`], false),
  ]);
  const perLabel = markdownTable([["label", "rows", "F1, %"], ...rows]);
  if (counts.length <= MOST_LABELS_ACROSS) {
    const matrix = counts.map((row, i) => [labels[i] ?? "", ...row.map(String)]);
    return [`${perLabel}\n`, `${markdownTable([["true label \\ said", ...labels], ...matrix])}\n`];
  }
  const confused = counts
    .flatMap((row, t) => row.map((count, p) => ({ count, t, p })))
    .filter(({ count, t, p }) => count > 0 && t !== p)
    .sort((a, b) => b.count - a.count)
    .slice(0, MOST_CONFUSIONS)
    .map(({ count, t, p }) => [labels[t] ?? "", labels[p] ?? "", String(count)]);
  const most =
    confused.length === 0 ? [] : [`${markdownTable([["most confused: true label", "said", "rows"], ...confused])}\n`];
  return [`${perLabel}\n`, ...most];
}

function figure(interval: Interval | null | undefined, plain: boolean): string {
  if (interval === null || interval === undefined) return "";
  const show = (value: number): string => {
    const shown = plain ? value : 100 * value;
    return Math.abs(shown) < 100 ? shown.toFixed(1) : Math.round(shown).toString();
  };
  return `${show(interval.mean)} (${show(interval.low)} to ${show(interval.high)})`;
}
