/** Other words for a part of a text: the part is blanked, and the model says what could stand there. */
import { ModelError } from "../../../models/errors.ts";
import type { Settings } from "../../../protocol/settings.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import { infill } from "./infill.ts";
import type { InfillOptions } from "./infill-run.ts";

/** A document and the part to be said otherwise; offsets in UTF-16 units. */
export interface RephraseParams {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Most alternatives. */
  readonly count: number;
}

/** Alternatives, best first, none of them what stands there. */
export interface Rephrasing {
  /** The part without the white space around it. */
  readonly start: number;
  readonly end: number;
  readonly alternatives: readonly { readonly text: string; readonly confidence: number }[];
  readonly ms: number;
  readonly model: string;
  readonly calibrated: boolean;
  readonly cancelled: boolean;
}

/**
 * Proposes replacements for a part of a text, each about as long as the part.
 * @throws ModelError "input" when the part is blank or longer than a paragraph; what the model throws
 */
export async function rephrase(
  context: { readonly model: () => Promise<LoadedModel>; readonly settings: Settings },
  { text, start: from, end: to, count }: RephraseParams,
  options: InfillOptions,
): Promise<Rephrasing> {
  const part = text.slice(from, to);
  const start = from + part.length - part.trimStart().length;
  const end = to - (part.length - part.trimEnd().length);
  const own = text.slice(start, Math.max(start, end));
  if (own === "") throw new ModelError("input", "There is nothing to rephrase. Select some words.");
  const words = own.split(/\s+/).length;
  if (words > MOST_WORDS) {
    throw new ModelError("input", `${words} words are too many to rephrase at once; select at most ${MOST_WORDS}.`);
  }
  const { maxContextTokens } = context.settings;
  const made = await infill(
    { model: await context.model() },
    // One more than is wanted: one may be what stands there.
    {
      text,
      gaps: [{ start, end, length: words }],
      alternatives: Math.min(count + 1, MOST_ALTERNATIVES),
      maxContextTokens,
    },
    options,
  );
  const found = made.fills[0]?.alternatives ?? [];
  const alternatives = found
    .map(({ text, confidence }) => ({ text: text.trim(), confidence }))
    .filter(({ text }) => text !== "" && text !== own)
    .sort((a, b) => (made.calibrated ? b.confidence - a.confidence : 0))
    .slice(0, count);
  const { model, calibrated, cancelled } = made;
  return { start, end, alternatives, ms: made.ms.total, model, calibrated, cancelled };
}

const MOST_WORDS = 100;
const MOST_ALTERNATIVES = 32;
