/** Makes a suggestion of the words at a place: as far as it is likely right, and worth its being read. */
import type { LikelyWord } from "./distribution.ts";
import type { PredictorContext } from "./model-expert.ts";
import type { Predictor } from "./predictor.ts";
import type { TypedPast } from "./typed-past.ts";
import { isUnwanted } from "./unwanted-words.ts";
import type { WordPlace } from "./word-place.ts";

/** The services that suggestions need. */
export interface SuggestContext extends PredictorContext {
  readonly predictor: Predictor;
  readonly typedPast: TypedPast;
}

/** When a suggestion is shown, and how far it goes. */
export interface SuggestLimits {
  /** The least chance of all its words together. */
  readonly least: number;
  /** The least chance of each word after the first. */
  readonly leastNext: number;
  readonly mostWords: number;
  /** Whether to compute the words after the first one; otherwise they are added only where they are known. */
  readonly ahead: boolean;
}

/** A suggestion. */
export interface Suggestion {
  /** The text after the cursor: the rest of the word, and what follows it. */
  readonly text: string;
  /** The chance that the first word is right. */
  readonly confidence: number;
  /** The place after the text, if it is likely that a word follows. */
  readonly next?: WordPlace;
}

/** The words that may be suggested at a place, likeliest first; undefined when the signal aborts. */
export async function likelyWords(
  context: SuggestContext,
  place: WordPlace,
  signal: AbortSignal,
): Promise<LikelyWord[] | undefined> {
  const distribution = await context.predictor.words(context, place, signal);
  return distribution?.best(place.typed).filter(wantedAt(context, place));
}

/** The likeliest word by the experts that need no time, for places where the model is late. */
export async function earlyWord(context: SuggestContext, place: WordPlace): Promise<LikelyWord | undefined> {
  const distribution = await context.predictor.withoutModel(context, place);
  return distribution?.best(place.typed).find(wantedAt(context, place));
}

/** The word that is shown at a place already, if the letters typed since leave it the likeliest. */
export function shownWord(context: SuggestContext, place: WordPlace): LikelyWord | undefined {
  const { document, typedPast } = context;
  const best = context.predictor.known(context, place)?.best(place.typed).find(wantedAt(context, place));
  return best !== undefined && typedPast.isShown(document, place, best.word) ? best : undefined;
}

/**
 * A word at a place and the words after it, as long as all together are likely enough.
 * @returns undefined when the signal aborts
 */
export async function suggestionOf(
  context: SuggestContext,
  place: WordPlace,
  { word, chance, space }: LikelyWord,
  limits: SuggestLimits,
  signal: AbortSignal,
): Promise<Suggestion | undefined> {
  const spaced = space >= 0.5 && !/^[^\S\r\n]/.test(place.after);
  const text = word.slice(place.typed.length) + (spaced ? " " : "");
  if (!spaced) return { text, confidence: chance };
  const next = { ...place, before: `${place.before}${word} `, typed: "" };
  if (limits.mostWords < 2) return { text, confidence: chance, next };
  const distribution = limits.ahead
    ? await context.predictor.words(context, next, signal)
    : context.predictor.known(context, next);
  if (signal.aborted) return undefined;
  const following = distribution?.best("").find(wantedAt(context, next));
  const enough = Math.max(limits.leastNext, limits.least / chance);
  if (following === undefined || following.chance < enough) return { text, confidence: chance, next };
  const rest = await suggestionOf(
    context,
    next,
    following,
    { ...limits, least: limits.least / chance, mostWords: limits.mostWords - 1 },
    signal,
  );
  return rest && { ...rest, text: text + rest.text, confidence: chance };
}

/** Whether words are worth suggesting: they save keys, and repeat neither their neighbors nor what was typed past. */
function wantedAt({ typedPast, document }: SuggestContext, place: WordPlace): (word: LikelyWord) => boolean {
  const { before, typed, after } = place;
  const [previous] = /(?<![\p{L}\p{M}\p{N}_'’-])[\p{L}\p{M}\p{N}_'’-]+$/u.exec(before.slice(-100).trimEnd()) ?? [];
  const [following] = /^[\p{L}\p{M}\p{N}_'’-]+/u.exec(after.slice(0, 100).trimStart()) ?? [];
  return ({ word }) =>
    word.length - typed.length >= LEAST_SAVED &&
    word !== previous &&
    word !== following &&
    !isUnwanted(word) &&
    !typedPast.has(document, place, word);
}

/** Keys that a suggestion saves at least. */
const LEAST_SAVED = 2;
