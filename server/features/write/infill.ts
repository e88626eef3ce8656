/**
 * Fills gaps in a text: the model sees the text on both sides and says what goes into the gaps; nothing else changes.
 */
import { assemble } from "../../../models/tokenizer/spans.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import { isCalibrated } from "../confidence.ts";
import { type Fill, fillOf } from "./infill-candidates.ts";
import { begin, type InfillOptions, type InfillParams, pass, wordGapOf } from "./infill-run.ts";
import { endOfPass } from "./infill-window.ts";

/** A filled text and how it came about. */
export interface InfillResult {
  /** The text with its gaps filled; a gap that a cancelled run did not reach is left as it was. */
  readonly text: string;
  /**
   * One a gap, in order; after a cancelled run those that were filled. A fill is empty when the model had nothing to
   * say.
   */
  readonly fills: readonly Fill[];
  /** Runs of the model. */
  readonly passes: number;
  /** Tokens encoded and produced, over all passes. */
  readonly tokens: { readonly in: number; readonly out: number };
  readonly ms: { readonly total: number; readonly encode: number; readonly decode: number };
  /** The model's id. */
  readonly model: string;
  /** Whether the confidences are chances that were measured on validation data. */
  readonly calibrated: boolean;
  readonly cancelled: boolean;
}

/**
 * The text with its gaps filled, all gaps of a window in one pass, later passes reading the earlier fills.
 * @throws ModelError "input" when there is no gap or the text is empty or binary, "tokenizer" when the model has no
 *   sentinels; what the model throws
 */
export async function infill(
  context: { readonly model: LoadedModel },
  params: InfillParams,
  options: InfillOptions = {},
): Promise<InfillResult> {
  const started = performance.now();
  const work = begin(context.model, params, options);
  const { gaps, document } = work;
  const total = gaps.length;
  for (let first = 0; first < total && !work.cancelled; ) {
    const end = await endOfPass(work.model, document, first, work.window);
    await pass(work, first, end, false);
    for (let gap = first; gap < end; gap++) {
      if (document.fills[gap] === undefined) await pass(work, gap, gap + 1, true);
      if (!work.cancelled) document.fills[gap] ??= "";
    }
    first = end;
    options.onProgress?.({ done: first, total });
  }
  for (let gap = 0; gap < total; gap++) {
    const few = total > 1 && (work.candidates[gap]?.length ?? 0) < work.alternatives;
    const unweighed = !work.weighed.has(gap) && (await wordGapOf(work, gap)) !== undefined;
    if (few || unweighed) await pass(work, gap, gap + 1, true);
  }
  const { tally } = work;
  return {
    text: assemble(params.text, gaps, document.fills),
    fills: gaps.flatMap((gap, i) => fillOf(work, gap, i)),
    passes: tally.passes,
    tokens: { in: tally.tokensIn, out: tally.tokensOut },
    ms: { total: performance.now() - started, encode: tally.encodeMs, decode: tally.decodeMs },
    model: context.model.info.id,
    calibrated: isCalibrated(context.model.info, "fill", "passage"),
    cancelled: work.cancelled,
  };
}
