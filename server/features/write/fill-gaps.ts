/** Fills the gaps of a part of a document: what to put where, so that nothing but the gaps needs to be edited. */
import { defined } from "../../../base/defined.ts";
import type { Settings } from "../../../protocol/settings.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import type { WrittenDocument } from "../../text/reading.ts";
import { fillText } from "./fill-text.ts";
import type { LeftMarker } from "./gaps.ts";
import { LEAST_CHANCE } from "./infill.ts";
import type { InfillOptions } from "./infill-run.ts";

/** A document and a part of it; offsets in UTF-16 units. */
export interface FillGapsParams {
  readonly document: WrittenDocument;
  readonly start: number;
  readonly end: number;
}

/** A gap's range in the document, and what to put there: an empty text where the model had nothing to say. */
export interface GapFill {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** The chance that it is right, 0 to 1, if the result is `calibrated`; else its tokens' mean likelihood. */
  readonly confidence: number;
  /** Whether the gap stays open because the text is too likely wrong. */
  readonly left: boolean;
}

/** The fills of the gaps in a part of a document. */
export interface GapFills {
  readonly fills: readonly GapFill[];
  /** Markers of the part that are no gaps. */
  readonly passed: readonly LeftMarker[];
  /** The text's language where the model does not know it (ISO 639-1). */
  readonly language?: string;
  readonly ms: number;
  readonly model: string;
  readonly calibrated: boolean;
  readonly cancelled: boolean;
}

/**
 * Fills for all gaps of the part; the text on all sides is read, also outside the part.
 * @throws ModelError "input" when there is no gap; what the model throws
 */
export async function fillGaps(
  context: { readonly model: () => Promise<LoadedModel>; readonly settings: Settings },
  { document, start, end }: FillGapsParams,
  options: InfillOptions,
): Promise<GapFills> {
  const { gapMarker, maxContextTokens } = context.settings;
  const params = { gap: gapMarker, part: { start, end }, maxContextTokens, leaveBelow: LEAST_CHANCE };
  const made = await fillText(context, document, params, options);
  const { model: id, calibrated, cancelled, passed, gaps, language } = made;
  const left = new Set(made.left);
  const all = [...made.fills, ...made.left].sort((a, b) => a.gap - b.gap);
  const fills = all.flatMap((fill) => {
    const { gap, text, confidence } = fill;
    const range = gaps[gap];
    return range === undefined ? [] : [{ start: range.start, end: range.end, text, confidence, left: left.has(fill) }];
  });
  return { fills, passed, ms: made.ms.total, model: id, calibrated, cancelled, ...defined({ language }) };
}
