/** The expert on English: which words follow which, by counts of other people's texts. */
import type { NgramModel } from "../../../../models/words/ngram.ts";
import { lastWords, ngramWords } from "../../../../models/words/ngram-words.ts";
import { englishNgrams } from "../../../catalog/ngrams.ts";

/** Predicts words from those before them. */
export interface WordModel {
  /** The last words of a text, as the other methods take them. */
  context(before: string): readonly string[];
  /** The chances of words after a context, above 0 and at most 1. */
  after(context: readonly string[]): (word: string) => number;
  /** The likeliest words that begin with `prefix`, best first. */
  candidates(context: readonly string[], prefix: string, count: number): readonly { readonly word: string }[];
}

/** The expert; undefined if its counts are not installed. @throws ModelError "input" for damaged counts */
export async function englishWords(): Promise<WordModel | undefined> {
  const ngrams = await englishNgrams();
  if (ngrams === undefined) return undefined;
  return {
    context: lastWords,
    after: (context) => chancesAfter(ngrams, context),
    candidates: ngrams.candidates,
  };
}

/** The chances of words, which the counts may have as several: `cert-manager` is three. */
function chancesAfter(ngrams: NgramModel, context: readonly string[]): (word: string) => number {
  const chanceOfFirst = ngrams.after(context);
  return (word) => {
    const [first = "", ...rest] = ngramWords(word);
    const before = [...context, first];
    let product = chanceOfFirst(first);
    for (const part of rest) {
      product *= ngrams.probability(before, part);
      before.push(part);
    }
    return product;
  };
}
