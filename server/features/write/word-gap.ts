/**
 * How a gap for one English word is filled: what stands between such neighbours is proposed too, and all are weighed
 * together.
 */
import { fillLength } from "../../../models/tokenizer/spans.ts";
import { englishNgrams } from "../../catalog/ngrams.ts";
import type { FilledSpan, FillRequest, LoadedModel } from "../../engine/engine.ts";
import { type GappedDocument, windowOf } from "./infill-window.ts";

/** What is asked of the model for one word, and how its answers are ordered. */
export interface WordGap {
  readonly request: Partial<FillRequest>;
  /** The log probability of a fill under the model, its end included, and, weighed, under the n-grams. */
  rank(span: FilledSpan): number;
}

/**
 * Undefined where the gap is for something else, or within a word, or the model does without n-grams. A gap of any
 * length is for one word when the model has put one there.
 * @param weight of the n-grams; 0 leaves the model alone
 * @throws ModelError "input" when the table of n-grams is damaged
 */
export async function wordGap(
  { info }: Pick<LoadedModel, "info">,
  document: GappedDocument,
  gap: number,
  weight = 0,
  beams = 1,
): Promise<WordGap | undefined> {
  const { words } = fillLength(document.hints[gap]);
  const one = words === 1 || (words === undefined && /^\s*[\p{L}’'-]+\s*$/u.test(document.fills[gap] ?? ""));
  if (weight === 0 || !one || !info.languages.includes("en")) return undefined;
  const {
    texts: [before = "", after = ""],
  } = windowOf(document, gap, gap + 1, NGRAM_WINDOW_TOKENS);
  if (/[\p{L}\p{N}]$/u.test(before) || /^[\p{L}\p{N}]/u.test(after)) return undefined;
  const ngrams = await englishNgrams();
  if (ngrams === undefined) return undefined;
  const proposals = ngrams.predict(before, after, PROPOSALS);
  return {
    request: { numBeams: beams, numReturnSequences: beams, lengthPenalty: 0, proposals },
    rank: ({ text, logProbs, endLogProb }) =>
      logProbs.reduce((total, logProb) => total + logProb, endLogProb) +
      weight * ngrams.logProbability(before, text, after),
  };
}

/** Words that the n-grams propose. */
const PROPOSALS = 20;
/** The n-grams look at three words on each side. */
const NGRAM_WINDOW_TOKENS = 60;
