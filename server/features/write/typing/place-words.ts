/** The words in question at a place: what each expert besides the model proposes, and how they are weighed. */
import { type Weights, WordDistribution } from "./distribution.ts";
import { type DocumentWords, documentTokens } from "./document-words.ts";
import type { WordModel } from "./english-words.ts";
import type { WordsInQuestion } from "./model-expert.ts";

/** The words of one place. */
export interface PlaceWords {
  readonly distribution: WordDistribution;
  /** The words to ask the model about: those that may begin there, and those that begin with the letters typed. */
  inQuestion(typed: string): WordsInQuestion;
  /** Adds the words that letters typed bring; the model is not asked about them. */
  narrow(typed: string): void;
}

/** The sources of proposed words. */
export interface WordSources {
  readonly own: DocumentWords;
  readonly workspace: DocumentWords | undefined;
  readonly english: WordModel | undefined;
}

/** The words in question at a place; none besides the model's own where English is undefined. */
export function placeWords({ own, workspace, english }: WordSources, before: string, weights: Weights): PlaceWords {
  const context = english?.context(before) ?? [];
  const chanceOf = english?.after(context) ?? (() => 0);
  const previous = documentTokens(before.slice(-200).split("\n").at(-1) ?? "").at(-1) ?? "";
  const shares = workspace === undefined ? weights : withWorkspace(weights);
  const distribution = new WordDistribution(english === undefined ? MODEL_ALONE : shares, (word) => ({
    english: chanceOf(word),
    pair: own.ofPair(previous, word),
    word: own.ofWord(word),
    workspace: workspace?.ofPair(previous, word) ?? 0,
  }));
  const narrowed = new Set<string>();
  const unknown = (words: Iterable<string>) =>
    [...new Set(words)].filter((word) => /^\p{L}/u.test(word) && word.length > 1 && !distribution.has(word));
  const beginning = (typed: string): string[] => {
    if (english === undefined || typed === "") return [];
    const count = BY_LETTERS[typed.length] ?? BY_LETTERS.at(-1) ?? 0;
    return [
      ...english.candidates(context, typed, count).map(({ word }) => word),
      ...own.beginning(typed, count),
      ...(workspace?.beginning(typed, count) ?? []),
    ];
  };
  return {
    distribution,
    inQuestion(typed) {
      if (english === undefined) return { words: [], besides: [] };
      const words = unknown([
        ...english.candidates(context, "", BY_ENGLISH).map(({ word }) => word),
        ...own.after(previous),
        ...own.frequent(BY_DOCUMENT),
        ...(workspace?.likelyAfter(previous, BY_WORKSPACE) ?? []),
        ...beginning(typed),
      ]);
      return { words, besides: words.map((word) => distribution.besides(word)) };
    },
    narrow(typed) {
      if (narrowed.has(typed)) return;
      narrowed.add(typed);
      distribution.add(unknown(beginning(typed)).map((word) => ({ word, ...NOT_ASKED })));
    },
  };
}

/** Words that each expert proposes: English, the document. */
const BY_ENGLISH = 60;
const BY_DOCUMENT = 250;
const BY_WORKSPACE = 30;
/** Words that each expert proposes when letters are typed, by the number of letters. */
const BY_LETTERS = [0, 60, 20, 12];
/** A word that the model was not asked about. */
export const NOT_ASKED = { logProb: Number.NEGATIVE_INFINITY, endLogProb: 0, spaceLogProb: Math.log(0.75) };

/** The shares of the experts together. */
export const TOGETHER: Weights = { model: 0.5, english: 0.375, pairs: 0.075, words: 0.05, workspace: 0 };
const MODEL_ALONE: Weights = { model: 1, english: 0, pairs: 0, words: 0, workspace: 0 };
/** The shares while the model has not answered. */
export const WITHOUT_MODEL: Weights = { model: 0, english: 0.75, pairs: 0.15, words: 0.1, workspace: 0 };

/** The shares with the workspace's words, which take theirs from English. */
function withWorkspace(weights: Weights): Weights {
  const workspace = OF_WORKSPACE * weights.english;
  return { ...weights, english: weights.english - workspace, workspace };
}

const OF_WORKSPACE = 0.4;
