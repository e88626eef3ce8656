/**
 * The scaling chart's data: cost against quality, the Pareto front, and the models without published quality.
 */

import type { ModelRow } from "../../../../protocol/panel/models.ts";
import { t } from "../ui/texts.ts";
import { measuredMs } from "./rows.ts";

/** The costs of a model that the chart can show. */
export const COSTS = [
  { name: "parameters", title: t("Parameters"), of: (row: ModelRow) => row.parameters ?? undefined },
  { name: "flops", title: t("Operations (512 tokens in, 64 out)"), of: (row: ModelRow) => row.flops },
  { name: "ms", title: t("Milliseconds measured here (512 in, 64 out)"), of: (row: ModelRow) => measuredMs(row) },
] as const;
export type Cost = (typeof COSTS)[number]["name"];

/** A model in the chart. */
export interface Point {
  readonly id: string;
  readonly cost: number;
  /** Undefined: nobody measured or published it. */
  readonly quality: number | undefined;
}

/** The chart's content. */
export interface ChartData {
  /** By cost. */
  readonly points: readonly Point[];
  /** Those that no other beats in both, by cost. */
  readonly front: readonly Point[];
  /** How many of the models have no known cost of this kind. */
  readonly left: number;
}

/**
 * The kinds of quality that some model has a value for: a benchmark and its source, since two sources do not compare.
 */
export function qualities(rows: readonly ModelRow[]): readonly string[] {
  return [...new Set(rows.flatMap(({ quality }) => quality.map(qualityName)))];
}

/** A kind of quality's name. */
function qualityName({ metric, source }: ModelRow["quality"][number]): string {
  return `${metric} (${source})`;
}

/** Points and front for a kind of cost and of quality. */
export function chartData(rows: readonly ModelRow[], cost: Cost, quality: string): ChartData {
  const of = COSTS.find(({ name }) => name === cost)?.of ?? (() => undefined);
  const points = rows
    .flatMap((row): Point[] => {
      const value = of(row);
      if (value === undefined) return [];
      return [{ id: row.id, cost: value, quality: row.quality.find((score) => qualityName(score) === quality)?.value }];
    })
    .toSorted((a, b) => a.cost - b.cost);
  return { points, front: paretoFront(points), left: rows.length - points.length };
}

/** The points that no other beats: as cheap and better, or cheaper and as good. @param points by cost */
export function paretoFront(points: readonly Point[]): Point[] {
  const front: Point[] = [];
  for (const point of points) {
    if (point.quality === undefined) continue;
    const last = front.at(-1);
    if (last?.cost === point.cost && (last.quality ?? 0) < point.quality) front.pop();
    if ((front.at(-1)?.quality ?? Number.NEGATIVE_INFINITY) < point.quality) front.push(point);
  }
  return front;
}
