/** Fills gaps in one pass, so that the engine's process is called once instead of five times. */
import { type FillSpan, readSpans } from "../../models/tokenizer/spans.ts";
import type { Tokenizer } from "../../models/tokenizer/tokenizer.ts";
import { encodeWindow } from "../../models/tokenizer/window.ts";
import type { CallOptions, Filling, FillRequest, GenerateRequest, LoadedModel } from "./engine.ts";

/**
 * Log probabilities of the tokens of each continuation of a request's decoder prefix.
 * @see scoreContinuations
 */
export type ContinuationScorer = (
  input: readonly number[],
  request: Pick<GenerateRequest, "decoderPrefix" | "shortlist">,
  continuations: readonly (readonly number[])[],
) => Promise<number[][]>;

/**
 * Fills the gaps of a window with the model.
 * @throws what `generate` throws
 */
export async function fillWindow(
  tokenizer: Tokenizer,
  generate: LoadedModel["generate"],
  { window, proposals = [], ...request }: FillRequest,
  options: CallOptions = {},
  likelihoods: ContinuationScorer = noScorer,
): Promise<Filling> {
  const input = encodeWindow(tokenizer, window);
  const { sequences, cancelled, timing } = await generate({ ...request, inputs: [input] }, options);
  const anchor = tokenizer.encode(ANCHOR);
  const textOf = (ids: readonly number[]): string => {
    const text = tokenizer.decode([...anchor, ...ids]);
    return text.startsWith(ANCHOR) ? text.slice(ANCHOR.length) : text;
  };
  const prefix = request.decoderPrefix ?? [];
  const read = (produced: readonly number[], logProbs: readonly number[]) => {
    const ids = [...prefix, ...produced];
    const filled = ({ from, to, closed }: FillSpan) => ({
      text: textOf(ids.slice(from, to)),
      logProbs: logProbs.slice(Math.max(0, from - prefix.length), to - prefix.length),
      closed,
      endLogProb: logProbs[to - prefix.length] ?? 0,
    });
    const spans = readSpans(ids, tokenizer.sentinelIds, window.hints.length, tokenizer.eosId);
    return { tokens: produced.length, spans: spans.map((span) => span && filled(span)) };
  };
  const end = request.stopTokens?.[0] ?? tokenizer.eosId;
  const proposed = cancelled ? [] : proposals.map((text) => ({ text, ids: [...tokenizer.encode(text), end] }));
  const short = proposed.filter(({ ids }) => ids.length <= MOST_PROPOSED);
  const beganMs = performance.now();
  const scores =
    short.length === 0
      ? []
      : await likelihoods(
          input,
          request,
          short.map(({ ids }) => ids),
        );
  return {
    inputTokens: input.length,
    sequences: (sequences[0] ?? []).map(({ ids, logProbs }) => read(ids, logProbs)),
    proposed: scores.map((logProbs, i) => ({
      // The model would begin a word with a space.
      text: ` ${short[i]?.text}`,
      logProbs: logProbs.slice(0, -1),
      closed: true,
      endLogProb: logProbs.at(-1) ?? 0,
    })),
    cancelled,
    timing: { ...timing, totalMs: timing.totalMs + performance.now() - beganMs },
  };
}

/** Decoding drops a text's leading space, so an anchor precedes it. */
const ANCHOR = "a";

/** Maximum number of tokens of a proposal including its end; longer ones would delay all of them. */
const MOST_PROPOSED = 5;

const noScorer: ContinuationScorer = async () => [];
