/** Fills the gaps of a part of a document: what to put where, so that nothing but the gaps needs to be edited. */
import { ModelError } from "../../../models/errors.ts";
import { findGaps, type Gap } from "../../../models/tokenizer/spans.ts";
import type { Settings } from "../../../protocol/settings.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import { infill, LEAST_CHANCE } from "./infill.ts";
import type { InfillOptions } from "./infill-run.ts";

/** A document and a part of it; offsets in UTF-16 units. */
export interface FillGapsParams {
  readonly text: string;
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
  readonly ms: number;
  readonly model: string;
  readonly calibrated: boolean;
  readonly cancelled: boolean;
}

/** The gaps that lie wholly in a part of a text. */
export function gapsIn({ text, start, end }: FillGapsParams, marker: string): Gap[] {
  // A run of the marker may reach over the border: look a little further to know its true extent.
  const from = Math.max(0, start - LONGEST_GAP);
  const part = text.slice(from, end + LONGEST_GAP);
  return findGaps(part, marker)
    .map((gap) => ({ start: gap.start + from, end: gap.end + from }))
    .filter((gap) => gap.start >= start && gap.end <= end);
}

/**
 * Fills for all gaps of the part; the text on all sides is read, also outside the part.
 * @throws ModelError "input" when there is no gap; what the model throws
 */
export async function fillGaps(
  context: { readonly model: () => Promise<LoadedModel>; readonly settings: Settings },
  params: FillGapsParams,
  options: InfillOptions,
): Promise<GapFills> {
  const { gapMarker, maxContextTokens } = context.settings;
  const gaps = gapsIn(params, gapMarker);
  if (gaps.length === 0) {
    throw new ModelError(
      "input",
      `There is no gap to fill: "${gapMarker}" does not occur here. Mark each gap with it (the setting spanfill.gapMarker says what marks one).`,
    );
  }
  const model = await context.model();
  const made = await infill(
    { model },
    { text: params.text, gaps, maxContextTokens, leaveBelow: LEAST_CHANCE },
    options,
  );
  const left = new Set(made.left);
  const all = [...made.fills, ...made.left].sort((a, b) => a.gap - b.gap);
  const fills = all.flatMap((fill) => {
    const { gap, text, confidence } = fill;
    const range = gaps[gap];
    return range === undefined ? [] : [{ start: range.start, end: range.end, text, confidence, left: left.has(fill) }];
  });
  const { model: id, calibrated, cancelled } = made;
  return { fills, ms: made.ms.total, model: id, calibrated, cancelled };
}

const LONGEST_GAP = 1000;
