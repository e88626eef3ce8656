/** Has the model write a summary or title of a text that fits its window, and checks what it wrote. */
import { ModelError } from "../../../models/errors.ts";
import { prefixedText } from "../../../models/tokenizer/parts.ts";
import { TASK_PREFIXES } from "../../../protocol/task-prefixes.ts";
import type { CallOptions, GeneratedSequence, Generation, LoadedModel } from "../../engine/engine.ts";
import { confidenceOf } from "../confidence.ts";
import { type Decoding, inventions, mostFaithful } from "../decoding.ts";
import { tidy } from "./summary-text.ts";

/** The words of the model; an empty text where it wrote nothing. */
export interface WrittenPart {
  readonly text: string;
  readonly confidence: number;
  readonly logProbs: readonly number[];
}

/** The services that writing needs. */
export interface WritingContext {
  readonly model: LoadedModel;
  readonly options: CallOptions;
  readonly kind: "summary" | "title";
  readonly decoding: Decoding;
  /** Tokens of the encoder's input, prefix and eos included. */
  readonly window: number;
  /** The least confidence of what is shown: what is written with less is not improved. */
  readonly least: number;
}

/** A written text, and what it cost. */
export interface Writing {
  /** undefined when it was cancelled before anything was written. */
  readonly part?: WrittenPart;
  readonly cancelled: boolean;
  readonly tokens: { readonly in: number; readonly out: number };
  readonly ms: { readonly encode: number; readonly decode: number };
}

const MOST_TOKENS = { summary: 64, title: 24 } as const;
/** Room that must be left for text beside the prefix and eos. */
const LEAST_TEXT_TOKENS = 16;

/**
 * Tokens of text that a window has room for.
 * @throws ModelError "input" when the prefix leaves too few
 */
export async function roomFor({ model, kind, window }: WritingContext): Promise<number> {
  const [prefix = []] = await model.encodeAll([prefixOf(model, kind)]);
  const room = window - prefix.length - 1;
  if (room >= LEAST_TEXT_TOKENS) return room;
  throw new ModelError("input", `A window of ${window} tokens leaves no room beside the prefix; use a larger one.`);
}

/**
 * Writes of a text. What has names or numbers that the source lacks is written again without them.
 * @param source everything that may be named
 */
export async function write(context: WritingContext, text: string, source: string): Promise<Writing> {
  const { model, kind, window } = context;
  const ids = await model.encode(prefixedText(prefixOf(model, kind), text), window);
  const first = await attempt(context, ids, source, []);
  if (context.decoding.faithful === false || first.cancelled || first.sequence === undefined) return writingOf(first);
  if (partOf(context, first.sequence).confidence < context.least) return writingOf(first);
  const barred = await barredTokens(model, ids, inventions(source, first.sequence.text));
  if (barred.length === 0) return writingOf(first);
  const second = await attempt(context, ids, source, barred);
  const isBetter =
    second.sequence !== undefined &&
    second.sequence.text.trim() !== "" &&
    inventions(source, second.sequence.text).length < inventions(source, first.sequence.text).length;
  return writingOf(isBetter ? second : first, isBetter ? first : second);

  function writingOf(taken: Attempt, other?: Attempt): Writing {
    const { sequence, cancelled } = taken;
    const sum = (of: (one: Attempt) => number) => of(taken) + (other === undefined ? 0 : of(other));
    const isNothing = sequence === undefined || (cancelled && sequence.ids.length === 0);
    return {
      ...(isNothing ? {} : { part: partOf(context, sequence) }),
      cancelled,
      tokens: { in: sum(() => ids.length), out: sum((one) => one.sequence?.ids.length ?? 0) },
      ms: {
        encode: sum(({ timing }) => timing.encodeMs),
        decode: sum(({ timing }) => timing.totalMs - timing.encodeMs),
      },
    };
  }
}

interface Attempt {
  readonly sequence: GeneratedSequence | undefined;
  readonly cancelled: boolean;
  readonly timing: Generation["timing"];
}

async function attempt(
  { model, options, kind, decoding, window }: WritingContext,
  ids: readonly number[],
  source: string,
  bannedTokens: readonly number[],
): Promise<Attempt> {
  const { beams = 1, faithful = true, shortlist = "off", copyBias = {} } = decoding;
  const { sequences, cancelled, timing } = await model.generate(
    {
      inputs: [ids],
      shortlist,
      copyBias,
      numBeams: beams,
      numReturnSequences: beams,
      maxNewTokens: Math.min(MOST_TOKENS[kind], Math.floor(window / 4)),
      noRepeatNgramSize: 3,
      ...(bannedTokens.length === 0 ? {} : { bannedTokens }),
    },
    options,
  );
  const [all = []] = sequences;
  return { sequence: faithful ? mostFaithful(source, all, kind === "summary") : all[0], cancelled, timing };
}

/** The tokens of invented words that the input does not have. */
async function barredTokens(model: LoadedModel, input: readonly number[], words: readonly string[]): Promise<number[]> {
  if (words.length === 0) return [];
  const known = new Set(input);
  const tokens = (await model.encodeAll(words.flatMap((word) => [word, ` ${word}`]))).flat();
  return [...new Set(tokens)].filter((id) => !known.has(id));
}

function partOf({ model, kind }: WritingContext, { text, logProbs }: GeneratedSequence): WrittenPart {
  return { text: tidy(text), confidence: confidenceOf(model.info, kind, logProbs), logProbs };
}

function prefixOf(model: LoadedModel, kind: "summary" | "title"): string {
  const { summarize: summary = TASK_PREFIXES.summarize, title } = model.info.prefixes;
  return kind === "title" ? (title ?? summary) : summary;
}
