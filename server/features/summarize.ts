/** Summarises text of any length: in parts where it is longer than the model's window, leaving nothing out. */
import { ModelError } from "../../models/errors.ts";
import type { CallOptions, InputPart, LoadedModel } from "../engine/engine.ts";
import { distinct, MOST_PARTS, type SummaryStyle, shape, tidy } from "./summary-text.ts";
import { type Span, splitText } from "./text-split.ts";

/** What to summarise, and how. */
export interface SummarizeParams {
  readonly text: string;
  readonly style: SummaryStyle;
  /** Most words (between white space) of the summary, bullet marks not counted; no limit when absent. */
  readonly maxWords?: number;
  /** Tokens of one encoder window, prefix and eos included. Default 512, what T5 is trained on. */
  readonly maxContextTokens?: number;
}

/** A summary and how it came about. */
export interface Summary {
  readonly summary: string;
  /** Parts the text was cut into. */
  readonly chunks: number;
  /** Share of the source's characters that reached the encoder; below 1 only when cancelled. */
  readonly coverage: number;
  /** Tokens encoded and produced, over all passes. */
  readonly tokens: { readonly in: number; readonly out: number };
  readonly ms: { readonly total: number; readonly split: number; readonly encode: number; readonly decode: number };
  /** The model's id. */
  readonly model: string;
  /** Whether the signal stopped it; `summary` then holds what there was. */
  readonly cancelled: boolean;
}

/** CallOptions, and progress: passes done of those known so far. `onTokens` sees every pass. */
export interface SummarizeOptions extends CallOptions {
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** What a summary is made with. `locale`: BCP 47 tag for sentence borders. */
export interface SummarizeContext {
  readonly model: LoadedModel;
  readonly locale?: string;
}

/**
 * The summary of a text. A text beyond one window is cut at headings and paragraphs, else sentences, else words; its
 * parts are summarised one after another and their summaries joined: summarised again (sentence, title), put in a row
 * (paragraph) or listed (bullets).
 * @throws ModelError "input" when the text is empty or binary or the window too small; what the model throws
 */
export async function summarize(
  context: SummarizeContext,
  params: SummarizeParams,
  options: SummarizeOptions = {},
): Promise<Summary> {
  const started = performance.now();
  check(params);
  const work: Work = { ...context, options, window: params.maxContextTokens ?? WINDOW_TOKENS, tally: new Tally() };
  const spans = await cut(work, params);
  const splitMs = performance.now() - started;

  const { tally } = work;
  tally.total = spans.length;
  const style = params.style === "title" && spans.length === 1 ? "title" : "sentence";
  const summaries: string[] = [];
  let reached = 0;
  for (const span of spans) {
    if (stopped(work)) break;
    const made = await pass(work, style, params.text.slice(span.start, span.end));
    // A pass that was cancelled before its encoder ran read nothing.
    if (made === undefined) break;
    summaries.push(made);
    reached += span.end - span.start;
  }
  const summary = stopped(work)
    ? shape(summaries, params.style, params.maxWords, context.locale)
    : await joined(work, params, summaries.filter(Boolean), style);
  return {
    summary,
    chunks: spans.length,
    coverage: reached / params.text.length,
    tokens: { in: tally.tokensIn, out: tally.tokensOut },
    ms: { total: performance.now() - started, split: splitMs, encode: tally.encodeMs, decode: tally.decodeMs },
    model: context.model.info.id,
    cancelled: stopped(work),
  };
}

const WINDOW_TOKENS = 512;
/** Room that must be left for text beside the prefix and eos. */
const LEAST_TEXT_TOKENS = 16;
const MOST_TOKENS = { sentence: 64, title: 24 } as const;
/** Parts that a paragraph or a list is made of even when the text fits one window, if its parts keep this many tokens. */
const WANTED_PARTS = { sentence: 1, paragraph: 3, bullets: 4, title: 1 } as const;
const LEAST_PART_TOKENS = 96;

interface Work extends SummarizeContext {
  readonly options: SummarizeOptions;
  readonly window: number;
  readonly tally: Tally;
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
  const nul = text.indexOf("\0");
  if (nul >= 0) {
    throw new ModelError("input", `The text is binary (a NUL character at offset ${nul}). Give it plain text instead.`);
  }
  if (text.trim() === "")
    throw new ModelError("input", "The text is empty: there is nothing to summarise. Add some text.");
  if (maxWords !== undefined && !(Number.isInteger(maxWords) && maxWords >= 1)) {
    throw new ModelError("input", `maxWords is ${maxWords}; use a whole number of at least 1.`);
  }
  if (maxContextTokens !== undefined && !(Number.isInteger(maxContextTokens) && maxContextTokens >= 32)) {
    throw new ModelError("input", `maxContextTokens is ${maxContextTokens}; use a whole number of at least 32.`);
  }
}

/** The parts to summarise; more than the window asks for when a paragraph or a list is wanted. */
async function cut(work: Work, { text, style }: SummarizeParams): Promise<Span[]> {
  const prefix = await work.model.encodeAll([prefixOf(work.model, "sentence"), prefixOf(work.model, "title")]);
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
 * One pass of the model over a text: its summary ("" for white space), or undefined when it was cancelled before it
 * began. A text that turns out longer than the window is halved, never cut off.
 */
async function pass(work: Work, style: "sentence" | "title", text: string): Promise<string | undefined> {
  const { model, options, tally } = work;
  const parts: InputPart[] = [
    { kind: "text", text: prefixOf(model, style) },
    { kind: "text", text: text.trim() },
  ];
  const ids = [...(await model.encode(parts)), model.info.config.eosTokenId];
  if (ids.length > work.window && text.length > 2) {
    const [first, second] = await halves(work, text);
    tally.total += 1;
    const made = [await pass(work, style, first), stopped(work) ? undefined : await pass(work, style, second)];
    return made.every((one) => one === undefined) ? undefined : made.filter(Boolean).join(" ");
  }
  let summary = "";
  if (text.trim() !== "") {
    const generation = await model.generate(
      {
        inputs: [ids],
        // At most a quarter of the window, so that summarising summaries always makes them fewer.
        maxNewTokens: Math.min(MOST_TOKENS[style], Math.floor(work.window / 4)),
        noRepeatNgramSize: 3,
      },
      options,
    );
    const best = generation.sequences[0]?.[0];
    if (generation.cancelled && (best === undefined || best.ids.length === 0)) return undefined;
    tally.tokensIn += ids.length;
    tally.tokensOut += best?.ids.length ?? 0;
    tally.encodeMs += generation.timing.encodeMs;
    tally.decodeMs += generation.timing.totalMs - generation.timing.encodeMs;
    summary = tidy(best?.text ?? "");
  }
  tally.done += 1;
  options.onProgress?.({ done: tally.done, total: tally.total });
  return summary;
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

/** Makes one summary of the parts' summaries, in as many rounds as it takes. */
async function joined(
  work: Work,
  params: SummarizeParams,
  summaries: readonly string[],
  made: "sentence" | "title",
): Promise<string> {
  let parts = distinct(summaries);
  while (parts.length > MOST_PARTS[params.style] && !stopped(work)) {
    const groups = await grouped(work, parts, Math.ceil(parts.length / MOST_PARTS[params.style]));
    work.tally.total += groups.length;
    const next: string[] = [];
    for (const group of groups) {
      if (stopped(work)) break;
      next.push((await pass(work, "sentence", group)) ?? "");
    }
    parts = distinct(next.filter(Boolean));
  }
  if (params.style === "title" && made !== "title" && !stopped(work)) {
    work.tally.total += 1;
    const title = await pass(work, "title", parts.join("\n"));
    if (title) parts = [title];
  }
  return shape(parts, params.style, params.maxWords, work.locale);
}

/** Neighbouring summaries joined: at least two to a group, at most `most`, and as many as fit a window. */
async function grouped({ model, window }: Work, parts: readonly string[], most: number): Promise<string[]> {
  const counts = (await model.encodeAll(parts)).map((ids) => ids.length);
  const groups: string[][] = [];
  let tokens = 0;
  for (const [i, part] of parts.entries()) {
    const open = groups.at(-1);
    const count = counts[i] ?? 0;
    if (open !== undefined && (open.length < 2 || (open.length < most && tokens + count < window * 0.9))) {
      open.push(part);
      tokens += count;
    } else {
      groups.push([part]);
      tokens = count;
    }
  }
  return groups.map((group) => group.join(" "));
}

function prefixOf(model: LoadedModel, style: "sentence" | "title"): string {
  const { summarize: summary = "summarize: ", title } = model.info.prefixes;
  // White space after it is the encoder's matter: the text that follows begins a word of its own.
  return (style === "title" ? (title ?? summary) : summary).trimEnd();
}

function stopped({ options }: Work): boolean {
  return options.signal?.aborted ?? false;
}
