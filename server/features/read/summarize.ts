/** Summarizes text of any length: quotes its best sentences, or has the model write from the part around them. */
import { defined } from "../../../base/defined.ts";
import { ModelError } from "../../../models/errors.ts";
import { englishNgrams } from "../../catalog/ngrams.ts";
import type { CallOptions, LoadedModel } from "../../engine/engine.ts";
import { checkText } from "../../text/input.ts";
import { foreignLanguage } from "../../text/languages.ts";
import { isCalibrated } from "../confidence.ts";
import { windowTokens } from "../context-window.ts";
import { type Decoding, decodingOf } from "../decoding.ts";
import { isInvented, isPoorTitle, wordingOf } from "./judge.ts";
import { NoProse, NothingToQuote, writtenProse } from "./prose.ts";
import { isPart, quoted, type RankedProse, titleOf } from "./quote.ts";
import { bestOf } from "./sentences/choose.ts";
import { rankSentences } from "./sentences/rank.ts";
import { type DocumentSentence, documentSentences, MOST_SENTENCES } from "./sentences/sentences.ts";
import { bestStretch } from "./sentences/stretch.ts";
import type { Summary } from "./summary.ts";
import { type SummaryStyle, shape } from "./summary-text.ts";
import { subjectOf } from "./title.ts";
import { roomFor, type Writing, type WritingContext, type WrittenPart, write } from "./write.ts";

/** The text to summarize, and how. */
export interface SummarizeParams {
  readonly text: string;
  /** The text's format: a language id or a file name's ending; told by the content where it is absent. */
  readonly language?: string;
  readonly style: SummaryStyle;
  /** Most words (between white space) of the summary, bullet marks not counted; no limit when absent. */
  readonly maxWords?: number;
  /** Tokens of one encoder window, prefix and eos included. Default: the model's own, 512 or a LongT5's 16,384. */
  readonly maxContextTokens?: number;
  /** Decoding other than what suits the model. */
  readonly decoding?: Decoding;
  /**
   * Where a calibrated model is less sure than this of what it wrote (a title excepted), a sentence of the text stands
   * instead. Default 0: only instead of what has names or numbers that the text lacks.
   */
  readonly minimumConfidence?: number;
}

/** CallOptions, and progress: passes done of those known so far. `onTokens` sees every pass. */
export interface SummarizeOptions extends CallOptions {
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** Remembers what one model wrote of a part, by the part's text and whatever else it depends on. */
export interface PartMemory {
  get(key: readonly unknown[]): WrittenPart | undefined;
  set(key: readonly unknown[], part: WrittenPart): void;
}

/**
 * The services that a summary needs. `locale`: BCP 47 tag for sentence borders. `parts`: summaries of unchanged parts.
 */
export interface SummarizeContext {
  readonly model: LoadedModel;
  readonly locale?: string;
  readonly parts?: PartMemory;
}

/**
 * The summary of a text. Only prose is read: no markup, code, tables, comments or front matter. All its sentences are
 * ranked. A list and a paragraph quote the best ones; a sentence and a title are written by the model, from the whole
 * text or the part around its best sentences, and quoted where what was written is worse: the model is not sure of it,
 * it is cut off, or it has names or numbers that the text lacks.
 * @throws ModelError "input" when there is nothing to say, the text is binary, or the window is too small; what the
 *   model throws
 */
export async function summarize(
  context: SummarizeContext,
  params: SummarizeParams,
  options: SummarizeOptions = {},
): Promise<Summary> {
  const started = performance.now();
  check(params);
  const { model, locale } = context;
  const { style, maxWords } = params;
  const prose = await writtenProse(params.text, params.language);
  if (prose === undefined) throw new NoProse();
  const { languages } = model.info;
  const language = await foreignLanguage(prose.text, languages);
  const isEnglish = (languages.includes("en") && language === undefined) || language === "en";
  const sentences = documentSentences(prose.blocks, locale ?? language ?? "en");
  const stop = options.signal?.aborted ?? false;
  const ranks = stop ? { scores: sentences.map(() => 0) } : await rankSentences({ model, isEnglish }, prose, sentences);
  const ranked: RankedProse = { prose, sentences, ...ranks };
  const splitMs = performance.now() - started;
  const kind = style === "title" ? "title" : "summary";
  const base: Summary = {
    ...{
      summary: "",
      chunks: 1,
      coverage: rankedShare(ranked),
      tokens: { in: 0, out: 0 },
      logProbs: [],
      confidence: 0,
    },
    ms: { total: 0, split: splitMs, encode: 0, decode: 0 },
    ...{ model: model.info.id, calibrated: isCalibrated(model.info, kind), origin: "quotes", cancelled: false },
    ...defined({ language }),
  };
  const timed = (summary: Summary): Summary => ({
    ...summary,
    ms: { ...summary.ms, total: performance.now() - started },
  });
  if (stop) return timed({ ...base, coverage: 0, cancelled: true });
  const isUnreadable = language !== undefined || !canRead(prose.text, languages);
  if (isUnreadable || style === "bullets" || style === "paragraph") {
    const quotes = quoted(ranked, style, maxWords);
    if (quotes !== undefined) return timed({ ...base, summary: quotes });
    if (isUnreadable) throw new NothingToQuote(language);
  }
  return timed(await written({ context, params, options, ranked, base }));
}

/** The input of one written summary. */
interface Task {
  readonly context: SummarizeContext;
  readonly params: SummarizeParams;
  readonly options: SummarizeOptions;
  readonly ranked: RankedProse;
  readonly base: Summary;
}

/** A summary in the model's words, or in the text's where those are worse. */
async function written({ context, params, options, ranked, base }: Task): Promise<Summary> {
  const { model } = context;
  const { style, maxWords, minimumConfidence = 0 } = params;
  const window = windowTokens(model, params.maxContextTokens);
  const kind = style === "title" ? "title" : "summary";
  const least = base.calibrated && kind === "summary" ? minimumConfidence : 0;
  // Where a quotation may stand instead, four beams write no better. On 320 validation documents with a least
  // confidence of 0.65 (mean of ROUGE-1, 2 and L): greedy 33.8, beams 33.5, quotations alone 33.4.
  const decoding = decodingOf(model.info, kind, { ...(least > 0 && { beams: 1 }), ...params.decoding });
  const writing: WritingContext = { model, options, kind, decoding, window, least: REWORDED * least };
  const { text, share } = await windowOf(ranked, model, await roomFor(writing));
  const source = `${ranked.prose.title}\n${text}`;
  const key = [kind, window, decoding, source];
  options.onProgress?.({ done: 0, total: 1 });
  const known = context.parts?.get(key);
  const made: Writing =
    known === undefined
      ? await write(writing, text, source)
      : { part: known, cancelled: false, tokens: base.tokens, ms: base.ms };
  const { part } = made;
  if (part !== undefined && !made.cancelled) context.parts?.set(key, part);
  const cancelled = made.cancelled || (options.signal?.aborted ?? false);
  options.onProgress?.({ done: 1, total: 1 });
  const result: Summary = {
    ...base,
    coverage: part === undefined && cancelled ? 0 : share,
    tokens: made.tokens,
    ms: { ...base.ms, ...made.ms },
    confidence: part?.confidence ?? 0,
    origin: "model",
    logProbs: part?.logProbs ?? [],
    cancelled,
  };
  const words = part?.text.replace(/^[-*•]\s+/, "") ?? "";
  const own = part === undefined ? "" : shape([words], style, maxWords, context.locale);
  if (cancelled) return { ...result, summary: own };
  const confidence = part?.confidence ?? 0;
  const isUnsure = least > 0 && !(await isBetter(ranked, source, words, confidence, least));
  const isWeak = kind === "title" && base.calibrated && isWeakTitle(ranked, source, own, confidence, minimumConfidence);
  const isFalse = own === "" || (decoding.faithful !== false && isInvented(source, own));
  const instead = isUnsure || isFalse || isWeak ? quoted(ranked, style, maxWords) : undefined;
  if (instead !== undefined) return { ...result, summary: instead, origin: "text", coverage: base.coverage };
  if (own === "" || (isFalse && kind === "summary")) throw new NoProse();
  return { ...result, summary: own };
}

/**
 * Whether a quoted title is better: the document's where the model is unsure, what its best sentence defines, or any
 * other than nonsense and the headings of its parts.
 */
function isWeakTitle(
  { prose, sentences, scores }: RankedProse,
  source: string,
  title: string,
  confidence: number,
  least: number,
): boolean {
  if (least === 0) return false;
  if (confidence < LEAST_TITLE || isPoorTitle(source, title)) return true;
  if (titleOf(prose) !== undefined) return confidence < least;
  const best = bestOf(sentences, scores);
  return isPart(prose, title) || (best !== undefined && subjectOf(best.text) !== undefined);
}

/** Whether what the model wrote stands for the text as well as its best sentence, in whose place the ranker sees it. */
async function isBetter(
  { sentences, scores, scoreOf }: RankedProse,
  source: string,
  words: string,
  confidence: number,
  least: number,
): Promise<boolean> {
  if (confidence < REWORDED * least) return false;
  const wording = await wordingOf(source, words, scoreOf === undefined ? undefined : englishNgrams);
  if (wording === undefined || (wording === "copied" && confidence < least)) return false;
  const best = bestOf(sentences, scores);
  if (best === undefined || scoreOf === undefined) return true;
  const index = sentences.indexOf(best);
  return (await scoreOf(words, index)) >= (scores[index] ?? 0) - MOST_WORSE;
}

/** Share of the least confidence that is enough for a sentence in new words, which are less likely ones. */
const REWORDED = 0.5;

/**
 * Of 320 validation documents and 220 raw files (mean of ROUGE-1, 2 and L) sentences so chosen reach 33.6 and 24.8, by
 * their confidence alone 33.8 and 23.7, the best sentences of the texts 33.4 and 24.7.
 */
const MOST_WORSE = 0.03;

/** Share of the prose whose sentences were ranked. */
function rankedShare({ prose, sentences }: RankedProse): number {
  return sentences.length < MOST_SENTENCES ? 1 : (sentences.at(-1)?.end ?? 0) / prose.text.length;
}

/** Titles below it are further from people's than the beginnings of the best sentences (97 raw files). */
const LEAST_TITLE = 0.3;

/** Code units of a token, at most, in prose: a first guess at how many fit. */
const UNITS_OF_TOKEN = 5;

/**
 * The text that the model writes from: all of the prose, or the title and the stretch around the best sentences.
 * @param room tokens
 * @returns the text, and its share of the prose
 */
async function windowOf(
  { prose, sentences, scores }: RankedProse,
  model: LoadedModel,
  room: number,
): Promise<{ text: string; share: number }> {
  const { start, end } = bestStretch(prose, sentences, scores, room * UNITS_OF_TOKEN);
  const title = start > 0 && prose.title !== "" && prose.title.length < room ? `# ${prose.title}\n\n` : "";
  let stop = end;
  for (;;) {
    const text = title + prose.text.slice(start, stop).trim();
    const [tokens = []] = await model.encodeAll([text]);
    if (tokens.length <= room || stop - start <= 1) {
      return { text, share: stop - start >= prose.text.length ? 1 : (stop - start) / prose.text.length };
    }
    const fitting = start + Math.floor((stop - start) * Math.min(0.97, room / tokens.length));
    stop = Math.max(start + 1, borderBefore(prose.text, sentences, start, fitting));
  }
}

/** The end of the last sentence before an offset if that leaves half of the stretch; else the last white space. */
function borderBefore(text: string, sentences: readonly DocumentSentence[], start: number, offset: number): number {
  const half = start + (offset - start) / 2;
  const sentence = sentences.findLast(({ end }) => end <= offset)?.end ?? 0;
  if (sentence > half) return sentence;
  const space = text.slice(0, offset).search(/\s\S*$/);
  return space > half ? space : offset;
}

/** Whether the letters of a text are mostly of a script that one of the languages is written in. */
function canRead(text: string, languages: readonly string[]): boolean {
  const read = text.slice(0, 4000);
  const letters = read.match(/\p{L}/gu)?.length ?? 0;
  const latin = read.match(/\p{sc=Latin}/gu)?.length ?? 0;
  const isLatinOnly = languages.every((language) => new Intl.Locale(language).maximize().script === "Latn");
  return !isLatinOnly || 2 * latin >= letters;
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
