/**
 * Suggests what could stand at the cursor: the model reads the text before and after it, and nothing that is typed
 * changes.
 */
import { english, type Translate } from "../../../base/translate.ts";
import type { LengthHint } from "../../../models/tokenizer/spans.ts";
import type { Settings } from "../../../protocol/settings.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import { foreignLanguage, languageName } from "../../text/languages.ts";
import { infill } from "./infill.ts";

/** What suggestions are made with. The model is asked for only when there is something to ask it. */
export interface InlineCompletionContext {
  readonly model: () => Promise<LoadedModel>;
  readonly settings: Settings;
  /** Of reasons; English when absent. */
  readonly t?: Translate;
}

/** Where a suggestion is wanted. */
export interface InlineCompletionParams {
  readonly text: string;
  /** The cursor, in UTF-16 units. */
  readonly offset: number;
  /** Whether the user asked for it: several alternatives then, and in places where typing alone gives none. */
  readonly explicit: boolean;
}

/** What could be inserted at the cursor, best first. */
export interface InlineCompletions {
  readonly items: readonly { readonly text: string; readonly confidence: number }[];
  /** Why there is none; a sentence for the log. */
  readonly reason?: string;
  readonly cancelled: boolean;
}

/**
 * Suggestions for the cursor's place; none, with the reason, inside a word, where the model is not sure enough, and,
 * unless they were asked for, in a language that it does not know.
 * @throws what the model throws
 */
export async function inlineCompletion(
  { model, settings, t = english }: InlineCompletionContext,
  { text, offset, explicit }: InlineCompletionParams,
  signal: AbortSignal,
): Promise<InlineCompletions> {
  const none = (reason: string) => ({ items: [], reason, cancelled: false });
  if (!explicit && !settings["inlineCompletion.enabled"]) return none(t("spanfill.inlineCompletion.enabled is off"));
  // A window of text: what the model cannot read need not be copied or searched.
  const reach = settings.maxContextTokens * CHARACTERS_A_TOKEN;
  const before = text.slice(Math.max(0, offset - reach), offset);
  const after = text.slice(offset, offset + reach);
  if ((before + after).trim() === "") return none(t("there is no text around the cursor"));
  if ((before + after).includes("\0")) return none(t("the text is binary"));
  if (!explicit && /[\p{L}\p{N}_]$/u.test(before) && /^[\p{L}\p{N}_]/u.test(after)) {
    return none(t("the cursor is inside a word"));
  }
  const loaded = await model();
  const language = explicit ? undefined : await foreignLanguage(before + after, loaded.info.languages);
  if (language !== undefined)
    return none(t("the text is {0}, which the model does not know", languageName(language, t.language)));
  const made = await infill(
    { model: loaded },
    {
      text: before + after,
      gaps: [{ start: before.length, end: before.length, length: LENGTHS[settings["inlineCompletion.length"]] }],
      alternatives: explicit ? settings["inlineCompletion.alternatives"] : 1,
      maxContextTokens: settings.maxContextTokens,
    },
    { signal },
  );
  if (made.cancelled) return { items: [], cancelled: true };
  // Who asks wants to see what there is.
  const least = explicit ? 0 : settings["inlineCompletion.minimumConfidence"];
  const offered = made.fills[0]?.alternatives ?? [];
  const items = offered.filter(({ confidence }) => confidence >= least);
  if (items.length > 0) return { items, cancelled: false };
  const best = Math.max(0, ...offered.map(({ confidence }) => confidence));
  return none(
    offered.length === 0
      ? t("the model had nothing to say")
      : t(
          "the model's best suggestion has confidence {0}, below {1} (spanfill.inlineCompletion.minimumConfidence)",
          best.toFixed(3),
          least,
        ),
  );
}

/**
 * Suggestions for a place in a comment's prose (protocol/comments.ts): none goes beyond its line, since the next one
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
  const made = await inlineCompletion(context, params, signal);
  const items = made.items
    .map(({ text, confidence }) => ({ text: text.split(/\r?\n/, 1)[0] ?? "", confidence }))
    .filter(({ text }) => text.trim() !== "");
  if (items.length > 0 || made.reason !== undefined || made.cancelled) return { ...made, items };
  return { ...made, items, reason: t("the model had nothing to say on this line") };
}

/** More than tokens are long, on average. */
const CHARACTERS_A_TOKEN = 10;
/** None but a paragraph goes beyond its line. */
const LENGTHS: Readonly<Record<Settings["inlineCompletion.length"], LengthHint>> = {
  word: "word",
  sentence: "sentence",
  line: 20,
  paragraph: "paragraph",
};
