/** A run's result: figures before and after, confused labels, and examples that got better or worse. */
import { percent } from "../../../../../base/figures.ts";
import type { RunSummary } from "../../../../../protocol/runs.ts";
import type { Evaluation } from "../../../../../protocol/training.ts";
import { t } from "../../ui/texts.ts";

/** The metrics in the order of their weight; a run is summed up by the first that it has. */
const METRICS: readonly (readonly [name: string, title: string])[] = [
  ["accuracy", t("Accuracy")],
  ["f1", t("F1 of words")],
  ["rougeL", "ROUGE-L"],
  ["rouge1", "ROUGE-1"],
  ["rouge2", "ROUGE-2"],
  ["macroF1", t("Macro F1")],
  ["matthews", t("Matthews' correlation")],
  ["pearson", t("Pearson's correlation")],
  ["spearman", t("Spearman's correlation")],
  ["exact", t("Exactly right")],
];

/** A metric's name for a person. */
export function metricTitle(name: string): string {
  return METRICS.find(([metric]) => metric === name)?.[1] ?? name;
}

/** The metrics of some evaluations, the most telling first. */
export function metricNames(evaluations: readonly { readonly metrics: Readonly<Record<string, unknown>> }[]): string[] {
  const names = new Set(evaluations.flatMap(({ metrics }) => Object.keys(metrics)));
  const titled = METRICS.map(([name]) => name).filter((name) => names.has(name));
  return [...titled, ...[...names].filter((name) => !titled.includes(name))];
}

/** A run's most telling figure, before and after; the loss where nothing was judged. */
export function headline({ base, best }: RunSummary): {
  readonly name: string;
  readonly before: string;
  readonly after: string;
} {
  const scores = [base, best].flatMap((score) => score ?? []);
  const name = metricNames(scores).find((metric) => scores.some(({ metrics }) => typeof metrics[metric] === "number"));
  if (name === undefined) {
    const loss = (score: RunSummary["base"]) => (score === undefined ? "" : score.validation.toFixed(2));
    return { name: t("Loss"), before: loss(base), after: loss(best) };
  }
  const share = (score: RunSummary["base"]) => percentage(score?.metrics[name]);
  return { name: metricTitle(name), before: share(base), after: share(best) };
}

/** A share in percent; empty where there is none. */
export function percentage(value: number | null | undefined): string {
  return value === null || value === undefined ? "" : percent(value, 1);
}

/** A pair of labels that the model takes for each other. */
export interface Confused {
  readonly truth: string;
  readonly predicted: string;
  readonly count: number;
  /** The share of the examples with that label. */
  readonly share: number;
}

/** The most frequent mistakes. */
export function confusedPairs({ labels, counts }: NonNullable<Evaluation["confusion"]>): readonly Confused[] {
  return counts
    .flatMap((row, truth) => {
      const all = row.reduce((sum, count) => sum + count, 0);
      return row.map((count, label) => ({
        truth: labels[truth] ?? "",
        predicted: labels[label] ?? "",
        count: truth === label ? 0 : count,
        share: all === 0 ? 0 : count / all,
      }));
    })
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count || b.share - a.share)
    .slice(0, 5);
}

/** An example that two models wrote of. */
export interface Change {
  readonly input: string;
  readonly target: string;
  readonly before: string;
  readonly after: string;
  /** From -1 (was right, is wrong) to 1. */
  readonly gain: number;
}

/**
 * The examples of two evaluations that got better and worse, the greatest changes first.
 * @param exactly as {@link agreement}
 */
export function changes(
  base: Evaluation,
  best: Evaluation,
  exactly: boolean,
): { readonly better: readonly Change[]; readonly worse: readonly Change[]; readonly same: number } {
  const before = new Map(base.samples.map((sample) => [sample.input, sample]));
  const all = best.samples.flatMap(({ input, target, output }): Change[] => {
    const old = before.get(input);
    if (old === undefined) return [];
    const gain = agreement(target, output, exactly) - agreement(target, old.output, exactly);
    return [{ input, target, before: old.output, after: output, gain }];
  });
  const sorted = all.toSorted((a, b) => b.gain - a.gain);
  const better = sorted.filter(({ gain }) => gain > 1e-9);
  const worse = sorted.filter(({ gain }) => gain < -1e-9).toReversed();
  return {
    better: better.slice(0, SHOWN),
    worse: worse.slice(0, SHOWN),
    same: all.length - better.length - worse.length,
  };
}

const SHOWN = 5;

/** How well an output does: exactly right or not, else the F1 of the words that it shares with the target. */
export function agreement(target: string, output: string, exactly: boolean): number {
  const [wanted, written] = [words(target), words(output)];
  if (exactly) return Number(wanted.join(" ") === written.join(" "));
  if (wanted.length === 0 || written.length === 0) return Number(wanted.length === written.length);
  const left = new Map<string, number>();
  for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of written) {
    const count = left.get(word) ?? 0;
    if (count > 0) shared += 1;
    left.set(word, count - 1);
  }
  return (2 * shared) / (wanted.length + written.length);
}

function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}
