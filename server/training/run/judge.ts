/**
 * How a model does its task while it learns: what it writes for some of the examples that were kept out, and the task's
 * metric.
 */
import type { Example } from "../../../models/t5/batch.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import { estimateSystems, ratio, type Statistic } from "../../metrics/estimate.ts";
import { evaluateLabels } from "../../metrics/evaluate.ts";
import { answerScores, type Interval, rouge } from "../../metrics/metrics.ts";

/** The metrics of outputs. `fills`: the share of gaps filled exactly. `similarity`: of numbers, as in STS-B. */
export type Metric = "rouge" | "squad" | "labels" | "fills" | "similarity";

/** An example to be judged. */
export interface Judged {
  /** Token ids of both sides, as they are learned. */
  readonly example: Example;
  /** The input as text, and all that is right; of gaps nothing: their fills are in the target. */
  readonly text: string;
  readonly accepted: readonly string[];
}

/** The judgment of a model's outputs for the examples. */
export interface Judgment {
  readonly metrics: Readonly<Record<string, Interval | null>>;
  /** The confusion matrix, if there are few labels. */
  readonly confusion?: { labels: string[]; counts: number[][] };
  /** The accepted outputs and the model's, in the examples' order. */
  readonly accepted: readonly (readonly string[])[];
  readonly outputs: readonly string[];
}

/**
 * Lets a model write, greedily, and judges it.
 * @param maxNewTokens of one output
 */
export async function judge(
  model: LoadedModel,
  metric: Metric,
  examples: readonly Judged[],
  maxNewTokens: number,
  seed: number,
): Promise<Judgment> {
  const written: Written[] = [];
  for (const { example } of examples) {
    const { sequences } = await model.generate({ inputs: [example.input], maxNewTokens });
    written.push(sequences[0]?.[0] ?? { ids: [], text: "" });
  }
  return judgeWritten({ ...model.info, decode: (ids) => model.decode(ids) }, metric, examples, written, seed);
}

/** The output of a model for an example. */
export interface Written {
  readonly ids: readonly number[];
  readonly text: string;
}

/** The vocabulary of a model. */
export interface Vocabulary {
  readonly sentinelIds: readonly number[];
  decode(ids: readonly number[]): string | Promise<string>;
}

/** Judges outputs that a model wrote. @param written in the order of the examples */
export async function judgeWritten(
  vocabulary: Vocabulary,
  metric: Metric,
  examples: readonly Judged[],
  written: readonly Written[],
  seed: number,
): Promise<Judgment> {
  const outputs: string[] = [];
  const accepted: (readonly string[])[] = [];
  for (const [i, { example, ...one }] of examples.entries()) {
    const { ids, text } = written[i] ?? { ids: [], text: "" };
    // Sentinels tell fills apart; other tasks have none.
    outputs.push(metric === "fills" ? await fillsOf(vocabulary, ids) : text.trim());
    accepted.push(metric === "fills" ? [await fillsOf(vocabulary, example.target)] : one.accepted);
  }
  return { ...metricsOf(metric, accepted, outputs, seed), accepted, outputs };
}

/** Confusions of more labels are too large to keep. */
const MOST_LABELS = 21;

/**
 * The metrics of outputs, with intervals.
 * @param accepted of each example all that is right, the first being the target
 */
export function metricsOf(
  metric: Metric,
  accepted: readonly (readonly string[])[],
  outputs: readonly string[],
  seed: number,
): Pick<Judgment, "metrics" | "confusion"> {
  if (accepted.length === 0) return { metrics: {} };
  const truth = accepted.map(([first = ""]) => first);
  if (metric === "labels") {
    const { groups, confusion } = evaluateLabels(truth, [{ name: "model", texts: outputs }], seed);
    const { labels, counts } = confusion;
    // Of two labels also what CoLA is judged by: Matthews' correlation is Pearson's of yes and no.
    const is = (texts: readonly string[]) => texts.map((one) => Number(one.toLowerCase() === labels[1]?.toLowerCase()));
    const matthews = labels.length === 3 ? { matthews: correlation(is(truth), is(outputs)) } : {};
    const places = truth.map((_, i) => i);
    const [binary] = estimateSystems(places, [{ name: "model", metrics: matthews }], seed);
    return {
      metrics: { ...groups[0]?.systems[0]?.scores, ...binary?.scores },
      ...(labels.length <= MOST_LABELS && {
        confusion: { labels: [...labels], counts: counts.map((row) => [...row]) },
      }),
    };
  }
  const [estimate] = estimateSystems(
    truth.map((_, i) => i),
    [{ name: "model", metrics: statistics(metric, accepted, truth, outputs) }],
    seed,
  );
  return { metrics: { ...estimate?.scores } };
}

function statistics(
  metric: Exclude<Metric, "labels">,
  accepted: readonly (readonly string[])[],
  truth: readonly string[],
  outputs: readonly string[],
): Record<string, Statistic> {
  const output = (i: number): string => outputs[i] ?? "";
  if (metric === "squad") {
    const scores = accepted.map((answers, i) => answerScores(answers, output(i)));
    return { exact: ratio(scores.map(({ exact }) => exact)), f1: ratio(scores.map(({ f1 }) => f1)) };
  }
  if (metric === "similarity") {
    const [a, b] = [truth.map(Number), truth.map((_, i) => Number(/-?\d+(\.\d+)?/.exec(output(i))?.[0] ?? 0))];
    return { pearson: correlation(a, b), spearman: correlation(ranks(a), ranks(b)) };
  }
  if (metric === "fills") {
    const right = truth.map((wanted, i) => {
      const [fills, made] = [wanted.split("\n"), output(i).split("\n")];
      return { all: fills.length, right: fills.filter((fill, gap) => fill === made[gap]).length };
    });
    return {
      exact: ratio(
        right.map((one) => one.right),
        right.map((one) => one.all),
      ),
    };
  }
  const scores = truth.map((reference, i) => rouge(reference, output(i), { stem: true }));
  const exact = truth.map((reference, i) => Number(reference.trim() === output(i)));
  return {
    rouge1: ratio(scores.map(({ rouge1 }) => rouge1)),
    rouge2: ratio(scores.map(({ rouge2 }) => rouge2)),
    rougeL: ratio(scores.map(({ rougeL }) => rougeL)),
    exact: ratio(exact),
  };
}

/** The fills of an output, one a line: what stands between its sentinels. */
async function fillsOf(vocabulary: Vocabulary, ids: readonly number[]): Promise<string> {
  const sentinels = new Set(vocabulary.sentinelIds);
  const fills: number[][] = [];
  for (const id of ids) {
    if (sentinels.has(id)) fills.push([]);
    else fills.at(-1)?.push(id);
  }
  const texts = await Promise.all(fills.map((fill) => vocabulary.decode(fill)));
  return texts
    .map((one) => one.replace(/\s+/g, " ").trim())
    .join("\n")
    .trim();
}

/** Pearson's correlation. */
function correlation(a: readonly number[], b: readonly number[]): Statistic {
  return (places) => {
    const mean = (of: readonly number[]) =>
      Array.from(places, (i) => of[i] ?? 0).reduce((x, y) => x + y, 0) / places.length;
    const [meanA, meanB] = [mean(a), mean(b)];
    let [both, ofA, ofB] = [0, 0, 0];
    for (let at = 0; at < places.length; at += 1) {
      const [x, y] = [(a[places[at] ?? 0] ?? 0) - meanA, (b[places[at] ?? 0] ?? 0) - meanB];
      both += x * y;
      ofA += x * x;
      ofB += y * y;
    }
    return both / Math.sqrt(ofA * ofB);
  };
}

/** Ranks from 1; equals share their mean. */
function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}
