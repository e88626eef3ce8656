/** Ranks a document's sentences: how well each would stand for the whole. */
import { englishSentenceTable } from "../../../catalog/sentence-table.ts";
import type { LoadedModel } from "../../../engine/engine.ts";
import type { WrittenProse } from "../../../text/written-prose.ts";
import { sentenceFeatures, stemsOf } from "./features.ts";
import { type DocumentSentence, wordCount } from "./sentences.ts";

/** The inputs of a ranking of sentences. */
export interface RankContext {
  readonly model: Pick<LoadedModel, "rank">;
  /** Whether the trees know the language; else place and repeated words decide. */
  readonly isEnglish: boolean;
}

/** The worth of sentences. */
export interface SentenceRanks {
  /** The expected ROUGE of each sentence as a summary, about 0 to 0.4. */
  readonly scores: readonly number[];
  /** The worth of a text in the place of a sentence; undefined where only the places of sentences are compared. */
  readonly scoreOf?: (text: string, index: number) => Promise<number>;
}

/** Ranks sentences. */
export async function rankSentences(
  { model, isEnglish }: RankContext,
  { title }: Pick<WrittenProse, "title">,
  sentences: readonly DocumentSentence[],
): Promise<SentenceRanks> {
  const table = isEnglish ? await englishSentenceTable() : undefined;
  if (table === undefined || sentences.length === 0) return { scores: placeScores(sentences) };
  const idf = (stem: string) => table.idf.get(stem) ?? table.rare;
  const features = sentenceFeatures(sentences, { title, idf });
  return {
    scores: Array.from(await model.rank(features.rows), (score, i) => score + (sentences[i]?.isTagline ? TAGLINE : 0)),
    scoreOf: async (text, index) => {
      const place = sentences[index];
      const row = place === undefined ? new Float32Array(0) : features.rowOf({ ...place, text }, index);
      return (await model.rank(row))[0] ?? 0;
    },
  };
}

/**
 * Added for a line below the title that says what a document is about. Of 208 packages' READMEs the sentences so chosen
 * have a ROUGE-L of 58.8 with the packages' descriptions, by the trees alone 51.6, without such lines 44.5.
 */
const TAGLINE = 0.4;

/** Early sentences of a readable length that have the words which the text repeats. */
export function placeScores(sentences: readonly DocumentSentence[]): number[] {
  const bags = sentences.map(({ text }) => [...new Set(stemsOf(text))]);
  const counts = new Map<string, number>();
  for (const stem of bags.flat()) counts.set(stem, (counts.get(stem) ?? 0) + 1);
  const central = bags.map(
    (bag) => bag.reduce((sum, stem) => sum + (counts.get(stem) ?? 0), 0) / Math.sqrt(bag.length || 1),
  );
  const most = central.reduce((a, b) => Math.max(a, b), 1e-9);
  return sentences.map(({ text }, i) => {
    const length = wordCount(text);
    const readable = length >= 8 && length <= 40 ? 1 : 0.6;
    return (0.2 * (0.5 + (central[i] ?? 0) / most) * readable) / (1 + 0.3 * i);
  });
}
