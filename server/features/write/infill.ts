/**
 * Fills gaps in a text: the model sees the text on both sides and says what goes into the gaps; nothing else changes.
 */
import { assemble } from "../../../models/tokenizer/spans.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import { isCalibrated } from "../confidence.ts";
import { draft, draftOthers, MOST_WEIGHED } from "./gap-weighing.ts";
import { type Fill, fillOf } from "./infill-candidates.ts";
import { begin, type InfillOptions, type InfillParams, pass, weigh } from "./infill-run.ts";
import { endOfPass, isShort } from "./infill-window.ts";

/**
 * The chance below which a gap stays open where people read the text: of the fills below it in documents that the model
 * had not seen, fewer than one in ten was right.
 */
export const LEAST_CHANCE = 0.2;

/** A filled text and how it came about. */
export interface InfillResult {
  /** The text with its gaps filled; a gap that a cancelled run did not reach is left as it was. */
  readonly text: string;
  /**
   * One for each gap that was filled, in order; after a cancelled run those that were reached. A fill is empty when the
   * model had nothing to say.
   */
  readonly fills: readonly Fill[];
  /** The gaps that stay open because their best fill is too likely wrong, each with that fill. */
  readonly left: readonly Fill[];
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
 * The text with its gaps filled: first words and phrases, which are weighed together, then sentences and paragraphs,
 * those of a window in one pass. Later passes read the earlier fills.
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
  await draftOthers(work, params.text, params.others ?? []);
  const short = [...gaps.keys()].filter((gap) => isShort(document.hints[gap]));
  for (let first = 0; first < short.length && !work.cancelled; first += MOST_WEIGHED) {
    const weighed = short.slice(first, first + MOST_WEIGHED);
    if (total > 1) await draft(work, weighed);
    await weigh(work, weighed);
    options.onProgress?.({ done: Math.min(first + MOST_WEIGHED, short.length), total });
  }
  for (let first = 0; first < total && !work.cancelled; ) {
    if (isShort(document.hints[first])) {
      first += 1;
      continue;
    }
    const end = await endOfPass(work.model, document, first, work.window);
    await pass(work, first, end, false);
    first = end;
  }
  for (let gap = 0; gap < total; gap++) {
    const few =
      document.fills[gap] === undefined || (total > 1 && (work.candidates[gap]?.length ?? 0) < work.alternatives);
    if (few && !isShort(document.hints[gap])) await pass(work, gap, gap + 1, true);
    if (!work.cancelled) document.fills[gap] ??= "";
  }
  options.onProgress?.({ done: total, total });
  const { tally } = work;
  const calibrated = isCalibrated(context.model.info, "fill", "passage");
  const { leaveBelow = 0 } = params;
  const all = gaps.flatMap((gap, i) => fillOf(work, gap, i));
  const isLeft = ({ confidence }: Fill) => leaveBelow > 1 || (calibrated && confidence < leaveBelow);
  const fills = all.filter((fill) => !isLeft(fill));
  const filled = new Map(fills.map(({ gap, text }) => [gap, text]));
  return {
    text: assemble(
      params.text,
      gaps,
      gaps.map((_, i) => filled.get(i)),
    ),
    fills,
    left: all.filter(isLeft),
    passes: tally.passes,
    tokens: { in: tally.tokensIn, out: tally.tokensOut },
    ms: { total: performance.now() - started, encode: tally.encodeMs, decode: tally.decodeMs },
    model: context.model.info.id,
    calibrated,
    cancelled: work.cancelled,
  };
}
