/**
 * Compares a model's outputs with those of baselines: one function per task, figures with intervals, by groups of
 * items.
 */
import { estimateSystems, ratio, type Statistic, type System, type SystemEstimate } from "./estimate.ts";
import { type Faithfulness, faithfulness } from "./faithfulness.ts";
import type { Gap, GapKind } from "./gaps.ts";
import { answerScores, type RougeScores, rouge } from "./metrics.ts";

/** A system's output for each item, in order. */
export interface Outputs {
  readonly name: string;
  readonly texts: readonly string[];
}

/** The figures of all systems on some of the items; the first system is the model, the others are baselines. */
export interface GroupEstimate {
  readonly name: string;
  /** Number of items in the group. */
  readonly items: number;
  readonly systems: readonly SystemEstimate[];
}

/** A text and a person's summary or title of it. */
export interface SummaryItem {
  /** Everything that the writer of a summary could see. */
  readonly source: string;
  readonly reference: string;
  /** Whether the reference occurs verbatim in the source. */
  readonly extractive: boolean;
}

/**
 * Evaluates summaries or titles: ROUGE (F, stemmed) with the reference, and faithfulness to the source, for all items
 * and for those whose reference is not extractive. The references themselves come last, with their faithfulness.
 * @param lines puts each sentence of a text on its own line, as rougeLsum needs
 */
export function evaluateSummaries(
  items: readonly SummaryItem[],
  outputs: readonly Outputs[],
  lines: (text: string) => string,
  seed: number,
): GroupEstimate[] {
  const systems = outputs.map(({ name, texts }): System => {
    const scores = items.map(({ reference }, i) => rouge(lines(reference), lines(texts[i] ?? ""), { stem: true }));
    const mean = (of: keyof RougeScores): Statistic => ratio(scores.map((score) => score[of]));
    return {
      name,
      metrics: {
        rouge1: mean("rouge1"),
        rouge2: mean("rouge2"),
        rougeL: mean("rougeL"),
        rougeLsum: mean("rougeLsum"),
        exact: ratio(items.map(({ reference }, i) => Number(plain(reference) === plain(texts[i] ?? "")))),
        ...faithfulMetrics(items, texts),
      },
    };
  });
  const references = faithfulMetrics(
    items,
    items.map(({ reference }) => reference),
  );
  return estimateGroups([...systems, { name: "the reference", metrics: references }], seed, {
    all: items.map((_, i) => i),
    "not extractive": placesOf(items, ({ extractive }) => !extractive),
  });
}

/** A system's fills of gaps, and the likelihoods of what was cut out. */
export interface FillOutputs {
  readonly name: string;
  /**
   * fills[i]: proposals for gap i, best first; undefined if there are none. Absent if only likelihoods were computed.
   */
  readonly fills?: readonly (readonly string[] | undefined)[];
  /** logProbs[i]: natural log probabilities of the true fill's tokens. */
  readonly logProbs?: readonly (readonly number[])[];
}

/**
 * Evaluates fills: share of exact ones (case-sensitive unless stated), share among the first `alternatives` (words
 * only), token F1, and the perplexity of what was cut out; by kinds of gaps. White space and punctuation around a
 * fill do not count.
 */
export function evaluateFills(
  gaps: readonly Gap[],
  outputs: readonly FillOutputs[],
  alternatives: number,
  seed: number,
): GroupEstimate[] {
  const groups: Readonly<Record<string, readonly GapKind[]>> = {
    words: ["content", "function"],
    "content words": ["content"],
    "function words": ["function"],
    phrases: ["phrase"],
    sentences: ["sentence"],
    "all gaps": ["content", "function", "phrase", "sentence"],
  };
  return Object.entries(groups).flatMap(([name, kinds]) => {
    const places = placesOf(gaps, ({ kind }) => kinds.includes(kind));
    const words = kinds.every((kind) => kind === "content" || kind === "function");
    const systems = outputs
      .map((output) => fillSystem(gaps, places, output, words ? alternatives : 0))
      .filter(({ metrics }) => Object.keys(metrics).length > 0);
    return estimateGroups(systems, seed, { [name]: places });
  });
}

/** Evaluates answers: SQuAD's exact match and token F1, each the best over the accepted answers. */
export function evaluateAnswers(
  accepted: readonly (readonly string[])[],
  outputs: readonly Outputs[],
  seed: number,
): GroupEstimate[] {
  const systems = outputs.map(({ name, texts }): System => {
    const scores = accepted.map((answers, i) => answerScores(answers, texts[i] ?? ""));
    return { name, metrics: { exact: ratio(scores.map((s) => s.exact)), f1: ratio(scores.map((s) => s.f1)) } };
  });
  return estimateGroups(systems, seed, { all: accepted.map((_, i) => i) });
}

/** How often each label was taken for each other one. */
export interface Confusion {
  /** The true labels and, last, OTHER_LABEL. */
  readonly labels: readonly string[];
  /** counts[t][p]: items with label t for which the model said label p. OTHER_LABEL has no row. */
  readonly counts: readonly (readonly number[])[];
}

/** Stands for every output of a model that is not a label. */
const OTHER_LABEL = "(no label)";

/**
 * Evaluates labels: accuracy, F1 of each label and their mean (macro), and the model's confusion. Outputs are
 * compared as text, ignoring case and surrounding white space.
 */
export function evaluateLabels(
  truth: readonly string[],
  outputs: readonly Outputs[],
  seed: number,
): { readonly groups: GroupEstimate[]; readonly confusion: Confusion } {
  const labels = [...new Set(truth)].sort();
  const numbers = new Map(labels.map((label, i) => [plain(label), i]));
  const numbersOf = (texts: readonly string[]): number[] =>
    truth.map((_, i) => numbers.get(plain(texts[i] ?? "")) ?? labels.length);
  const right = numbersOf(truth);
  const systems = outputs.map(({ name, texts }): System => {
    const predicted = numbersOf(texts);
    return {
      name,
      metrics: {
        accuracy: ratio(predicted.map((label, i) => Number(label === right[i]))),
        macroF1: macroF1(right, predicted, labels.length),
        ...Object.fromEntries(labels.map((label, i) => [`f1 of ${label}`, labelF1(right, predicted, i)])),
      },
    };
  });
  const counts = labels.map(() => new Array<number>(labels.length + 1).fill(0));
  for (const [i, label] of numbersOf(outputs[0]?.texts ?? []).entries()) {
    const row = counts[right[i] ?? 0];
    if (row !== undefined) row[label] = (row[label] ?? 0) + 1;
  }
  return {
    groups: estimateGroups(systems, seed, { all: truth.map((_, i) => i) }),
    confusion: { labels: [...labels, OTHER_LABEL], counts },
  };
}

/** A fill without the surrounding white space and punctuation, which n-grams never propose either. */
export function bareFill(fill: string): string {
  return fill.replace(/^[^\p{L}\p{N}]+|(?<![^\p{L}\p{N}])[^\p{L}\p{N}]+$/gu, "").replace(/\s+/g, " ");
}

function estimateGroups(
  systems: readonly System[],
  seed: number,
  groups: Readonly<Record<string, readonly number[]>>,
): GroupEstimate[] {
  return Object.entries(groups)
    .filter(([, places]) => places.length > 0)
    .map(([name, places]) => ({ name, items: places.length, systems: estimateSystems(places, systems, seed) }));
}

function placesOf<T>(items: readonly T[], belongs: (item: T) => boolean): number[] {
  return items.flatMap((item, i) => (belongs(item) ? [i] : []));
}

function faithfulMetrics(items: readonly SummaryItem[], texts: readonly string[]): Record<string, Statistic> {
  const perItem = items.map(({ source }, i) => faithfulness(source, texts[i] ?? ""));
  const share = (of: keyof Faithfulness): Statistic =>
    ratio(
      perItem.map((item) => item[of].found),
      perItem.map((item) => item[of].all),
    );
  return {
    contentWords: share("contentWords"),
    numbers: share("numbers"),
    names: share("names"),
    copied: share("fourGrams"),
    length: ratio(texts.map((text) => text.split(/\s+/).filter(Boolean).length)),
  };
}

function fillSystem(
  gaps: readonly Gap[],
  places: readonly number[],
  { name, fills, logProbs }: FillOutputs,
  alternatives: number,
): System {
  const metrics: Record<string, Statistic> = {};
  if (fills !== undefined && places.every((gap) => fills[gap] !== undefined)) {
    const proposed = gaps.map((_, i) => (fills[i] ?? []).map(bareFill));
    const share = (value: (truth: string, fills: readonly string[]) => number): Statistic =>
      ratio(gaps.map(({ fill }, i) => value(bareFill(fill), proposed[i] ?? [])));
    metrics["exact"] = share((truth, [first]) => Number(first === truth));
    metrics["anyCase"] = share((truth, [first]) => Number(first?.toLowerCase() === truth.toLowerCase()));
    if (alternatives > 1) {
      metrics["among"] = share((truth, fills) => Number(fills.slice(0, alternatives).includes(truth)));
    }
    metrics["f1"] = share((truth, [first = ""]) => answerScores([truth], first, wordsOnly).f1);
  }
  if (logProbs !== undefined) {
    const losses = gaps.map((_, i) => -(logProbs[i] ?? []).reduce((a, b) => a + b, 0));
    metrics["perplexityToken"] = ratio(
      losses,
      gaps.map((_, i) => logProbs[i]?.length ?? 0),
      Math.exp,
    );
    metrics["perplexityWord"] = ratio(
      losses,
      gaps.map(({ fill }) => fill.split(/\s+/).length),
      Math.exp,
    );
  }
  return { name, metrics };
}

/** The words of a text. Keeps articles, unlike normalizeSquad, because they are often all of a gap. */
function wordsOnly(text: string): string {
  return (
    text
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu)
      ?.join(" ") ?? ""
  );
}

function plain(text: string): string {
  return text.replace(/\s+/g, " ").trim().toLowerCase();
}

/** Mean F1 of the labels that occur among the items or the outputs, as scikit-learn's f1_score with average="macro". */
function macroF1(right: readonly number[], predicted: readonly number[], labels: number): Statistic {
  return (places) => {
    const counts = Array.from({ length: labels + 1 }, () => ({ right: 0, predicted: 0, both: 0 }));
    for (let i = 0; i < places.length; i++) {
      const item = places[i] ?? 0;
      const [truth, claim] = [counts[right[item] ?? labels], counts[predicted[item] ?? labels]];
      if (truth !== undefined) truth.right += 1;
      if (claim !== undefined) claim.predicted += 1;
      if (truth !== undefined && truth === claim) truth.both += 1;
    }
    // An output that is not a label has no F1; it already reduces the true labels' recall.
    const seen = counts.slice(0, labels).filter((count) => count.right + count.predicted > 0);
    return seen.reduce((sum, count) => sum + (2 * count.both) / (count.right + count.predicted), 0) / seen.length;
  };
}

function labelF1(right: readonly number[], predicted: readonly number[], label: number): Statistic {
  const is = (numbers: readonly number[]): number[] => numbers.map((number) => Number(number === label));
  const [truth, claim] = [is(right), is(predicted)];
  return ratio(
    truth.map((hit, i) => 2 * hit * (claim[i] ?? 0)),
    truth.map((hit, i) => hit + (claim[i] ?? 0)),
  );
}
