/** Chooses the sentences that a summary quotes: the best ones, which say different things, in the text's order. */
import { stemsOf } from "./features.ts";
import { type DocumentSentence, wordCount } from "./sentences.ts";

/** How many sentences, and of how many words together. */
export interface ChoiceLimits {
  readonly most: number;
  readonly mostWords?: number | undefined;
}

/**
 * The best whole sentences in the text's order. Each is judged less what it repeats of those chosen, and less a little
 * where its section has one already.
 * @param scores of the sentences, as `sentenceScores` returns them
 */
export function chooseSentences(
  sentences: readonly DocumentSentence[],
  scores: readonly number[],
  { most, mostWords = Number.POSITIVE_INFINITY }: ChoiceLimits,
): DocumentSentence[] {
  const candidates = sentences.flatMap((sentence, i) =>
    sentence.isWhole ? [{ sentence, score: scores[i] ?? 0, stems: new Set(stemsOf(sentence.text)), repeated: 0 }] : [],
  );
  const chosen: DocumentSentence[] = [];
  let words = 0;
  while (chosen.length < most) {
    const sections = new Set(chosen.map(({ section }) => section));
    let best: (typeof candidates)[number] | undefined;
    let bestWorth = Number.NEGATIVE_INFINITY;
    for (const candidate of candidates) {
      const { sentence, score, repeated } = candidate;
      if (repeated >= SAME || words + wordCount(sentence.text) > mostWords) continue;
      const worth = score - REPETITION * repeated - (sections.has(sentence.section) ? SAME_SECTION : 0);
      if (worth > bestWorth) [best, bestWorth] = [candidate, worth];
    }
    if (best === undefined) break;
    chosen.push(best.sentence);
    words += wordCount(best.sentence.text);
    for (const candidate of candidates) {
      candidate.repeated =
        candidate === best ? SAME : Math.max(candidate.repeated, overlap(candidate.stems, best.stems));
    }
  }
  return chosen.sort((a, b) => a.start - b.start);
}

/** The best whole sentence; undefined when there is none. */
export function bestOf(
  sentences: readonly DocumentSentence[],
  scores: readonly number[],
  mostWords?: number,
): DocumentSentence | undefined {
  const [fitting] = chooseSentences(sentences, scores, { most: 1, mostWords });
  return fitting ?? chooseSentences(sentences, scores, { most: 1 })[0];
}

/** Share of the words of two sentences that both have from which on they say the same. */
const SAME = 0.8;
const REPETITION = 0.25;
const SAME_SECTION = 0.05;

function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const stem of a) if (b.has(stem)) shared += 1;
  return shared / (a.size + b.size - shared + 1);
}
