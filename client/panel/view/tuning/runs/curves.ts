/** The lines of a chart of runs: smoothed, thinned to what a screen can show, and laid beside each other. */
import type { RunDetails } from "../../../../../protocol/runs.ts";
import { t } from "../../ui/texts.ts";
import type { CurveOptions } from "../tuning-state.ts";
import { figure, incidentText } from "./run-state.ts";
import { metricTitle } from "./tuning-results.ts";

/** A line. */
export interface Line {
  readonly label: string;
  /** Which run's: its color and dashes. */
  readonly run: number;
  /** `faint` lies under its smoothed line; `points` are evaluations. */
  readonly style: "faint" | "solid" | "points";
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** A step that something happened at. */
export interface Mark {
  readonly run: number;
  readonly step: number;
  readonly text: string;
}

const OF_POINTS = ["learningRate", "gradientNorm", "tokensPerSecond", "memoryBytes"] as const;

/** The curves that can be drawn for some runs. */
export function choices(runs: readonly RunDetails[]): readonly { readonly value: string; readonly text: string }[] {
  const metrics = new Set(
    runs.flatMap(({ evaluations }) => evaluations.flatMap((evaluation) => Object.keys(evaluation.metrics))),
  );
  return [
    { value: "loss", text: t("Loss, training and kept out") },
    ...[...metrics].map((name) => ({ value: name, text: metricTitle(name) })),
    { value: "learningRate", text: t("Learning rate") },
    { value: "gradientNorm", text: t("Gradient norm") },
    { value: "tokensPerSecond", text: t("Tokens a second") },
    { value: "memoryBytes", text: t("Memory") },
  ];
}

/** The lines of some runs. */
export function linesOf(runs: readonly RunDetails[], { what, smoothing }: CurveOptions): readonly Line[] {
  return runs.flatMap(({ summary: { title }, curve, evaluations }, run): Line[] => {
    const evaluated = (label: string, values: readonly (number | null | undefined)[]): Line => {
      const points = evaluations.flatMap(({ step }, i) => {
        const value = values[i];
        return value === null || value === undefined ? [] : [[step, value] as const];
      });
      return { label, run, style: "points", x: points.map(([step]) => step), y: points.map(([, value]) => value) };
    };
    const field = OF_POINTS.find((name) => name === what) ?? (what === "loss" ? "loss" : undefined);
    if (field === undefined) {
      return [
        evaluated(
          title,
          evaluations.map(({ metrics }) => metrics[what]?.mean),
        ),
      ];
    }
    const [x, y] = [curve.map(({ step }) => step), curve.map((point) => point[field])];
    const raw = { run, x, y };
    const training = field === "loss" ? t("{0}: training", title) : title;
    const smooth = smoothing > 0 && field === "loss";
    const lines: Line[] = smooth
      ? [
          { ...raw, label: training, style: "faint" },
          { ...raw, label: t("{0}: training, smoothed", title), style: "solid", y: smoothed(y, smoothing) },
        ]
      : [{ ...raw, label: training, style: "solid" }];
    if (field === "loss")
      lines.push(
        evaluated(
          t("{0}: kept out", title),
          evaluations.map((evaluation) => evaluation.validation),
        ),
      );
    return lines.filter((line) => line.x.length > 0);
  });
}

/**
 * Exponential moving average, divided by the weight it has so far, so that it does not begin at zero (as in Adam,
 * section 3).
 */
export function smoothed(values: readonly number[], weight: number): number[] {
  const averages = new Array<number>(values.length);
  let sum = 0;
  let total = 0;
  for (let i = 0; i < averages.length; i += 1) {
    const value = values[i] ?? 0;
    averages[i] = value;
    if (!Number.isFinite(value)) continue;
    sum = weight * sum + (1 - weight) * value;
    total = weight * total + (1 - weight);
    averages[i] = sum / total;
  }
  return averages;
}

/**
 * The least and the largest value of each of some equal parts, in order, so that no peak is lost; short lines stay as
 * they are. A screen has no more columns than parts, and drawing 100,000 points would take longer than a frame.
 */
export function decimated(
  x: readonly number[],
  y: readonly number[],
  parts: number,
): { readonly x: readonly number[]; readonly y: readonly number[] } {
  if (x.length <= 2 * parts) return { x, y };
  const [keptX, keptY]: [number[], number[]] = [[], []];
  const keep = (at: number) => {
    keptX.push(x[at] ?? 0);
    keptY.push(y[at] ?? 0);
  };
  for (let part = 0; part < parts; part += 1) {
    const begin = Math.floor((part * x.length) / parts);
    const end = Math.floor(((part + 1) * x.length) / parts);
    let [low, high] = [begin, begin];
    for (let at = begin + 1; at < end; at += 1) {
      const value = y[at] ?? 0;
      if (value < (y[low] ?? 0)) low = at;
      if (value > (y[high] ?? 0)) high = at;
    }
    keep(Math.min(low, high));
    if (low !== high) keep(Math.max(low, high));
  }
  return { x: keptX, y: keptY };
}

/** The lines over one common axis, as the chart library has them: all x, then each line's y or null. */
export function aligned(lines: readonly Pick<Line, "x" | "y">[]): (number | null)[][] {
  const steps = [...new Set(lines.flatMap(({ x }) => x))].sort((a, b) => a - b);
  const rowOf = new Map(steps.map((x, i) => [x, i]));
  const columns = lines.map(({ x, y }) => {
    const column = new Array<number | null>(steps.length).fill(null);
    x.forEach((at, i) => {
      const [row, value] = [rowOf.get(at), y[i]];
      if (row !== undefined && value !== undefined && Number.isFinite(value)) column[row] = value;
    });
    return column;
  });
  return [steps, ...columns];
}

/** Rollbacks, pauses and resumptions. */
export function marksOf(runs: readonly RunDetails[]): readonly Mark[] {
  return runs.flatMap(({ summary, incidents }, run) =>
    incidents.map((incident) => {
      const text = incidentText(incident);
      return { run, step: incident.step, text: runs.length === 1 ? text : `${summary.title}: ${text}` };
    }),
  );
}

/** The chart in words. */
export function describe(lines: readonly Line[]): string {
  const words = lines
    .filter(({ style }) => style !== "faint")
    .map(({ label, x, y }) => {
      const [from, to] = [y[0], y.at(-1)];
      return from === undefined || to === undefined
        ? label
        : t("{0} from {1} to {2} at step {3}", label, figure(from), figure(to), x.at(-1) ?? 0);
    });
  return words.join("; ");
}
