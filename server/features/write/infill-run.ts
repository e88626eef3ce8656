/** A run over the gaps of a text, and its passes of the model. */
import { ModelError } from "../../../models/errors.ts";
import { fillLength, findGaps, type Gap, type LengthHint, orderGaps } from "../../../models/tokenizer/spans.ts";
import type { CallOptions, Filling, FillRequest, LoadedModel } from "../../engine/engine.ts";
import { checkText } from "../../text/input.ts";
import { type Decoding, decodingOf } from "../decoding.ts";
import { gapPrefix, modeOfGap } from "./denoiser-mode.ts";
import { beamsFor, LEAST_BEAMS, weighedTokens, weighingOf } from "./gap-weighing.ts";
import { DEFAULT_MARKER, MOST_GAPS, type PlacedGap } from "./gaps.ts";
import { choose, type GapCandidates, keep } from "./infill-candidates.ts";
import { windowOf } from "./infill-window.ts";

/** The text and the gaps to fill. */
export interface InfillParams {
  readonly text: string;
  /** The gaps as ranges of the text; without them, `gap` says what marks one. */
  readonly gaps?: readonly PlacedGap[];
  /** Gaps that stay as they are; the model reads in each the word that n-grams propose. */
  readonly others?: readonly Gap[];
  /** Text that marks a gap. Default "___"; a marker of one repeated character also matches a longer run. */
  readonly gap?: string;
  /** How many different fills of each gap are wanted. Default 1. */
  readonly alternatives?: number;
  /** Length of the gaps that do not say their own. */
  readonly length?: LengthHint;
  /** Tokens of one encoder window. Default 512, what T5 is trained on. */
  readonly maxContextTokens?: number;
  /**
   * Gaps whose best fill is less likely right than this, 0 to 1, stay open if the model is calibrated. Default 0: all
   * are filled. Above 1, all stay open.
   */
  readonly leaveBelow?: number;
  /** Decoding other than what suits the model. */
  readonly decoding?: Pick<Decoding, "shortlist" | "ngrams">;
}

/** The signal of CallOptions, and progress: gaps filled of all. */
export interface InfillOptions extends Pick<CallOptions, "signal"> {
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** The error for a text with more gaps than are filled at once. */
export function tooManyGaps(): ModelError {
  return new ModelError(
    "input",
    `There are more than ${MOST_GAPS} gaps, and at most ${MOST_GAPS} are filled at once. Fill the text part by part: select a part, or split the text.`,
  );
}

/** The state of one run over a text. */
export interface Work extends GapCandidates {
  readonly signal: AbortSignal | undefined;
  readonly window: number;
  readonly decoding: Decoding;
  readonly tally: { passes: number; tokensIn: number; tokensOut: number; encodeMs: number; decodeMs: number };
  cancelled: boolean;
}

/**
 * The state before the first pass.
 * @throws ModelError
 * @see infill
 */
export function begin(model: LoadedModel, params: InfillParams, { signal }: InfillOptions): Work {
  check(params);
  const { text, gap: marker = DEFAULT_MARKER, alternatives = 1, maxContextTokens: window = WINDOW_TOKENS } = params;
  const gaps: readonly PlacedGap[] = orderGaps(text, params.gaps ?? findGaps(text, marker));
  if (gaps.length === 0) {
    throw new ModelError(
      "input",
      `There is no gap to fill: ${params.gaps === undefined ? `"${marker}" does not occur in the text` : "the list of gaps is empty"}. Mark each gap, for example: The sky is ${marker}.`,
    );
  }
  if (gaps.length > MOST_GAPS) throw tooManyGaps();
  if (model.info.sentinelIds.length === 0) {
    throw new ModelError(
      "tokenizer",
      `${model.info.id} cannot fill gaps: its vocabulary has no sentinels (<extra_id_0> ...). Take a T5 model with them, such as the built-in one.`,
    );
  }
  return {
    model,
    signal,
    gaps,
    document: {
      texts: [...gaps.map((gap, i) => text.slice(gaps[i - 1]?.end ?? 0, gap.start)), text.slice(gaps.at(-1)?.end)],
      hints: gaps.map((gap) => gap.length ?? params.length),
      fills: gaps.map(() => undefined),
      drafts: gaps.map(() => undefined),
    },
    candidates: gaps.map(() => []),
    alternatives,
    window,
    decoding: decodingOf(model.info, "fill", params.decoding),
    newline: text.includes("\r\n") ? "\r\n" : "\n",
    tally: { passes: 0, tokensIn: 0, tokensOut: 0, encodeMs: 0, decodeMs: 0 },
    cancelled: false,
  };
}

/**
 * Runs the model over gaps [first, end) and keeps what it says. `again`: it had nothing to say, or too few
 * alternatives.
 */
export async function pass(work: Work, first: number, end: number, again: boolean): Promise<void> {
  const { document, model } = work;
  const texts = windowOf(document, first, end, work.window);
  const mode = modeOfGap(document.hints[end - 1], texts.texts.at(-1) ?? "");
  const window = { ...texts, prefix: gapPrefix(model.info, mode) };
  const made = await run(work, { window, ...searchOf(work, first, end, again) });
  for (const { spans } of made?.sequences ?? []) {
    for (const [i, span] of spans.entries()) if (span !== undefined) keep(work, first + i, span);
  }
}

/** Weighs words and phrases for some gaps in one run; the best one then stands in each. */
export async function weigh(work: Work, gaps: readonly number[]): Promise<void> {
  const { model, document, alternatives } = work;
  const weighings = await Promise.all(gaps.map((gap) => weighingOf(work, gap, gaps.length)));
  const [first, ...others] = weighings;
  if (first === undefined) return;
  const beams = beamsFor(model, gaps.length, alternatives);
  const made = await run(work, {
    ...searchOf(work, first.gap, first.gap + 1, true),
    maxNewTokens: weighedTokens(gaps.map((gap) => document.hints[gap])),
    numBeams: beams,
    numReturnSequences: beams,
    lengthPenalty: 0,
    ...(alternatives === 1 && { pruneBelow: HOPELESS }),
    window: first.window,
    proposals: first.proposals,
    ...(others.length > 0 && { others: others.map(({ window, proposals }) => ({ window, proposals })) }),
  });
  if (made === undefined || work.cancelled) return;
  for (const [i, { gap, byNgrams, rank }] of weighings.entries()) {
    const { sequences, proposed } = i === 0 ? made : (made.others?.[i - 1] ?? { sequences: [], proposed: [] });
    const spans = [...sequences.map((sequence) => sequence.spans[0]), ...proposed].filter((span) => span !== undefined);
    if (spans.length === 0) continue;
    work.candidates[gap] = []; // what an earlier pass gave is ranked otherwise
    const closed = spans.filter((span) => span.closed);
    for (const span of closed.length > 0 ? closed : spans) keep(work, gap, span, rank(span));
    choose(work, gap, byNgrams);
  }
}

async function run(work: Work, request: FillRequest): Promise<Filling | undefined> {
  if (work.signal?.aborted) work.cancelled = true;
  if (work.cancelled) return undefined;
  const { tally } = work;
  const made = await work.model.fill(request, work.signal && { signal: work.signal });
  tally.passes += 1;
  for (const { inputTokens, sequences } of [made, ...(made.others ?? [])]) {
    tally.tokensIn += inputTokens;
    tally.tokensOut += sequences[0]?.tokens ?? 0;
  }
  tally.encodeMs += made.timing.encodeMs;
  tally.decodeMs += made.timing.totalMs - made.timing.encodeMs;
  work.cancelled = made.cancelled;
  return made;
}

const WINDOW_TOKENS = 512;
/** How much less likely than the best fill another may be, in nats, to be searched further. */
const HOPELESS = 4;
const LEAST_WINDOW_TOKENS = 32;

function check({ text, gaps = [], length, alternatives = 1, maxContextTokens = WINDOW_TOKENS }: InfillParams): void {
  checkText(text, "fill");
  for (const hint of [length, ...gaps.map((gap) => gap.length)]) {
    if (typeof hint === "number" && !(hint >= 1 && hint <= 200)) {
      throw new ModelError(
        "input",
        `A gap's length is ${hint} words; use 1 to 200, or word, phrase, sentence or paragraph.`,
      );
    }
  }
  if (!Number.isInteger(alternatives) || alternatives < 1 || alternatives > 32) {
    throw new ModelError("input", `alternatives is ${alternatives}; use a whole number from 1 to 32.`);
  }
  if (!Number.isInteger(maxContextTokens) || maxContextTokens < LEAST_WINDOW_TOKENS) {
    throw new ModelError(
      "input",
      `maxContextTokens is ${maxContextTokens}; use a whole number of at least ${LEAST_WINDOW_TOKENS}.`,
    );
  }
}

/** The decoder starts with the first sentinel, may use those of its gaps, and stops at the one after. */
function searchOf(
  { model, document, alternatives, decoding }: Work,
  first: number,
  end: number,
  again: boolean,
): Omit<FillRequest, "window"> {
  const { sentinelIds, lengthMarks, unkTokenId, config } = model.info;
  const gaps = end - first;
  const beams = again || alternatives > 1 ? Math.max(LEAST_BEAMS, alternatives) : 1;
  const banned = [config.padTokenId, unkTokenId, again ? config.eosTokenId : undefined, sentinelIds[0]];
  const lengths = document.hints.slice(first, end).map((hint) => fillLength(hint).maxTokens);
  return {
    shortlist: decoding.shortlist ?? "off",
    maxNewTokens: lengths.reduce((total, length) => total + length + 1, 0),
    numBeams: beams,
    numReturnSequences: beams,
    // The same name may well fill several gaps.
    noRepeatNgramSize: gaps > 1 ? 6 : 3,
    bannedTokens: [...banned, ...sentinelIds.slice(gaps + 1), ...lengthMarks.map(({ id }) => id)].filter(
      (id) => id !== undefined,
    ),
    stopTokens: sentinelIds.slice(gaps, gaps + 1),
    decoderPrefix: sentinelIds.slice(0, 1),
  };
}
