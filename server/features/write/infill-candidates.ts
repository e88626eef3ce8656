/** Candidates for the gaps of a text: what the model put there, in the order in which it is offered. */
import { fitFill, type Gap } from "../../../models/tokenizer/spans.ts";
import type { CalibratedKind } from "../../catalog/folder/int8/calibration.ts";
import type { FilledSpan, LoadedModel } from "../../engine/engine.ts";
import { confidenceOf, fillKind, isCalibrated } from "../confidence.ts";
import { fitPlace } from "./fit-place.ts";
import type { PlacedGap } from "./gaps.ts";
import type { GappedDocument } from "./infill-window.ts";
import { repeatsNeighbors } from "./repeats.ts";

/** A fill that could stand in a gap. */
export interface FillCandidate {
  /** As it stands in the text, with the space that joins it where there was none. */
  readonly text: string;
  /** Mean of its log probabilities; -100 where there are none. */
  readonly score: number;
  /** e^score, 0 to 1. */
  readonly probability: number;
  /** The chance that it is right, 0 to 1, if the result is `calibrated`; else the same as `probability`. */
  readonly confidence: number;
  /**
   * Natural log probability of each of its tokens; of a word that was weighed against others, one: that of the word
   * among them.
   */
  readonly logProbs: readonly number[];
}

/** The fill that a gap received. */
export interface Fill extends FillCandidate {
  /** The gap's place among the gaps, from 0. */
  readonly gap: number;
  /** Where the gap starts in the original text, in UTF-16 units. */
  readonly offset: number;
  /** Up to `alternatives` different fills, the one in the text first; fewer when the model has no more to say. */
  readonly alternatives: readonly FillCandidate[];
}

/** A candidate and what it is ordered by, best first the greatest. */
export interface Ranked extends FillCandidate {
  readonly rank: number;
  /** Its log probability under the model, its end included. */
  readonly total: number;
}

/** The gaps of a text, what is known of them, and what could stand in them. */
export interface GapCandidates {
  readonly model: LoadedModel;
  readonly gaps: readonly PlacedGap[];
  readonly document: GappedDocument;
  readonly candidates: Ranked[][];
  readonly alternatives: number;
  readonly newline: string;
  readonly cancelled: boolean;
}

/** Keeps what the model put into a gap; the first that fits stands in the text. */
export function keep(
  { model, gaps, document, candidates, newline, cancelled }: GapCandidates,
  gap: number,
  span: FilledSpan,
  rank?: number,
): void {
  if (cancelled && !span.closed) return;
  const { texts, hints, fills } = document;
  const before = texts[gap] || (fills[gap - 1] ?? "");
  const fitted = fitFill(span.text, before.slice(-8), texts[gap + 1] ?? "", {
    spellsLayout: model.info.spellsLayout,
    hint: hints[gap],
  });
  // Where other gaps stand in the text, a model may copy one.
  if (/^\s*(?:_+\s*)?$/u.test(fitted)) return;
  const placed = fitPlace(fitted, gaps[gap] ?? { start: 0, end: 0 }, { before, after: texts[gap + 1] ?? "" });
  if (placed.trim() === "") return;
  const text = placed.replaceAll("\n", newline);
  const { logProbs } = span;
  const score = mean(logProbs);
  const kind = fillKind(hints[gap], text);
  const confidence = chanceOf(model.info, kind, text, logProbs);
  const known = candidates[gap]?.findIndex((other) => other.text === text) ?? -1;
  const total = logProbs.reduce((sum, logProb) => sum + logProb, span.endLogProb);
  const candidate = { text, score, probability: Math.exp(score), confidence, logProbs, rank: rank ?? score, total };
  if (known < 0) candidates[gap]?.push(candidate);
  else if (candidate.rank > (candidates[gap]?.[known]?.rank ?? 0)) candidates[gap]?.splice(known, 1, candidate);
  fills[gap] ??= text;
}

/**
 * Orders the candidates that were weighed by their chance, those last that repeat what stands beside them; the best
 * one stands in the gap. The chance of a word is that among the words, times that of a single word.
 * @param byNgrams whether n-grams helped to rank them, for which the chances of words were measured
 */
export function choose({ model, candidates, document }: GapCandidates, gap: number, byNgrams: boolean): void {
  const { texts, hints, fills } = document;
  const weighed = candidates[gap] ?? [];
  if (weighed.length === 0) return;
  const isWord = ({ text }: Ranked) => byNgrams && ONE_WORD.test(text);
  const words = weighed.filter(isWord);
  const wordShare = Math.exp(logSum(words.map(({ total }) => total)) - logSum(weighed.map(({ total }) => total)));
  const ranks = logSum(words.map(({ rank }) => rank));
  const known = weighed.map((candidate) => {
    if (!isWord(candidate)) return candidate;
    const score = Math.max(LEAST_SCORE, candidate.rank - ranks);
    const confidence = wordShare * chanceOf(model.info, "word", candidate.text, [score]);
    return { ...candidate, score, probability: Math.exp(score), confidence, logProbs: [score] };
  });
  const before = `${texts[gap - 1] ?? ""}${fills[gap - 1] ?? ""}${texts[gap] ?? ""}`;
  const after = `${texts[gap + 1] ?? ""}${fills[gap + 1] ?? ""}${texts[gap + 2] ?? ""}`;
  const fresh = known.filter(({ text }) => !repeatsNeighbors(before, text, after));
  const wanted = fresh.filter(({ text }) => words.length === 0 || hints[gap] !== "phrase" || !ONE_WORD.test(text));
  const listed = wanted.length > 0 ? wanted : fresh;
  const chosen = listed.length > 0 ? listed : known.map((candidate) => ({ ...candidate, confidence: 0 }));
  // Without a calibration the confidence is a mean over tokens, which would prefer long fills.
  const byChance = isCalibrated(model.info, "fill");
  const sorted = chosen.toSorted((a, b) => (byChance ? b.confidence - a.confidence : 0) || b.rank - a.rank);
  candidates[gap] = sorted.map((candidate, i) => ({ ...candidate, rank: -i }));
  fills[gap] = sorted[0]?.text ?? "";
}

/** The fill of a gap; none if the run did not reach it. */
export function fillOf({ document, candidates, alternatives }: GapCandidates, { start }: Gap, gap: number): Fill[] {
  const text = document.fills[gap];
  if (text === undefined) return [];
  const ranked =
    candidates[gap]?.toSorted((a, b) => b.rank - a.rank).map(({ rank, total, ...candidate }) => candidate) ?? [];
  const candidate = ranked.find((one) => one.text === text) ?? {
    text,
    score: LEAST_SCORE,
    probability: 0,
    confidence: 0,
    logProbs: [],
  };
  const others = ranked.filter((other) => other.text !== text);
  const all = others.length === ranked.length ? others : [candidate, ...others];
  return [{ gap, offset: start, ...candidate, alternatives: all.slice(0, alternatives) }];
}

/** The chance that a fill is right; 0 for a lone consonant under a calibrated model. */
function chanceOf(info: LoadedModel["info"], kind: CalibratedKind, text: string, logProbs: readonly number[]): number {
  return isCalibrated(info, kind) && LONE_CONSONANT.test(text) ? 0 : confidenceOf(info, kind, logProbs);
}

const LEAST_SCORE = -100;
/** A consonant of an abbreviation or a variable, which is a word in no sentence ("y" is one in Spanish). */
const LONE_CONSONANT = /^\s*[b-df-hj-np-tvwxz][^\p{L}\p{N}]*$/u;
const ONE_WORD = /^\s*[\p{L}’'-]+\s*$/u;

function logSum(logs: readonly number[]): number {
  const most = Math.max(...logs);
  return Number.isFinite(most) ? most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0)) : most;
}

function mean(numbers: readonly number[]): number {
  if (numbers.length === 0) return LEAST_SCORE;
  return Math.max(LEAST_SCORE, numbers.reduce((total, number) => total + number, 0) / numbers.length);
}
