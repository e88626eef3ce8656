/** Summaries made of a text's own sentences, without any model: what ours have to beat. */
import { isFunctionWord } from "../../server/metrics/gaps.ts";
import { rouge } from "../../server/metrics/metrics.ts";
import { porterStem } from "../../server/metrics/porter.ts";

/** Sentences beyond these are not looked at. */
const MOST_SENTENCES = 200;

/**
 * The most central sentences of a text, in its order.
 * @see Mihalcea, Tarau, "TextRank: Bringing order into texts" (2004): words shared, by the logarithm of the lengths
 */
export function textRank(sentences: readonly string[], count: number): string[] {
  const some = sentences.slice(0, MOST_SENTENCES);
  const words = some.map(
    (sentence) =>
      new Set(
        (sentence.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !isFunctionWord(word)).map(porterStem),
      ),
  );
  const weights = words.map((own, i) => words.map((other, j) => (i === j ? 0 : similarity(own, other))));
  const sums = weights.map((row) => row.reduce((a, b) => a + b, 0));
  let ranks: number[] = some.map(() => 1);
  for (let round = 0; round < 50; round++) {
    ranks = weights.map((row) => {
      const given = row.reduce(
        (sum, weight, j) => sum + (weight === 0 ? 0 : (weight * (ranks[j] ?? 0)) / (sums[j] ?? 1)),
        0,
      );
      return 1 - DAMPING + DAMPING * given;
    });
  }
  return inOrder(some, bestPlaces(ranks, count));
}

/**
 * The sentences with the highest mean of ROUGE-1, 2 and L with the reference, chosen one after another: the most that
 * quoting can reach.
 */
export function oracle(sentences: readonly string[], reference: string, count: number): string[] {
  const some = sentences.slice(0, MOST_SENTENCES);
  const chosen: number[] = [];
  let reached = 0;
  while (chosen.length < count) {
    const scores = some.map((_, i) => (chosen.includes(i) ? 0 : score(inOrder(some, [...chosen, i]), reference)));
    const [best = -1] = bestPlaces(scores, 1);
    if ((scores[best] ?? 0) <= reached) break;
    reached = scores[best] ?? 0;
    chosen.push(best);
  }
  return inOrder(some, chosen);
}

const DAMPING = 0.85;

function similarity(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size < 2 || b.size < 2) return 0;
  let shared = 0;
  for (const word of a) shared += b.has(word) ? 1 : 0;
  return shared / (Math.log(a.size) + Math.log(b.size));
}

function score(sentences: readonly string[], reference: string): number {
  const { rouge1, rouge2, rougeL } = rouge(reference, sentences.join(" "), { stem: true });
  return (rouge1 + rouge2 + rougeL) / 3;
}

function bestPlaces(values: readonly number[], count: number): number[] {
  return [...values.keys()].sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b).slice(0, count);
}

function inOrder(sentences: readonly string[], places: readonly number[]): string[] {
  return [...places].sort((a, b) => a - b).map((place) => sentences[place] ?? "");
}
