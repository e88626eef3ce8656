/** The expert on English: which words follow which, by counts of other people's texts. */
import type { NgramModel } from "../../../../models/words/ngram.ts";
import { lastWords, ngramWords } from "../../../../models/words/ngram-words.ts";
import { englishNgrams } from "../../../catalog/ngrams.ts";

/** Predicts words from those before them. */
export interface WordModel {
  /** The last words of a text, as the other methods take them. */
  context(before: string): readonly string[];
  /** The chance of a word, above 0 and at most 1. */
  probability(context: readonly string[], word: string): number;
  /** The likeliest words that begin with `prefix`, best first. */
  candidates(context: readonly string[], prefix: string, count: number): readonly { readonly word: string }[];
}

/** The expert; undefined if its counts are not installed. @throws ModelError "input" for damaged counts */
export async function englishWords(): Promise<WordModel | undefined> {
  const ngrams = await englishNgrams();
  if (ngrams === undefined) return undefined;
  return {
    context: lastWords,
    probability: (context, word) => chance(ngrams, context, word),
    candidates: ngrams.candidates,
  };
}

/** The chance of a word, which the counts may have as several: `cert-manager` is three. */
function chance(ngrams: NgramModel, context: readonly string[], word: string): number {
  const parts = ngramWords(word);
  const before = [...context];
  let product = 1;
  for (const part of parts) {
    product *= ngrams.probability(before, part);
    before.push(part);
  }
  return product;
}
