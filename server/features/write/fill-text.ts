/** Fills the gaps of a whole text as its format has them, and says what it left and what a reader should know. */
import { english, type Translate } from "../../../base/translate.ts";
import { ModelError } from "../../../models/errors.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import { lineNumbers } from "../../text/document/source.ts";
import { foreignLanguageOf, languageName } from "../../text/languages.ts";
import type { WrittenDocument } from "../../text/reading.ts";
import { DEFAULT_MARKER, gapsOf, type LeftMarker, MOST_GAPS, type PlacedGap, type WhyLeft } from "./gaps.ts";
import { type InfillResult, infill } from "./infill.ts";
import { type InfillOptions, type InfillParams, tooManyGaps } from "./infill-run.ts";

/** A filled text, and what was left in it. */
export interface FilledText extends InfillResult {
  readonly gaps: readonly PlacedGap[];
  /** Markers that are no gaps. */
  readonly passed: readonly LeftMarker[];
  /** The text's language where the model does not know it (ISO 639-1). */
  readonly language?: string;
}

/**
 * The text with its gaps filled.
 * @param part the part of the document whose gaps are filled; all of it when absent
 * @throws ModelError "input" when there is no gap, "tokenizer" when the model has no sentinels; what the model throws
 */
export async function fillText(
  context: { readonly model: () => Promise<LoadedModel> },
  document: WrittenDocument,
  params: Omit<InfillParams, "text" | "gaps"> & { readonly part?: { readonly start: number; readonly end: number } },
  options: InfillOptions = {},
): Promise<FilledText> {
  const { gap: marker = DEFAULT_MARKER, part, ...rest } = params;
  const { text } = document;
  const search = { part, text, most: MOST_GAPS, signal: options.signal };
  const { gaps, left: passed, isMore } = await gapsOf(document, marker, search);
  if (isMore) throw tooManyGaps();
  if (gaps.length === 0) throw noGap(text, marker, passed);
  const model = await context.model();
  const [first] = gaps;
  const near = text.slice(Math.max(0, (first?.start ?? 0) - AROUND), (first?.end ?? 0) + AROUND);
  const language = await foreignLanguageOf(near, model.info.languages, document.languageId);
  const others = part === undefined ? [] : await othersNear(document, marker, gaps);
  const { leaveBelow = 0 } = rest;
  const least = language !== undefined && leaveBelow > UNKNOWN_CONFIDENCE ? Number.POSITIVE_INFINITY : leaveBelow;
  const made = await infill({ model }, { text, gaps, others, ...rest, leaveBelow: least }, options);
  if (language === undefined) return { ...made, gaps, passed };
  const low = <C extends { readonly confidence: number }>(candidate: C) => ({
    ...candidate,
    confidence: Math.min(candidate.confidence, UNKNOWN_CONFIDENCE),
  });
  const lowered = (fills: InfillResult["fills"]) =>
    fills.map((fill) => ({ ...low(fill), alternatives: fill.alternatives.map(low) }));
  return { ...made, fills: lowered(made.fills), left: lowered(made.left), gaps, passed, language };
}

/** The gaps beside those of a part, as far as the model reads. */
async function othersNear(document: WrittenDocument, marker: string, gaps: readonly PlacedGap[]): Promise<PlacedGap[]> {
  const start = Math.max(0, (gaps[0]?.start ?? 0) - READ);
  const end = Math.min(document.text.length, (gaps.at(-1)?.end ?? 0) + READ);
  const near = await gapsOf(document, marker, { part: { start, end } });
  return near.gaps.filter((other) => !gaps.some((gap) => gap.start < other.end && other.start < gap.end));
}

/** Characters on either side of a gap that the model may read. */
const READ = 2000;
const AROUND = 1000;
/** In a language that the model does not know, likelihoods say nothing: gaps stay open unless all are to be filled. */
const UNKNOWN_CONFIDENCE = 0.05;

function noGap(text: string, marker: string, left: readonly LeftMarker[]): ModelError {
  const why =
    left.length === 0
      ? `"${marker}" does not occur in the text. Mark each gap, for example: The sky is ${marker}.`
      : `${leftNotes(text, left).join("; ")}.`;
  return new ModelError("input", `There is no gap to fill: ${why}`);
}

/** Short phrases that tell a reader about a filled text, besides its confidence. */
export function fillNotes(
  text: string,
  { passed, language }: Pick<FilledText, "passed" | "language">,
  t: Translate = english,
): string[] {
  const foreign =
    language === undefined
      ? []
      : [t("the text is {0}, which the model does not know", languageName(language, t.language))];
  return [...foreign, ...leftNotes(text, passed, t)];
}

function kindOf(why: WhyLeft, t: Translate): string {
  switch (why) {
    case "emphasis":
      return t("stressed words");
    case "break":
      return t("a break between parts");
    case "name":
      return t("part of a name");
    case "code":
      return t("code");
    case "math":
      return t("a formula");
    case "comment":
      return t("a comment");
    case "frontMatter":
      return t("front matter");
    case "form":
      return t("a form's blank");
    case "markup":
      return t("markup");
  }
}

/** Where markers were left and why, and how to ask for those that may be meant. */
function leftNotes(text: string, left: readonly LeftMarker[], t: Translate = english): string[] {
  if (left.length === 0) return [];
  const lineOf = lineNumbers(text);
  const all = left.map(({ start, why }) => t("line {0} ({1})", lineOf(start), kindOf(why, t)));
  const distinct = [...new Set(all)];
  const places = distinct.slice(0, MOST_NAMED).join(", ");
  const more = distinct.length - MOST_NAMED;
  const isAskable = left.some(({ why }) => why === "break" || why === "form");
  return [
    more > 0 ? t("left as it is: {0} and {1} more", places, more) : t("left as it is: {0}", places),
    ...(isAskable
      ? [t("to fill a whole line or a blank, select it, or mark it otherwise (--gap, or spanfill.gapMarker)")]
      : []),
  ];
}

const MOST_NAMED = 5;
