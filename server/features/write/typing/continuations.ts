/** Suggestions on request: several different continuations, each cut where it turns to noise. */
import type { Translate } from "../../../../base/translate.ts";
import type { LengthHint } from "../../../../models/tokenizer/spans.ts";
import type { Settings } from "../../../../protocol/settings.ts";
import type { LoadedModel } from "../../../engine/engine.ts";
import { infill } from "../infill.ts";
import type { FillCandidate } from "../infill-candidates.ts";
import type { InlineCompletions, InlineSuggestion } from "./completions.ts";
import type { LikelyWord } from "./distribution.ts";
import { likelyWords, type SuggestContext, suggestionOf } from "./suggest.ts";
import type { WordPlace } from "./word-place.ts";

/** Where continuations are wanted. */
export interface ContinuationParams {
  readonly text: string;
  readonly offset: number;
  /** The word at the offset; undefined where none can be. */
  readonly place: WordPlace | undefined;
  readonly settings: Settings;
}

/**
 * As many continuations as the settings ask for, with different first words, the likeliest first; then, as far as
 * there is room, what the model writes into a gap there.
 * @throws what the model throws
 */
export async function continuations(
  context: SuggestContext,
  params: ContinuationParams,
  signal: AbortSignal,
  t: Translate,
): Promise<InlineCompletions> {
  const count = params.settings["inlineCompletion.alternatives"];
  const written = await writtenByModel(context.model, params, signal);
  if (written === undefined) return { items: [], cancelled: true };
  const [longest] = written;
  const byWords = params.place === undefined ? [] : await wordByWord(context, params.place, params.settings, signal);
  if (byWords === undefined || signal.aborted) return { items: [], cancelled: true };
  const room = longest === undefined ? count : count - 1;
  const items = different([
    ...byWords.slice(0, room),
    ...(longest === undefined ? [] : [longest]),
    ...byWords.slice(room),
    ...written.slice(1),
  ]).slice(0, count);
  return items.length > 0
    ? { items: items.sort((a, b) => b.confidence - a.confidence), cancelled: false }
    : { items, reason: t("the model had nothing to say"), cancelled: false };
}

/** Gaps of these lengths are filled; only a paragraph goes beyond its line. */
const LENGTHS: Readonly<Record<Settings["inlineCompletion.length"], LengthHint>> = {
  word: "word",
  sentence: "sentence",
  line: 20,
  paragraph: "paragraph",
};
/** Words of a continuation that is made word by word, at most: of the likeliest, of the others. */
const MOST_WORDS = 8;
const MOST_OTHER_WORDS = 3;
/** A word less likely than this is noise. */
const LEAST_WORD = 0.02;
const LEAST_NEXT = 0.15;
/** Natural log probability of a word that the model wrote; a continuation ends before a less likely one. */
const NOISE = -4;

/** Continuations of the word under way, and of the text after it if that may be a whole word. */
async function wordByWord(
  context: SuggestContext,
  place: WordPlace,
  settings: Settings,
  signal: AbortSignal,
): Promise<InlineSuggestion[] | undefined> {
  const count = settings["inlineCompletion.alternatives"];
  const items: InlineSuggestion[] = [];
  for (const [lead, at] of placesOf(place)) {
    const words = (await likelyWords(context, at, signal)) ?? [];
    for (const [i, word] of words
      .filter(({ chance }) => chance >= LEAST_WORD)
      .slice(0, count)
      .entries()) {
      const most = i === 0 ? MOST_WORDS : MOST_OTHER_WORDS;
      const mostWords = settings["inlineCompletion.length"] === "word" ? 1 : most;
      const item = await itemOf(context, at, word, mostWords, signal);
      if (item === undefined) return undefined;
      items.push({ ...item, text: lead + item.text, typed: lead === "" ? place.typed.length : 0 });
    }
  }
  return items.sort((a, b) => b.confidence - a.confidence);
}

/** The word's own place, and the one after it, with what leads there. */
function placesOf(place: WordPlace): [string, WordPlace][] {
  const { before, typed, after } = place;
  if (typed === "") return [["", place]];
  return [
    ["", place],
    [" ", { before: `${before}${typed} `, typed: "", after }],
  ];
}

async function itemOf(
  context: SuggestContext,
  place: WordPlace,
  word: LikelyWord,
  mostWords: number,
  signal: AbortSignal,
) {
  const limits = { least: 0, leastNext: LEAST_NEXT, mostWords, ahead: true };
  return suggestionOf(context, place, word, limits, signal);
}

/** The model's texts for a gap at the offset, the likeliest first; undefined when canceled. */
async function writtenByModel(
  model: LoadedModel,
  { text, offset, settings }: ContinuationParams,
  signal: AbortSignal,
): Promise<InlineSuggestion[] | undefined> {
  const { fills, cancelled } = await infill(
    { model },
    {
      text,
      gaps: [{ start: offset, end: offset, length: LENGTHS[settings["inlineCompletion.length"]] }],
      alternatives: settings["inlineCompletion.alternatives"],
      maxContextTokens: settings.maxContextTokens,
    },
    { signal },
  );
  if (cancelled) return undefined;
  const following = text.slice(offset).trimStart();
  const cut = await Promise.all((fills[0]?.alternatives ?? []).map((fill) => beforeNoise(model, fill)));
  return cut
    .filter(({ text: written }) => written.trim() !== "" && !following.startsWith(written.trim()))
    .map(({ text: written, confidence }) => ({ text: written, confidence, typed: 0 }));
}

/** A fill up to the first word after its first one that the model itself finds unlikely. */
async function beforeNoise(model: LoadedModel, fill: FillCandidate): Promise<FillCandidate> {
  const words = fill.text.split(/(?<=\S)(?=\s)/);
  const tokens = await model.encodeAll(words);
  let at = 0;
  const likelihoods = tokens.map(({ length }) => {
    const own = fill.logProbs.slice(at, at + length);
    at += length;
    return own.reduce((sum, logProb) => sum + logProb, 0);
  });
  // Tokens of words do not always add up to those of the text.
  if (at !== fill.logProbs.length) return fill;
  const noise = likelihoods.findIndex((logProb, i) => i > 0 && logProb < NOISE);
  return noise < 0 ? fill : { ...fill, text: words.slice(0, noise).join("") };
}

/** The suggestions without those that another one begins with, or repeats. */
function different(items: readonly InlineSuggestion[]): InlineSuggestion[] {
  const kept: InlineSuggestion[] = [];
  for (const item of items) {
    const same = kept.findIndex(({ text }) => text.trim().startsWith(item.text.trim()));
    if (same >= 0) continue;
    const shorter = kept.findIndex(({ text }) => item.text.trim().startsWith(text.trim()));
    if (shorter >= 0) kept[shorter] = item;
    else kept.push(item);
  }
  return kept;
}
