/** Fills gaps in one pass, so that the engine's process is called once instead of five times. */
import { type FillSpan, readSpans } from "../../models/tokenizer/spans.ts";
import type { Tokenizer } from "../../models/tokenizer/tokenizer.ts";
import { encodeWindow } from "../../models/tokenizer/window.ts";
import type {
  CallOptions,
  FilledSpan,
  Filling,
  FillRequest,
  FillSequence,
  GenerateRequest,
  LoadedModel,
} from "./engine.ts";
import type { Continuations } from "./search/continuations.ts";

/** Scores continuations of a request's decoder prefix, for each input. @see scoreContinuations */
export type ContinuationScorer = (
  inputs: readonly (readonly number[])[],
  request: Pick<GenerateRequest, "decoderPrefix" | "shortlist">,
  continuations: readonly Continuations[],
) => Promise<(number[] | undefined)[][]>;

/**
 * Fills the gaps of a window, and of others, with the model.
 * @throws what `generate` throws
 */
export async function fillWindow(
  tokenizer: Tokenizer,
  generate: LoadedModel["generate"],
  { window, proposals = [], others = [], ...request }: FillRequest,
  options: CallOptions = {},
  likelihoods: ContinuationScorer = noScorer,
): Promise<Filling> {
  const windows = [{ window, proposals }, ...others];
  const inputs = windows.map((one) => encodeWindow(tokenizer, one.window));
  const { sequences, cancelled, timing } = await generate({ ...request, inputs }, options);
  const beganMs = performance.now();
  const proposed = await scoreProposals(
    tokenizer,
    inputs,
    request,
    windows.map((one) => (cancelled ? [] : (one.proposals ?? []))),
    sequences.map(
      (found) => Math.max(...found.map(({ logProbs }) => logProbs.reduce((sum, value) => sum + value, 0))) - HOPELESS,
    ),
    likelihoods,
  );
  const read = sequenceReader(tokenizer, request.decoderPrefix ?? []);
  const [first = { inputTokens: 0, sequences: [], proposed: [] }, ...rest] = windows.map(
    ({ window: { hints } }, i) => ({
      inputTokens: inputs[i]?.length ?? 0,
      sequences: (sequences[i] ?? []).map(({ ids, logProbs }) => read(ids, logProbs, hints.length)),
      proposed: proposed[i] ?? [],
    }),
  );
  return {
    ...first,
    ...(others.length > 0 && { others: rest }),
    cancelled,
    timing: { ...timing, totalMs: timing.totalMs + performance.now() - beganMs },
  };
}

/** Reads the fills out of what was produced after a prefix. */
function sequenceReader(tokenizer: Tokenizer, prefix: readonly number[]) {
  const anchor = tokenizer.encode(ANCHOR);
  const textOf = (ids: readonly number[]): string => {
    const text = tokenizer.decode([...anchor, ...ids]);
    return text.startsWith(ANCHOR) ? text.slice(ANCHOR.length) : text;
  };
  return (produced: readonly number[], logProbs: readonly number[], gaps: number): FillSequence => {
    const ids = [...prefix, ...produced];
    const filled = ({ from, to, closed }: FillSpan) => ({
      text: textOf(ids.slice(from, to)),
      logProbs: logProbs.slice(Math.max(0, from - prefix.length), to - prefix.length),
      closed,
      endLogProb: logProbs[to - prefix.length] ?? 0,
    });
    const spans = readSpans(ids, tokenizer.sentinelIds, gaps, tokenizer.eosId);
    return { tokens: produced.length, spans: spans.map((span) => span && filled(span)) };
  };
}

async function scoreProposals(
  tokenizer: Tokenizer,
  inputs: readonly (readonly number[])[],
  request: Omit<FillRequest, "window">,
  proposals: readonly (readonly string[])[],
  floors: readonly number[],
  likelihoods: ContinuationScorer,
): Promise<FilledSpan[][]> {
  const end = request.stopTokens?.[0] ?? tokenizer.eosId;
  const short = proposals.map((texts) =>
    texts
      .map((text) => ({ text, ids: [...tokenizer.encode(text), end] }))
      .filter(({ ids }) => ids.length <= MOST_PROPOSED),
  );
  if (short.every(({ length }) => length === 0)) return short.map(() => []);
  const scores = await likelihoods(
    inputs,
    request,
    short.map((texts, i) => ({ ids: texts.map(({ ids }) => ids), floor: floors[i] ?? Number.NEGATIVE_INFINITY })),
  );
  return scores.map((ofInput, i) =>
    ofInput.flatMap((logProbs, at) => {
      if (logProbs === undefined) return [];
      // The model would begin a word with a space.
      const text = ` ${short[i]?.[at]?.text}`;
      return [{ text, logProbs: logProbs.slice(0, -1), closed: true, endLogProb: logProbs.at(-1) ?? 0 }];
    }),
  );
}

/** Decoding drops a text's leading space, so an anchor precedes it. */
const ANCHOR = "a";

/** How much less likely than the likeliest fill a proposal may be, in nats; n-grams can make up for less. */
const HOPELESS = 8;
/** Maximum number of tokens of a proposal including its end; longer ones would delay all of them. */
const MOST_PROPOSED = 5;

const noScorer: ContinuationScorer = async () => [];
