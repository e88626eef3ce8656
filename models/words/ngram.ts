/**
 * An n-gram language model over words: which word comes next, and which one fits between others, by how often such
 * runs stood in the text it was counted in.
 */
import { createSuccessors } from "./ngram-successors.ts";
import type { NgramTable } from "./ngram-table.ts";
import { firstWords, lastWords, ngramWords } from "./ngram-words.ts";

/** A word and its chance. */
export interface WordChance {
  readonly word: string;
  readonly probability: number;
}

/** Predicts words of English prose; words are as ngramWords gives them. */
export interface NgramModel {
  /** The chance of a word after the words before it, above 0 and at most 1; of those before, the last three count. */
  probability(context: readonly string[], word: string): number;
  /** The chances of many words after the same words, as `probability` gives each. */
  after(context: readonly string[]): (word: string) => number;
  /**
   * The likeliest next words of letters only, best first.
   * @param prefix what they begin with, as typed; may be empty. Words seen nowhere after the context follow by how
   *   frequent they are, and capitalized ones where the prefix is
   * @param count how many are wanted; fewer are returned only where the model knows no more
   */
  candidates(context: readonly string[], prefix: string, count: number): readonly WordChance[];
  /**
   * The likeliest words after `before`, best first.
   * @param after the text behind the gap if it may be used: candidates are then weighed by how well its first words
   *   follow them
   */
  predict(before: string, after: string | undefined, count: number): string[];
  /** Natural log probability of a fill's words and of the first words of `after`, each given the words before it. */
  logProbability(before: string, fill: string, after: string): number;
}

/**
 * The model of some counts: absolute discounting, each order interpolated with the next shorter one.
 * @see Ney, Essen, Kneser, "On structuring probabilistic dependences in stochastic language modelling" (1994)
 */
export function createNgramModel(table: NgramTable): NgramModel {
  const successors = createSuccessors(table);
  const { wordOf, indexOf } = successors;
  const logOfAll = (context: readonly number[], words: readonly number[], logBefore = 0): number => {
    let logs = logBefore;
    const all = [...context];
    for (const word of words) {
      logs += Math.log(successors.after(all)(word));
      all.push(word);
    }
    return logs;
  };
  /** All words weighed between a context and what follows, best first. */
  const ranked = (context: readonly number[], following: readonly number[]): number[] => {
    const first = successors.after(context);
    return successors
      .between(context, following[0], WEIGHED)
      .map((index) => ({ index, log: logOfAll([...context, index], following, Math.log(first(index))) }))
      .sort((a, b) => b.log - a.log)
      .map(({ index }) => index);
  };
  /** The latest places that were asked about: a gap is drafted before it is weighed. */
  const latest = new Map<string, readonly number[]>();
  const after: NgramModel["after"] = (context) => {
    const chance = successors.after(context.slice(-MOST_CONTEXT).map(indexOf));
    return (word) => chance(indexOf(word));
  };
  return {
    probability: (context, word) => after(context)(word),
    after,
    candidates(context, prefix, count) {
      const indices = context.slice(-MOST_CONTEXT).map(indexOf);
      const best = successors.best(indices, prefix, count);
      const found = best.map(({ index, probability }) => ({ word: wordOf(index), probability }));
      const small = lowerFirst(prefix);
      if (found.length >= count || small === prefix) return found;
      const known = new Set(found.map(({ word }) => word));
      const capitalized = successors
        .best(indices, small, count)
        .map(({ index, probability }) => ({ word: upperFirst(wordOf(index)), probability: CAPITALIZED * probability }))
        .filter(({ word }) => !known.has(word));
      return [...found, ...capitalized].sort((a, b) => b.probability - a.probability).slice(0, count);
    },
    predict(before, after, count) {
      const context = lastWords(before).map(indexOf);
      if (after === undefined) return successors.best(context, "", count).map(({ index }) => wordOf(index));
      const following = firstWords(after).map(indexOf);
      const key = `${context} ${following}`;
      const words = latest.get(key) ?? ranked(context, following);
      latest.delete(key);
      latest.set(key, words);
      for (const oldest of latest.keys()) if (latest.size > LATEST) latest.delete(oldest);
      return words.slice(0, count).map(wordOf);
    },
    logProbability: (before, fill, after) =>
      logOfAll(lastWords(before).map(indexOf), [...ngramWords(fill), ...firstWords(after)].map(indexOf)),
  };
}

/** Words before another that a table can know. */
const MOST_CONTEXT = 3;
/** Words between two others that are weighed with all that is known of both sides, after a first choice by pairs. */
const WEIGHED = 200;
/** Places whose words are kept. */
const LATEST = 64;
/** How much less likely a word is with a capital letter that it was never seen with. */
const CAPITALIZED = 0.1;

function lowerFirst(prefix: string): string {
  return /^\p{Lu}[^\p{Lu}]*$/u.test(prefix) ? prefix.charAt(0).toLowerCase() + prefix.slice(1) : prefix;
}

function upperFirst(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
