/** One pass of filling gaps, whole: what would be five calls to another process is one here. */
import { type FillSpan, readSpans } from "../../models/tokenizer/spans.ts";
import type { Tokenizer } from "../../models/tokenizer/tokenizer.ts";
import { encodeWindow } from "../../models/tokenizer/window.ts";
import type { CallOptions, Filling, FillRequest, LoadedModel } from "./engine.ts";

/** What the model puts into a window's gaps. @throws what `generate` throws */
export async function fillWindow(
  tokenizer: Tokenizer,
  generate: LoadedModel["generate"],
  { window, ...request }: FillRequest,
  options: CallOptions = {},
): Promise<Filling> {
  const input = encodeWindow(tokenizer, window);
  const { sequences, cancelled, timing } = await generate({ ...request, inputs: [input] }, options);
  const anchor = tokenizer.encode(ANCHOR);
  const textOf = (ids: readonly number[]): string => {
    const text = tokenizer.decode([...anchor, ...ids]);
    return text.startsWith(ANCHOR) ? text.slice(ANCHOR.length) : text;
  };
  const given = request.decoderPrefix ?? [];
  const read = (produced: readonly number[], logProbs: readonly number[]) => {
    const ids = [...given, ...produced];
    const filled = ({ from, to, closed }: FillSpan) => ({
      text: textOf(ids.slice(from, to)),
      logProbs: logProbs.slice(Math.max(0, from - given.length), to - given.length),
      closed,
    });
    const spans = readSpans(ids, tokenizer.sentinelIds, window.hints.length, tokenizer.eosId);
    return { tokens: produced.length, spans: spans.map((span) => span && filled(span)) };
  };
  return {
    inputTokens: input.length,
    sequences: (sequences[0] ?? []).map(({ ids, logProbs }) => read(ids, logProbs)),
    cancelled,
    timing,
  };
}

/** A text's first space is lost in decoding, so something stands before it. */
const ANCHOR = "a";
