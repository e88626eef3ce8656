/** The chances of the words that could stand at a place, from all experts together; letters typed only narrow them. */
import type { WordChance } from "../../../engine/engine.ts";
import { chanceOf, type Evidence } from "./word-evidence.ts";

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
  /** Whether the likeliest words are judged by what each expert says of them, instead of by their shares alone. */
  readonly judged: boolean;
}

/** Scores a word by the experts other than the model. */
export type Experts = (word: string) => {
  readonly english: number;
  readonly pair: number;
  readonly word: number;
  readonly workspace: number;
  /** The share of the word in what follows the last two words in the document. */
  readonly triple: number;
  /** How many words ago it stood in the document. */
  readonly distance: number;
};

/** A word that could stand at a place, with the part of each expert that is kept. */
interface KnownWord extends LikelyWord {
  /** The chance by the model; 0 if it was not asked. */
  readonly model: number;
  readonly endLogProb: number;
}

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
  private readonly words = new Map<string, KnownWord>();
  private readonly opinions = new Map<string, ReturnType<Experts>>();
  private ranked: readonly KnownWord[] | undefined;
  /** What `best` returned, by the letters typed: it is asked several times for each key. */
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
      const byModel = Math.exp(logProb + END_SHARE * endLogProb);
      const chance = model * byModel + this.byExperts(word);
      this.total += chance;
      this.words.set(word, { word, chance, space: Math.exp(spaceLogProb), model: byModel, endLogProb });
    }
    this.ranked = undefined;
    this.bests.clear();
  }

  /** The part of a word's chance that the experts besides the model give it. */
  private byExperts(word: string): number {
    const { english, pairs, words, workspace } = this.weights;
    const experts = this.opinionOf(word);
    return english * experts.english + pairs * experts.pair + words * experts.word + workspace * experts.workspace;
  }

  private opinionOf(word: string): ReturnType<Experts> {
    const opinion = this.opinions.get(word) ?? this.experts(word);
    this.opinions.set(word, opinion);
    return opinion;
  }

  /**
   * The words that go on from the letters typed by two letters or more, likeliest first, with their chances among all
   * that begin so. The likeliest few may be judged by what each expert says of them.
   */
  best(typed: string): readonly LikelyWord[] {
    const best = this.bests.get(typed) ?? this.ranking(typed);
    this.bests.set(typed, best);
    return best;
  }

  private ranking(typed: string): readonly LikelyWord[] {
    const beginning = this.beginning(typed);
    const { words, total } = beginning;
    if (!this.weights.judged) return scaled(words, total);
    const judged = this.evidence(typed, beginning)
      .map((evidence) => ({ word: evidence.word, space: evidence.space, chance: chanceOf(evidence) }))
      .sort((a, b) => b.chance - a.chance);
    return [...judged, ...scaled(words.slice(JUDGED), total)];
  }

  /** Evidence for each of the likeliest words, in the order of their weighed chances. */
  evidence(typed: string, beginning = this.beginning(typed)): (Evidence & Pick<LikelyWord, "word" | "space">)[] {
    const { words, total, whole, model, english } = beginning;
    const shares = words.map(({ chance }) => chance / total);
    return words.slice(0, JUDGED).map((known, i) => {
      const { pair, triple, distance, ...experts } = this.opinionOf(known.word);
      return {
        ...{ word: known.word, space: known.space, typed: typed.length, rest: known.word.length - typed.length },
        ...{ share: shares[i] ?? 0, other: shares[i === 0 ? 1 : 0] ?? 0, whole: whole / total, total },
        ...{ model: known.model / model, endLogProb: known.endLogProb, english: experts.english / english },
        ...{ frequency: experts.word, pair, triple, distance },
      };
    });
  }

  /** The words that begin as typed and save keys, and the sums over all that begin so. */
  private beginning(typed: string) {
    this.ranked ??= [...this.words.values()].sort((a, b) => b.chance - a.chance);
    const all = typed === "" ? this.ranked : this.ranked.filter(({ word }) => word.startsWith(typed));
    const words = all.filter(({ word }) => word.length - typed.length >= LEAST_SAVED);
    if (typed === "") return { words, total: Math.max(1, this.total), whole: 0, model: 1, english: 1 };
    const whole = all.find(({ word }) => word === typed)?.chance ?? 0;
    const sum = (of: (word: KnownWord) => number) => all.reduce((before, word) => before + of(word), 0);
    return {
      ...{ words, whole },
      total: sum(({ chance }) => chance) - (1 - WHOLE_SHARE) * whole + UNKNOWN * UNKNOWN_LETTER ** typed.length,
      model: sum(({ model }) => model) + LEAST_MODEL,
      english: sum(({ word }) => this.opinionOf(word).english) + LEAST_ENGLISH,
    };
  }
}

/** Letters that a word saves at least. */
const LEAST_SAVED = 2;
/** Words that are judged by what each expert says of them. */
const JUDGED = 6;
/** Added to the sums of the model's and the counts' chances, so that none is 0. */
const LEAST_MODEL = 1e-4;
const LEAST_ENGLISH = 1e-6;
/** How much it counts that a word ends after its tokens: its root. */
const END_SHARE = 0.5;
/** Chance of all words that are not known, before the first letter and for each one. */
const UNKNOWN = 0.1;
const UNKNOWN_LETTER = 0.05;
/** How much the chance counts that the letters typed are the whole word; no key could be saved then. */
const WHOLE_SHARE = 0.5;

function scaled(words: readonly KnownWord[], total: number): LikelyWord[] {
  return words.map(({ word, chance, space }) => ({ word, chance: chance / total, space }));
}
