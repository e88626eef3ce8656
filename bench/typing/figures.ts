/** The figures of typed paragraphs: means with intervals by paragraph, and times. */
import { estimateSystems, ratio, type System } from "../../server/metrics/estimate.ts";
import type { Interval } from "../../server/metrics/metrics.ts";
import { quantile } from "../support/statistics.ts";
import type { TextKind } from "./paragraphs.ts";
import type { Place, Typed } from "./typist.ts";

/** One paragraph as one suggester helped to type it. */
export interface Run {
  readonly system: string;
  readonly kind: TextKind;
  readonly place: Place;
  readonly source: string;
  readonly typed: Typed;
}

/** Keys that reading a suggestion in vain costs. */
export const VAIN_COST = 1.5;

/** One row of the table. */
export interface Row {
  /** A kind of text, or `all`. */
  readonly kind: string;
  readonly place: Place;
  readonly system: string;
  readonly paragraphs: number;
  /** In percent of the keys needed without suggestions. */
  readonly saved: Interval | null;
  /** In percent of the suggestions shown. */
  readonly accepted: Interval | null;
  readonly whole: Interval | null;
  /** Per 100 characters. */
  readonly vain: Interval | null;
  /** Keys saved less the cost of what was shown in vain, per 100 characters. */
  readonly net: Interval | null;
  /** Saved by this system less saved by the first, on the same paragraphs. */
  readonly against?: Interval | null;
  readonly underWayMs: Times;
  readonly newWordMs: Times;
  /** Answers after the next key, in percent. */
  readonly late: number;
}

/** Milliseconds from the key to the answer. */
export interface Times {
  readonly p50: number;
  readonly p95: number;
}

/** The rows of each kind and of all together, by place. Each system typed the same paragraphs. */
export function rowsOf(runs: readonly Run[], seed: number): Row[] {
  const kinds = [...new Set(runs.map(({ kind }) => kind))];
  const places = [...new Set(runs.map(({ place }) => place))];
  const groups: [string, readonly Run[]][] = kinds.map((kind) => [kind, runs.filter((run) => run.kind === kind)]);
  if (kinds.length > 1) groups.push(["all", runs]);
  return groups.flatMap(([kind, ofKind]) =>
    places.flatMap((place) => {
      const here = ofKind.filter((run) => run.place === place);
      return rowsOfGroup(kind, place, here, seed);
    }),
  );
}

function rowsOfGroup(kind: string, place: Place, runs: readonly Run[], seed: number): Row[] {
  const systems = [...new Set(runs.map(({ system }) => system))];
  const typedBy = systems.map((system) => runs.filter((run) => run.system === system).map(({ typed }) => typed));
  const paragraphs = typedBy[0]?.length ?? 0;
  const estimates = estimateSystems(
    Array.from({ length: paragraphs }, (_, i) => i),
    systems.map((name, i) => ({ name, metrics: metricsOf(typedBy[i] ?? []) })),
    seed,
  );
  return systems.map((system, i): Row => {
    const { scores = {}, difference } = estimates[i] ?? {};
    const typed = typedBy[i] ?? [];
    const answers = typed.flatMap((one) => one.answers);
    const score = (name: string) => scores[name] ?? null;
    return {
      ...{ kind, place, system, paragraphs },
      ...{ saved: score("saved"), accepted: score("accepted"), whole: score("whole") },
      ...{ vain: score("vain"), net: score("net") },
      // The first less this one becomes this one less the first.
      ...(difference === undefined ? {} : { against: negated(difference["saved"] ?? null) }),
      underWayMs: timesOf(answers.filter(({ underWay }) => underWay)),
      newWordMs: timesOf(answers.filter(({ underWay }) => !underWay)),
      late: (100 * typed.reduce((sum, { late }) => sum + late, 0)) / Math.max(1, answers.length),
    };
  });
}

function metricsOf(typed: readonly Typed[]): System["metrics"] {
  const alone = typed.map(({ keysAlone }) => keysAlone);
  const shown = typed.map((one) => one.shown);
  const saved = typed.map(({ keysAlone, keys }) => 100 * (keysAlone - keys));
  const vain = typed.map((one) => 100 * one.vain);
  return {
    saved: ratio(saved, alone),
    accepted: ratio(
      typed.map((one) => 100 * one.accepted),
      shown,
    ),
    whole: ratio(
      typed.map((one) => 100 * one.whole),
      shown,
    ),
    vain: ratio(vain, alone),
    net: ratio(
      saved.map((keys, i) => keys - VAIN_COST * (vain[i] ?? 0)),
      alone,
    ),
  };
}

function timesOf(answers: readonly { readonly ms: number }[]): Times {
  const times = answers.map(({ ms }) => ms);
  return { p50: quantile(times, 0.5), p95: quantile(times, 0.95) };
}

function negated(interval: Interval | null): Interval | null {
  return interval === null ? null : { mean: -interval.mean, low: -interval.high, high: -interval.low };
}
