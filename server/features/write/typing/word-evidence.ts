/** The chance that a word is meant, from what each expert says of it and of the words beside it. */

/** Signs for and against a word; shares are of all words that begin with the letters typed. */
export interface Evidence {
  /** Letters typed, and letters that are left. */
  readonly typed: number;
  readonly rest: number;
  /** Its share by all experts weighed, that of the likeliest other word, and that of the letters typed as a word. */
  readonly share: number;
  readonly other: number;
  readonly whole: number;
  /** How likely all words that begin as typed are together. */
  readonly total: number;
  /** Its share by the model; 0 if it was not asked. */
  readonly model: number;
  /** Log probability, by the model, that the word ends after its tokens. */
  readonly endLogProb: number;
  /** Its share by counts of English. */
  readonly english: number;
  /** The document: by its words, by what follows the last one and the last two, and how many words ago it stood. */
  readonly frequency: number;
  readonly pair: number;
  readonly triple: number;
  readonly distance: number;
}

/** The chance that the word is meant. */
export function chanceOf(evidence: Evidence): number {
  const weights = WEIGHTS[Math.min(evidence.typed, WEIGHTS.length - 1)] ?? [];
  const sum = signsOf(evidence).reduce((before, sign, i) => before + sign * (weights[i] ?? 0), 0);
  return 1 / (1 + Math.exp(-sum));
}

/** The evidence as numbers to be weighed; the last one is always 1. */
export function signsOf(evidence: Evidence): readonly number[] {
  const { share, model, endLogProb } = evidence;
  const asked = model > 0 ? 1 : 0;
  const log = (chance: number, least = 0.01) => Math.log(chance + least);
  return [
    Math.log((share + 0.01) / (1.01 - Math.min(share, 1))),
    log(evidence.other),
    log(evidence.whole),
    log(evidence.total, 0.001),
    asked * log(model),
    asked * endLogProb,
    asked,
    log(evidence.english),
    log(evidence.frequency, 0.0001),
    log(evidence.pair),
    evidence.triple,
    Math.log(1 + Math.min(evidence.distance, MOST_DISTANCE)),
    Math.min(evidence.rest, MOST_REST),
    1,
  ];
}

/** Words ago from which on a word counts as not having stood there of late. */
export const MOST_DISTANCE = 300;
const MOST_REST = 10;

/**
 * The weights of the signs where no letter is typed, one, and more: logistic regressions, fitted by
 * `npm run bench -- typing-weights` to documents that neither training nor any measurement uses.
 */
const WEIGHTS: readonly (readonly number[])[] = [
  [1.191, -0.232, 0.018, 0.044, -0.188, 0.533, 0.028, 0.035, 0.021, 0.055, 2.42, -0.032, 0.045, -0.004],
  [0.923, 0.004, -0.049, -0.259, 0.128, 0.203, 0.243, 0.14, 0.062, 0.026, 3.296, -0.121, 0.055, 0.011],
  [0.57, -0.024, -0.063, -0.181, 0.144, 0.866, 0.752, 0.478, 0.062, 0.11, 3.393, -0.177, 0.006, 0.727],
];
