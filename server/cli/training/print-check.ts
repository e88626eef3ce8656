/** The report of `spanfill data check` as text. */
import type { DataCheck } from "../../../protocol/runs.ts";
import { markdownTable } from "../../evaluation/print.ts";

/** The report for a terminal. */
export function printCheck(report: DataCheck): string {
  const { columns, preview, notes, inputTokens, targetTokens, labels, prefix } = report;
  const roles = Object.entries(columns).map(([role, column]) => `${role} = "${column}"`);
  const row = (name: string, of: DataCheck["inputTokens"]) =>
    of === undefined ? [] : [[name, ...[of.least, of.median, of.long, of.most, of.limit].map(String)]];
  const tokens = [...row("input", inputTokens), ...row("target", targetTokens)];
  const counts = Object.entries(labels ?? {}).sort(([, a], [, b]) => b - a);
  return [
    `${report.data}, for ${report.task}: ${report.examples} examples to learn from, ${report.validationExamples} kept out.`,
    ...(roles.length > 0 ? [`Columns: ${roles.join(", ")} (others: --columns, --input-column, --target-column).`] : []),
    ...(prefix === "" ? [] : [`Prefix: "${prefix}"`]),
    ...(tokens.length > 0
      ? ["", markdownTable([["tokens", "least", "median", "95 of 100 within", "most", "limit"], ...tokens])]
      : []),
    ...(counts.length > 0
      ? [
          "",
          `${counts.length} labels: ${counts
            .slice(0, 20)
            .map(([label, count]) => `${label} (${count})`)
            .join(", ")}${counts.length > 20 ? ", ..." : ""}`,
        ]
      : []),
    "",
    ...(notes.length > 0 ? notes.map((note) => `- ${note}`) : ["Nothing is left out."]),
    ...preview.flatMap(({ place, input, target, ...count }) => [
      "",
      `${place}: ${count.inputTokens} tokens -> ${count.targetTokens}`,
      `  ${input.replace(/\s+/g, " ")}`,
      `  -> ${target.replace(/\s+/g, " ")}`,
    ]),
    "",
  ].join("\n");
}
