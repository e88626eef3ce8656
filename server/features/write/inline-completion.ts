/**
 * Suggests how the text at the cursor could go on: the rest of the word under way or the next word, and more words as
 * long as they are likely. Nothing that is typed changes.
 */
import { english, type Translate } from "../../../base/translate.ts";
import type { Settings } from "../../../protocol/settings.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import { languageName } from "../../text/languages.ts";
import type { InlineCompletions } from "./typing/completions.ts";
import { continuations } from "./typing/continuations.ts";
import type { LikelyWord } from "./typing/distribution.ts";
import { earlyWord, likelyWords, type SuggestContext, shownWord, suggestionOf } from "./typing/suggest.ts";
import type { Typing } from "./typing/typing.ts";
import { type WordPlace, wordPlaceAt } from "./typing/word-place.ts";
import type { LearnedFolder } from "./typing/workspace-words.ts";

/** The services that suggestions need. The model is loaded only when there is something to ask it. */
export interface InlineCompletionContext {
  readonly model: () => Promise<LoadedModel>;
  readonly settings: Settings;
  readonly typing: Typing;
  /** The folder of the workspace that the document is in, if its words may be learned. */
  readonly folder?: LearnedFolder | undefined;
  /** Translates reasons; English when absent. */
  readonly t?: Translate;
}

/** Where a suggestion is wanted. */
export interface InlineCompletionParams {
  /** Identifies the document; its words are counted. */
  readonly document: string;
  readonly text: string;
  /** The cursor, in UTF-16 units. */
  readonly offset: number;
  /** Whether the user asked for it: several alternatives then, and in places where typing alone gives none. */
  readonly explicit: boolean;
}

/**
 * Suggestions for the cursor's place. Unless they were asked for, there is one at most, and none, with the reason,
 * where it is not sure enough, saves too little, or the language is unknown to the model.
 * @throws what the model throws
 */
export async function inlineCompletion(
  context: InlineCompletionContext,
  params: InlineCompletionParams,
  signal: AbortSignal,
): Promise<InlineCompletions> {
  const { settings, typing, t = english } = context;
  const { document, text, offset, explicit } = params;
  const none = (reason: string): InlineCompletions => ({ items: [], reason, cancelled: false });
  if (!explicit && !settings["inlineCompletion.enabled"]) return none(t("spanfill.inlineCompletion.enabled is off"));
  const reach = settings.maxContextTokens * CHARACTERS_A_TOKEN;
  const near = text.slice(Math.max(0, offset - reach), offset + reach);
  if (near.trim() === "") return none(t("there is no text around the cursor"));
  if (near.includes("\0")) return none(t("the text is binary"));
  const place = wordPlaceAt(text, offset);
  if (place !== undefined) typing.typedPast.notice(document, text, place);
  if (!explicit && place === undefined) return none(t("the cursor is where no word begins or goes on"));
  const model = await context.model();
  const language = await typing.languageAt(model, document, place ?? { before: text.slice(0, offset), after: "" });
  if (!explicit && language.foreign !== undefined)
    return none(t("the text is {0}, which the model does not know", languageName(language.foreign, t.language)));
  const suggesting: SuggestContext = {
    ...{ model, document, predictor: typing.predictor, typedPast: typing.typedPast },
    english: language.english,
    maxTokens: settings.maxContextTokens,
    ...learnedWords(context),
  };
  if (explicit || place === undefined) return continuations(suggesting, { text, offset, place, settings }, signal, t);
  const least = settings["inlineCompletion.minimumConfidence"];
  const shown = shownWord(suggesting, place);
  const stays = shown !== undefined && shown.chance >= least;
  const best = stays ? shown : await likeliestWord(suggesting, place, { least, patience: typing.patience }, signal);
  if (signal.aborted) return { items: [], cancelled: true };
  if (best === undefined) return none(t("the model had nothing to say"));
  if (best.chance < least) return none(unsure(t, best.chance, least));
  const limits = {
    ...{ least, leastNext: 0, ahead: false },
    mostWords: settings["inlineCompletion.length"] === "word" ? 1 : MOST_WORDS,
  };
  const suggestion = await suggestionOf(suggesting, place, best, limits, signal);
  if (suggestion === undefined) return { items: [], cancelled: true };
  typing.typedPast.shown(document, place, best.word);
  const { next, confidence } = suggestion;
  if (next !== undefined && confidence >= Math.max(least, SURE)) {
    // In idle time: the words after this one are shown with the next letter, or at once when it is accepted.
    suggesting.predictor.words(suggesting, next, signal).catch(() => undefined);
  }
  return { items: [{ text: suggestion.text, confidence, typed: place.typed.length }], cancelled: false };
}

/**
 * Suggestions for a place in a comment's prose (programs/comments.ts): none goes beyond its line, since the next one
 * would have to begin as a comment does.
 * @throws what the model throws
 */
export async function completeComment(
  context: InlineCompletionContext,
  params: InlineCompletionParams,
  signal: AbortSignal,
): Promise<InlineCompletions> {
  const { t = english } = context;
  if (!params.explicit && !context.settings["inlineCompletion.comments"])
    return { items: [], reason: t("spanfill.inlineCompletion.comments is off"), cancelled: false };
  const completions = await inlineCompletion(context, params, signal);
  const items = completions.items
    .map((item) => ({ ...item, text: item.text.split(/\r?\n/, 1)[0] ?? "" }))
    .filter(({ text }) => text.trim() !== "");
  if (items.length > 0 || completions.reason !== undefined || completions.cancelled) return { ...completions, items };
  return { ...completions, items, reason: t("the model had nothing to say on this line") };
}

/** The words besides English ones, as far as the setting allows. */
function learnedWords({ settings, typing, folder }: InlineCompletionContext) {
  const countsDocument = settings["inlineCompletion.learnFrom"] !== "off";
  return { countsDocument, workspace: folder === undefined ? undefined : typing.workspace.of(folder) };
}

/** The likeliest word at a place; while the model's answer is late, the one that the other experts are sure of. */
async function likeliestWord(
  context: SuggestContext,
  place: WordPlace,
  { least, patience }: { readonly least: number } & Pick<Typing, "patience">,
  signal: AbortSignal,
): Promise<LikelyWord | undefined> {
  const answered = new AbortController();
  const answer = likelyWords(context, place, signal)
    .then((words) => words?.[0])
    .finally(() => answered.abort());
  const early = patience(answered.signal)
    .then(() => earlyWord(context, place))
    .then(
      (word) => (word !== undefined && word.chance >= Math.max(least, SURE_ALONE) ? word : answer),
      () => answer, // it was in time
    );
  return Promise.race([answer, early]);
}

/** More than tokens are long, on average. */
const CHARACTERS_A_TOKEN = 10;
/** Words of a suggestion that was not asked for, at most. */
const MOST_WORDS = 5;
/** The chance from which a word is shown before the model has answered, which may find another one likelier. */
const SURE_ALONE = 0.6;
/** The chance of a word from which it is worth knowing what follows. */
const SURE = 0.5;

function unsure(t: Translate, chance: number, least: number): string {
  return t(
    "the model's best suggestion has confidence {0}, below {1} (spanfill.inlineCompletion.minimumConfidence)",
    chance.toFixed(3),
    least,
  );
}
