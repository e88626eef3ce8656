/** Summarises text of any length: in parts where it is longer than the model's window, leaving nothing out. */
import { ModelError } from "../../../models/errors.ts";
import { TASK_PREFIXES } from "../../../protocol/task-prefixes.ts";
import type { CallOptions, InputPart, LoadedModel } from "../../engine/engine.ts";
import { meanLogProb } from "../../engine/search/search.ts";
import { checkText } from "../../text/input.ts";
import { foreignLanguage } from "../../text/languages.ts";
import { type Span, splitText } from "../../text/text-split.ts";
import { confidenceOf, isCalibrated } from "../confidence.ts";
import { type Decoding, decodingOf, mostFaithful, stutters } from "../decoding.ts";
import { bestSentence } from "./extract.ts";
import { quotation } from "./foreign.ts";
import { NoProse, proseOf } from "./prose.ts";
import type { Summary } from "./summary.ts";
import { distinct, MOST_PARTS, type SummaryStyle, shape, tidy } from "./summary-text.ts";

/** What to summarise, and how. */
export interface SummarizeParams {
  readonly text: string;
  /** The text's format: a language id or a file name's ending; told by the content where it is absent. */
  readonly language?: string;
  readonly style: SummaryStyle;
  /** Most words (between white space) of the summary, bullet marks not counted; no limit when absent. */
  readonly maxWords?: number;
  /** Tokens of one encoder window, prefix and eos included. Default 512, what T5 is trained on. */
  readonly maxContextTokens?: number;
  /** Decoding other than what suits the model. */
  readonly decoding?: Decoding;
  /**
   * Where a calibrated model is less sure than this of what it wrote (a title excepted), a sentence of the text stands
   * instead. Default 0: always the model's own words.
   */
  readonly minimumConfidence?: number;
}

/** CallOptions, and progress: passes done of those known so far. `onTokens` sees every pass. */
export interface SummarizeOptions extends CallOptions {
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** What the model wrote of a part of a text; an empty text where that was nothing. */
export interface WrittenPart {
  readonly text: string;
  readonly confidence: number;
  readonly logProbs: readonly number[];
}

/** Remembers what one model wrote of a part, by the part's text and whatever else it depends on. */
export interface PartMemory {
  get(key: readonly unknown[]): WrittenPart | undefined;
  set(key: readonly unknown[], part: WrittenPart): void;
}

/**
 * What a summary is made with. `locale`: BCP 47 tag for sentence borders. `parts`: what is known of unchanged parts.
 */
export interface SummarizeContext {
  readonly model: LoadedModel;
  readonly locale?: string;
  readonly parts?: PartMemory;
}

/**
 * The summary of a text. A text beyond one window is cut at headings and paragraphs, else sentences, else words. Each
 * part is summarised; of the parts' summaries the likeliest stand, in the text's order: one (sentence, title; most
 * often the first part's), a few in a row (paragraph) or listed (bullets). Summarising summaries adds a small model's
 * mistakes up. Only prose is read: no markup, code, tables, comments or front matter.
 * @throws ModelError "input" when the text has no prose or is binary, or the window is too small; what the model throws
 */
export async function summarize(
  context: SummarizeContext,
  params: SummarizeParams,
  options: SummarizeOptions = {},
): Promise<Summary> {
  const started = performance.now();
  check(params);
  const { model, locale } = context;
  const { style, maxWords, maxContextTokens: window = WINDOW_TOKENS } = params;
  const text = await wholeProse(params);
  const kind = style === "title" ? "title" : "summary";
  const decoding = decodingOf(model.info, kind, params.decoding);
  const work: Work = { ...context, options, window, tally: new Tally(), decoding, kind };
  const language = await foreignLanguage(text, model.info.languages);
  const quoted = language && quotation(model.info, { text, kind, language, started });
  if (quoted) return quoted;
  const spans = await cut(work, text, style);
  const splitMs = performance.now() - started;

  const { tally } = work;
  tally.total = spans.length;
  const pieces: Piece[] = [];
  let reached = 0;
  for (const span of spans) {
    if (stopped(work)) break;
    const made = await pass(work, text.slice(span.start, span.end));
    // A pass that was cancelled before its encoder ran read nothing.
    if (made === undefined) break;
    pieces.push(...made);
    reached += span.end - span.start;
  }
  const cancelled = stopped(work);
  const chosen = cancelled ? pieces : surest(pieces, MOST_PARTS[style]);
  const calibrated = isCalibrated(model.info, kind);
  const least = calibrated && kind === "summary" && !cancelled ? (params.minimumConfidence ?? 0) : 0;
  const shown = chosen.flatMap((piece) => {
    const lost = least > 0 && stutters(piece.text);
    if (piece.confidence >= least && !lost) return [{ text: piece.text, own: true }];
    const instead = bestSentence(style === "sentence" ? text : piece.source, locale);
    if (instead === undefined && lost && chosen.length > 1) return [];
    return [{ text: instead ?? piece.text, own: instead === undefined }];
  });
  const texts = shown.map((part) => part.text);
  return {
    summary: shape(texts, style, maxWords, locale),
    chunks: spans.length,
    coverage: reached / text.length,
    tokens: { in: tally.tokensIn, out: tally.tokensOut },
    ms: { total: performance.now() - started, split: splitMs, encode: tally.encodeMs, decode: tally.decodeMs },
    model: model.info.id,
    confidence: chosen.reduce((sum, one) => sum + one.confidence, 0) / Math.max(1, chosen.length),
    calibrated,
    origin: shown.every((one) => one.own) ? "model" : shown.some((one) => one.own) ? "both" : "text",
    ...(language === undefined ? {} : { language }),
    logProbs: chosen.flatMap((one) => one.logProbs),
    cancelled,
  };
}

/** The prose of a text. @throws NoProse when there is none */
async function wholeProse({ text, language }: SummarizeParams): Promise<string> {
  const prose = await proseOf(text, language);
  if (prose === undefined) throw new NoProse();
  return prose;
}

const WINDOW_TOKENS = 512;
/** Room that must be left for text beside the prefix and eos. */
const LEAST_TEXT_TOKENS = 16;
const MOST_TOKENS = { summary: 64, title: 24 } as const;
/**
 * Parts that a paragraph or a list is made of even when the text fits one window, if its parts keep this many tokens.
 */
const WANTED_PARTS = { sentence: 1, paragraph: 3, bullets: 4, title: 1 } as const;
const LEAST_PART_TOKENS = 96;
/**
 * Nats a token by which the text's first part is favoured, for there documents say what they are about. On 75
 * validation documents beyond one window: ROUGE-L 28.8 with it, 25.1 by likelihood alone, 24.2 for a summary of the
 * summaries.
 */
const HEAD_BONUS = 0.8;

interface Work extends SummarizeContext {
  readonly options: SummarizeOptions;
  readonly window: number;
  readonly tally: Tally;
  readonly decoding: Decoding;
  readonly kind: "summary" | "title";
}

/** What the model wrote, and of which part of the text. */
interface Piece extends WrittenPart {
  readonly source: string;
}

class Tally {
  done = 0;
  total = 0;
  tokensIn = 0;
  tokensOut = 0;
  encodeMs = 0;
  decodeMs = 0;
}

function check({ text, maxWords, maxContextTokens }: SummarizeParams): void {
  checkText(text, "summarize");
  if (maxWords !== undefined && !(Number.isInteger(maxWords) && maxWords >= 1)) {
    throw new ModelError("input", `maxWords is ${maxWords}; use a whole number of at least 1.`);
  }
  if (maxContextTokens !== undefined && !(Number.isInteger(maxContextTokens) && maxContextTokens >= 32)) {
    throw new ModelError("input", `maxContextTokens is ${maxContextTokens}; use a whole number of at least 32.`);
  }
}

/** The parts to summarise; more than the window asks for when a paragraph or a list is wanted. */
async function cut(work: Work, text: string, style: SummaryStyle): Promise<Span[]> {
  const prefix = await work.model.encodeAll([prefixOf(work.model, "summary"), prefixOf(work.model, "title")]);
  const room = work.window - Math.max(...prefix.map((ids) => ids.length)) - 1;
  if (room < LEAST_TEXT_TOKENS) {
    throw new ModelError(
      "input",
      `A window of ${work.window} tokens leaves no room beside the prefix; use a larger one.`,
    );
  }
  const split = (tokens: number) =>
    splitText(text, tokens, {
      countTokens: async (texts) => (await work.model.encodeAll(texts)).map((ids) => ids.length),
      ...(work.locale === undefined ? {} : { locale: work.locale }),
      ...(work.options.signal === undefined ? {} : { signal: work.options.signal }),
    });
  const spans = await split(room);
  if (spans.length >= WANTED_PARTS[style]) return spans;
  const total = spans.reduce((sum, span) => sum + span.tokens, 0);
  const smaller = Math.max(LEAST_PART_TOKENS, Math.ceil(total / WANTED_PARTS[style]));
  return smaller < total ? split(Math.min(room, smaller)) : spans;
}

/**
 * One pass of the model over a text: what it wrote (nothing of white space), or undefined when it was cancelled before
 * it began. A text that turns out longer than the window is halved, never cut off.
 */
async function pass(work: Work, text: string): Promise<Piece[] | undefined> {
  const { model, options, tally, kind } = work;
  const key = [kind, work.window, work.decoding, text];
  const known = work.parts?.get(key);
  if (known !== undefined) {
    tally.done += 1;
    options.onProgress?.({ done: tally.done, total: tally.total });
    return known.text === "" ? [] : [{ source: text, ...known }];
  }
  const parts: InputPart[] = [
    { kind: "text", text: prefixOf(model, kind), special: true },
    { kind: "text", text: text.trim() },
  ];
  const ids = [...(await model.encode(parts)), model.info.config.eosTokenId];
  if (ids.length > work.window && text.length > 2) {
    const [first, second] = await halves(work, text);
    tally.total += 1;
    const made = [await pass(work, first), stopped(work) ? undefined : await pass(work, second)];
    return made.every((one) => one === undefined) ? undefined : made.flatMap((one) => one ?? []);
  }
  const pieces: Piece[] = [];
  if (text.trim() !== "") {
    const { beams = 1, faithful = true, shortlist = "off", copyBias = {} } = work.decoding;
    const generation = await model.generate(
      {
        inputs: [ids],
        shortlist,
        copyBias,
        numBeams: beams,
        numReturnSequences: beams,
        maxNewTokens: Math.min(MOST_TOKENS[kind], Math.floor(work.window / 4)),
        noRepeatNgramSize: 3,
      },
      options,
    );
    const sequences = generation.sequences[0] ?? [];
    const best = faithful ? mostFaithful(text, sequences) : sequences[0];
    if (best === undefined || (generation.cancelled && best.ids.length === 0)) return undefined;
    tally.tokensIn += ids.length;
    tally.tokensOut += best.ids.length;
    tally.encodeMs += generation.timing.encodeMs;
    tally.decodeMs += generation.timing.totalMs - generation.timing.encodeMs;
    const { logProbs } = best;
    const confidence = confidenceOf(model.info, kind, logProbs);
    const part = { text: tidy(best.text), confidence, logProbs };
    if (!generation.cancelled) work.parts?.set(key, part);
    pieces.push({ source: text, ...part });
  }
  tally.done += 1;
  options.onProgress?.({ done: tally.done, total: tally.total });
  return pieces.filter((piece) => piece.text !== "");
}

/** Two parts of a text that did not fit, cut where the text itself has a border if it can be. */
async function halves({ model, locale }: Work, text: string): Promise<[string, string]> {
  const [all] = await model.encodeAll([text]);
  const countTokens = async (texts: readonly string[]) => (await model.encodeAll(texts)).map((ids) => ids.length);
  const half = Math.max(1, Math.ceil((all?.length ?? 2) / 2));
  const spans = await splitText(text, half, locale === undefined ? { countTokens } : { countTokens, locale });
  const middle = spans.length > 1 ? (spans[Math.ceil(spans.length / 2)]?.start ?? text.length >> 1) : text.length >> 1;
  return [text.slice(0, middle), text.slice(middle)];
}

/** The pieces that the model finds likeliest, the first one favoured, each text once, in their order. */
function surest(pieces: readonly Piece[], most: number): Piece[] {
  const different = distinct(pieces, (piece) => piece.text);
  const rank = (piece: Piece) => meanLogProb(piece.logProbs) + (piece === pieces[0] ? HEAD_BONUS : 0);
  const kept = new Set(different.toSorted((a, b) => rank(b) - rank(a)).slice(0, most));
  return different.filter((piece) => kept.has(piece));
}

function prefixOf(model: LoadedModel, kind: "summary" | "title"): string {
  const { summarize: summary = TASK_PREFIXES.summarize, title } = model.info.prefixes;
  // White space after it is the encoder's matter: the text that follows begins a word of its own.
  return (kind === "title" ? (title ?? summary) : summary).trimEnd();
}

function stopped({ options }: Work): boolean {
  return options.signal?.aborted ?? false;
}
