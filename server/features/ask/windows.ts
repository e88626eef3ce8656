/**
 * Reads a text of any length in parts that fit the model's window, so that questions and labels leave nothing of it
 * out.
 */
import { ModelError } from "../../../models/errors.ts";
import { prefixedText } from "../../../models/tokenizer/parts.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import { headingStarts, readDocument } from "../../text/document.ts";
import { splitText } from "../../text/text-split.ts";

/** How a text was read. */
export interface Reading {
  /** Parts the text was cut into. */
  readonly chunks: number;
  /** Share of the text's characters that the model read; below 1 only when cancelled. */
  readonly coverage: number;
  /** Tokens encoded and produced, over all parts. */
  readonly tokens: { readonly in: number; readonly out: number };
  readonly ms: number;
  /** The model's id. */
  readonly model: string;
  readonly cancelled: boolean;
}

/** A part of a text, at `start` in UTF-16 units. */
export interface Part {
  readonly text: string;
  readonly start: number;
}

/**
 * Reads each part of a text in turn.
 * @param of `frame`: what stands around each part in the encoder's input; `window`: its tokens
 * @param read gives the tokens that it took
 * @throws ModelError "input" when the frame leaves no room; what `read` throws
 */
export async function partsOf(
  model: LoadedModel,
  { text, frame, window }: { readonly text: string; readonly frame: string; readonly window: number },
  options: {
    readonly signal?: AbortSignal;
    readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  },
  read: (part: Part) => Promise<{ readonly in: number; readonly out: number; readonly cancelled: boolean }>,
): Promise<Reading> {
  const started = performance.now();
  const countTokens = async (texts: readonly string[]) => (await model.encodeAll(texts)).map((ids) => ids.length);
  const [taken = 0] = await countTokens([frame]);
  const room = window - taken - SPARE_TOKENS;
  if (room < LEAST_TOKENS) {
    throw new ModelError(
      "input",
      `The question or prefix takes ${taken} of the window's ${window} tokens, which leaves no room for the text. Shorten it, or use a larger window.`,
    );
  }
  const { signal, onProgress } = options;
  const headings = headingStarts(await readDocument(text));
  const spans = await splitText(text, room, { countTokens, headings, ...(signal === undefined ? {} : { signal }) });
  const tokens = { in: 0, out: 0 };
  let reached = 0;
  let cancelled = false;
  for (const [i, { start, end }] of spans.entries()) {
    cancelled = signal?.aborted ?? false;
    if (cancelled) break;
    const made = await read({ text: text.slice(start, end), start });
    cancelled = made.cancelled;
    if (cancelled) break;
    tokens.in += made.in;
    tokens.out += made.out;
    reached += end - start;
    onProgress?.({ done: i + 1, total: spans.length });
  }
  return {
    chunks: spans.length,
    coverage: reached / Math.max(1, text.length),
    tokens,
    ms: performance.now() - started,
    model: model.info.id,
    cancelled: cancelled || (signal?.aborted ?? false),
  };
}

/** Token ids of a task's input, as they were learned: the prefix with its special tokens, the text, eos. */
export async function inputIds(model: LoadedModel, prefix: string, text: string): Promise<number[]> {
  return model.encode(prefixedText(prefix, text));
}

/** Eos, and a whole text has a few tokens more than its pieces. */
const SPARE_TOKENS = 4;
const LEAST_TOKENS = 16;
