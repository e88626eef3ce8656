/**
 * Fills gaps in a text: the model sees the text on both sides and says what goes into the gaps; nothing else changes.
 */
import { ModelError } from "../../../models/errors.ts";
import {
  assemble,
  fillLength,
  findGaps,
  fitFill,
  type Gap,
  type LengthHint,
  orderGaps,
} from "../../../models/tokenizer/spans.ts";
import type { CallOptions, FilledSpan, FillRequest, LoadedModel } from "../../engine/engine.ts";
import { checkText } from "../../text/input.ts";
import { confidenceOf, fillKind, isCalibrated } from "../confidence.ts";
import { type Decoding, decodingOf } from "../decoding.ts";
import { endOfPass, type GappedDocument, windowOf } from "./infill-window.ts";
import { wordGap } from "./word-gap.ts";

/** What to fill. */
export interface InfillParams {
  readonly text: string;
  /** The gaps as ranges of the text; without them, `gap` says what marks one. */
  readonly gaps?: readonly Gap[];
  /** Text that marks a gap. Default "___"; a marker of one repeated character also matches a longer run. */
  readonly gap?: string;
  /** How many different fills of each gap are wanted. Default 1. */
  readonly alternatives?: number;
  /** Length of the gaps that do not say their own. */
  readonly length?: LengthHint;
  /** Tokens of one encoder window. Default 512, what T5 is trained on. */
  readonly maxContextTokens?: number;
  /** Decoding other than what suits the model. */
  readonly decoding?: Pick<Decoding, "shortlist" | "ngrams">;
}

/** A fill that could stand in a gap. */
export interface FillCandidate {
  /** As it stands in the text, with the space that joins it where there was none. */
  readonly text: string;
  /** Mean of its log probabilities; -100 where there are none. */
  readonly score: number;
  /** e^score, 0 to 1. */
  readonly probability: number;
  /** The chance that it is right, 0 to 1, if the result is `calibrated`; else the same as `probability`. */
  readonly confidence: number;
  /**
   * Natural log probability of each of its tokens; of a word that was weighed against others, one: that of the word
   * among them.
   */
  readonly logProbs: readonly number[];
}

/** What went into a gap. */
export interface Fill extends FillCandidate {
  /** The gap's place among the gaps, from 0. */
  readonly gap: number;
  /** Where the gap starts in the original text, in UTF-16 units. */
  readonly offset: number;
  /** Up to `alternatives` different fills, the one in the text first; fewer when the model has no more to say. */
  readonly alternatives: readonly FillCandidate[];
}

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

/** The signal of CallOptions, and progress: gaps filled of all. */
export interface InfillOptions extends Pick<CallOptions, "signal"> {
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
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

const WINDOW_TOKENS = 512;
const LEAST_WINDOW_TOKENS = 32;
const LEAST_BEAMS = 4;
const LEAST_SCORE = -100;

/** A candidate and what it is ordered by, best first the greatest. */
interface Ranked extends FillCandidate {
  readonly rank: number;
}

interface Work {
  readonly model: LoadedModel;
  readonly signal: AbortSignal | undefined;
  readonly gaps: readonly Gap[];
  readonly document: GappedDocument;
  readonly candidates: Ranked[][];
  /** The gaps whose words were weighed. */
  readonly weighed: Set<number>;
  readonly alternatives: number;
  readonly window: number;
  readonly decoding: Decoding;
  readonly newline: string;
  readonly tally: { passes: number; tokensIn: number; tokensOut: number; encodeMs: number; decodeMs: number };
  cancelled: boolean;
}

function begin(model: LoadedModel, params: InfillParams, { signal }: InfillOptions): Work {
  check(params);
  const { text, gap: marker = "___", alternatives = 1, maxContextTokens: window = WINDOW_TOKENS } = params;
  const gaps = orderGaps(text, params.gaps ?? findGaps(text, marker));
  if (gaps.length === 0) {
    throw new ModelError(
      "input",
      `There is no gap to fill: ${params.gaps === undefined ? `"${marker}" does not occur in the text` : "the list of gaps is empty"}. Mark each gap, for example: The sky is ${marker}.`,
    );
  }
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
    },
    candidates: gaps.map(() => []),
    weighed: new Set(),
    alternatives,
    window,
    decoding: decodingOf(model.info, "fill", params.decoding),
    newline: text.includes("\r\n") ? "\r\n" : "\n",
    tally: { passes: 0, tokensIn: 0, tokensOut: 0, encodeMs: 0, decodeMs: 0 },
    cancelled: false,
  };
}

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

/**
 * Runs the model over gaps [first, end) and keeps what it says. `again`: it had nothing to say, or too few
 * alternatives.
 */
async function pass(work: Work, first: number, end: number, again: boolean): Promise<void> {
  if (work.signal?.aborted) work.cancelled = true;
  if (work.cancelled) return;
  const { model, tally } = work;
  const window = { ...windowOf(work.document, first, end, work.window), prefix: model.info.prefixes.infill };
  const word = end === first + 1 ? await wordGapOf(work, first) : undefined;
  const { sequences, proposed, ...made } = await model.fill(
    {
      window: { ...window, ...(word && { hints: ["word" as const] }) },
      ...searchOf(work, first, end, again),
      ...word?.request,
    },
    work.signal && { signal: work.signal },
  );
  tally.passes += 1;
  tally.tokensIn += made.inputTokens;
  tally.tokensOut += sequences[0]?.tokens ?? 0;
  tally.encodeMs += made.timing.encodeMs;
  tally.decodeMs += made.timing.totalMs - made.timing.encodeMs;
  work.cancelled = made.cancelled;
  // what an earlier pass gave is ranked otherwise
  if (word !== undefined && !work.cancelled) work.candidates[first] = [];
  for (const { spans } of [...sequences, ...proposed.map((span) => ({ spans: [span] }))]) {
    for (const [i, span] of spans.entries()) if (span !== undefined) keep(work, first + i, span, word?.rank);
  }
  if (word !== undefined && !work.cancelled) choose(work, first);
}

/** Of the words that were weighed, the best one stands in the gap; their chances are those among them. */
function choose({ model, candidates, document, weighed }: Work, gap: number): void {
  const ranked = (candidates[gap] ?? []).toSorted((a, b) => b.rank - a.rank);
  const [best] = ranked;
  if (best === undefined) return;
  const sum = ranked.reduce((total, { rank }) => total + Math.exp(rank - best.rank), 0);
  candidates[gap] = ranked.map((candidate) => {
    const score = Math.max(LEAST_SCORE, candidate.rank - best.rank - Math.log(sum));
    const confidence = confidenceOf(model.info, "word", [score]);
    return { ...candidate, score, probability: Math.exp(score), confidence, logProbs: [score] };
  });
  document.fills[gap] = best.text;
  weighed.add(gap);
}

const wordGapOf = ({ model, document, decoding, alternatives }: Work, gap: number) =>
  wordGap(model, document, gap, decoding.ngrams, Math.max(LEAST_BEAMS, alternatives));

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

/** Keeps what the model put into a gap; the first that fits stands in the text. */
function keep(
  { model, document, candidates, newline, cancelled }: Work,
  gap: number,
  span: FilledSpan,
  rankOf?: (span: FilledSpan) => number,
): void {
  if (cancelled && !span.closed) return;
  const { texts, hints, fills } = document;
  const before = texts[gap] || (fills[gap - 1] ?? "");
  const fitted = fitFill(span.text, before.slice(-8), texts[gap + 1] ?? "", {
    spellsLayout: model.info.spellsLayout,
    hint: hints[gap],
  });
  // Where other gaps stand in the text, a model may copy one.
  if (/^\s*_*\s*$/u.test(fitted)) return;
  const text = fitted.replaceAll("\n", newline);
  const { logProbs } = span;
  const score = mean(logProbs);
  const confidence = confidenceOf(model.info, fillKind(hints[gap], text), logProbs);
  const known = candidates[gap]?.findIndex((other) => other.text === text) ?? -1;
  const rank = rankOf?.(span) ?? score;
  const candidate = { text, score, probability: Math.exp(score), confidence, logProbs, rank };
  if (known < 0) candidates[gap]?.push(candidate);
  else if (rank > (candidates[gap]?.[known]?.rank ?? 0)) candidates[gap]?.splice(known, 1, candidate);
  fills[gap] ??= text;
}

function fillOf({ document, candidates, alternatives }: Work, { start }: Gap, gap: number): Fill[] {
  const text = document.fills[gap];
  if (text === undefined) return [];
  const ranked = candidates[gap]?.toSorted((a, b) => b.rank - a.rank).map(({ rank, ...candidate }) => candidate) ?? [];
  const candidate = ranked.find((one) => one.text === text) ?? {
    text,
    score: LEAST_SCORE,
    probability: 0,
    confidence: 0,
    logProbs: [],
  };
  const others = ranked.filter((other) => other.text !== text);
  const all = others.length === ranked.length ? others : [candidate, ...others];
  return [{ gap, offset: start, ...candidate, alternatives: all.slice(0, alternatives) }];
}

function mean(numbers: readonly number[]): number {
  if (numbers.length === 0) return LEAST_SCORE;
  return Math.max(LEAST_SCORE, numbers.reduce((total, number) => total + number, 0) / numbers.length);
}
