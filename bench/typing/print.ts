/** Prints what typing took, and whether chances were right. */
import type { Interval } from "../../server/metrics/metrics.ts";
import { printTable } from "../support/table.ts";
import { type Row, type Run, type Times, VAIN_COST } from "./figures.ts";

/** Prints the table of all rows. */
export function printRows(rows: readonly Row[]): void {
  const last = rows[0]?.system;
  console.log("Typing, with 95% intervals by paragraph");
  printTable([
    [
      ...["text", "place", "with", "n", "keys saved %", `beside ${last}`, "accepted %", "wholly right %"],
      ...["in vain/100", "net/100", "under way ms", "new word ms", "late %"],
    ],
    ...rows.map((row) => [
      ...[row.kind, row.place, row.system, String(row.paragraphs), range(row.saved), range(row.against ?? null)],
      ...[range(row.accepted), range(row.whole), range(row.vain), range(row.net)],
      ...[times(row.underWayMs), times(row.newWordMs), row.late.toFixed(1)],
    ]),
  ]);
  console.log(
    "Keys saved: of those needed without suggestions. Accepted, wholly right: of the suggestions shown (one that stays while matching letters",
  );
  console.log(
    `are typed counts once). In vain: shown, not accepted, per 100 keys without suggestions. Net: keys saved less ${VAIN_COST} for each shown in vain.`,
  );
  console.log("Times: p50/p95 from key to answer. Late: answers after the next key, which are not seen.");
}

/** Prints, for systems that say how sure they are, how often they were right. */
export function printReliability(runs: readonly Run[]): void {
  for (const system of new Set(runs.map((run) => run.system))) {
    const trials = runs.filter((run) => run.system === system).flatMap(({ typed }) => typed.trials);
    if (trials.length === 0) continue;
    console.log(`\n${system}: chance of what is shown, and how often its first word was right`);
    const bins = Array.from({ length: 10 }, (_, i) =>
      trials.filter(({ confidence }) => Math.min(9, Math.floor(10 * confidence)) === i),
    );
    printTable([
      ["chance", "shown", "mean chance %", "right %"],
      ...bins.flatMap((bin, i) =>
        bin.length === 0
          ? []
          : [
              [
                `${i / 10} - ${(i + 1) / 10}`,
                String(bin.length),
                percent(bin.map(({ confidence }) => confidence)),
                percent(bin.map(({ right }) => Number(right))),
              ],
            ],
      ),
    ]);
  }
}

function range(interval: Interval | null): string {
  if (interval === null) return "-";
  const { mean, low, high } = interval;
  return `${mean.toFixed(1)} [${low.toFixed(1)} ${high.toFixed(1)}]`;
}

function times({ p50, p95 }: Times): string {
  return Number.isNaN(p50) ? "-" : `${p50.toFixed(0)}/${p95.toFixed(0)}`;
}

function percent(values: readonly number[]): string {
  return ((100 * values.reduce((a, b) => a + b, 0)) / values.length).toFixed(1);
}
