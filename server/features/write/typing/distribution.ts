/** The chances of the words that could stand at a place, from all experts together; letters typed only narrow them. */
import type { WordChance } from "../../../engine/engine.ts";

/** The experts' shares in a word's chance. */
export interface Weights {
  readonly model: number;
  /** English, by counts of other people's texts. */
  readonly english: number;
  /** The document, by what follows the word before. */
  readonly pairs: number;
  /** The document, by its words. */
  readonly words: number;
  /** The workspace, by what follows the word before. */
  readonly workspace: number;
}

/** Scores a word by the experts other than the model. */
export type Experts = (word: string) => {
  readonly english: number;
  readonly pair: number;
  readonly word: number;
  readonly workspace: number;
};

/** A word that could stand at a place. */
export interface LikelyWord {
  readonly word: string;
  /** The chance that it is meant, given the letters typed. */
  readonly chance: number;
  /** The chance that a space follows it. */
  readonly space: number;
}

/** The words of one place. */
export class WordDistribution {
  private readonly words = new Map<string, LikelyWord>();
  private readonly expertChances = new Map<string, number>();
  private ranked: readonly LikelyWord[] | undefined;
  /** The words that `best` returned, by the letters typed: it is asked several times for each key. */
  private readonly bests = new Map<string, readonly LikelyWord[]>();
  private readonly weights: Weights;
  private readonly experts: Experts;
  private total = 0;

  constructor(weights: Weights, experts: Experts) {
    this.weights = weights;
    this.experts = experts;
  }

  has(word: string): boolean {
    return this.words.has(word);
  }

  /** The chance that the other experts give a word, as the chance by the model that would weigh as much. */
  besides(word: string): number {
    const { model } = this.weights;
    return model === 0 ? 0 : this.byExperts(word) / model;
  }

  /** Adds words by what the model says of them; what it was not asked about has a log probability of -Infinity. */
  add(chances: readonly WordChance[]): void {
    const { model } = this.weights;
    for (const { word, logProb, endLogProb, spaceLogProb } of chances) {
      if (this.words.has(word)) continue;
      const chance = model * Math.exp(logProb + END_SHARE * endLogProb) + this.byExperts(word);
      this.total += chance;
      this.words.set(word, { word, chance, space: Math.exp(spaceLogProb) });
    }
    this.ranked = undefined;
    this.bests.clear();
  }

  /** The part of a word's chance that the experts besides the model give it. */
  private byExperts(word: string): number {
    const known = this.expertChances.get(word);
    if (known !== undefined) return known;
    const { english, pairs, words, workspace } = this.weights;
    const experts = this.experts(word);
    const chance =
      english * experts.english + pairs * experts.pair + words * experts.word + workspace * experts.workspace;
    this.expertChances.set(word, chance);
    return chance;
  }

  /** The words that go on from the letters typed, likeliest first, with their chances among all that begin so. */
  best(typed: string): readonly LikelyWord[] {
    const best = this.bests.get(typed) ?? this.ranking(typed);
    this.bests.set(typed, best);
    return best;
  }

  private ranking(typed: string): readonly LikelyWord[] {
    this.ranked ??= [...this.words.values()].sort((a, b) => b.chance - a.chance);
    if (typed === "") return scaled(this.ranked, Math.max(1, this.total));
    const beginning = this.ranked.filter(({ word }) => word.startsWith(typed));
    const longer = beginning.filter(({ word }) => word.length > typed.length);
    const whole = beginning.find(({ word }) => word === typed)?.chance ?? 0;
    const known = longer.reduce((sum, { chance }) => sum + chance, WHOLE_SHARE * whole);
    return scaled(longer, known + UNKNOWN * UNKNOWN_LETTER ** typed.length);
  }
}

/** How much it counts that a word ends after its tokens: its root. */
const END_SHARE = 0.5;
/** Chance of all words that are not known, before the first letter and for each one. */
const UNKNOWN = 0.1;
const UNKNOWN_LETTER = 0.05;
/** How much the chance counts that the letters typed are the whole word; no key could be saved then. */
const WHOLE_SHARE = 0.5;

function scaled(words: readonly LikelyWord[], whole: number): LikelyWord[] {
  return words.map((word) => ({ ...word, chance: word.chance / whole }));
}
