/** Generation and scoring on top of a runner: checks the request, picks the search, turns ids into text. */
import { longestNgram } from "../../../models/t5/generation.ts";
import type { CallOptions, GenerateRequest, Generation, TargetScore } from "../engine.ts";
import { beamSearch } from "./beam.ts";
import { type Candidates, type CommonTokens, shortlisted, wholeVocabulary } from "./candidates.ts";
import { logSumOfExponentials } from "./logits.ts";
import { checkTokens, type SearchSettings, type SpecialTokens, searchSettings } from "./request.ts";
import type { Runner } from "./runner.ts";
import { createPace } from "./search.ts";
import { greedySearch, steppedSearch, type TokenListener } from "./single.ts";

/** The parts of a loaded model that generation needs. */
export interface TokenModel {
  readonly runner: Runner;
  /** The special tokens; a T5Config has them. */
  readonly config: SpecialTokens;
  /** The token that precedes a target in training, if generation begins with another. */
  readonly trainedStartTokenId?: number;
  /** Converts ids to text, without special tokens. */
  readonly decode: (ids: readonly number[]) => string;
  /**
   * The tokens common to all shortlists of a size; returns the same object for the same size.
   * @see rankedTokens
   */
  readonly commonTokens: (size: number) => CommonTokens;
  /** Tokens that can be read but are never produced. */
  readonly inputOnly?: readonly number[];
}

/**
 * Produces sequences: greedy in chunks inside the graph, beam search, or sampling, depending on the request. An
 * aborted signal is not an error: the result then holds what was produced, with `cancelled`.
 * @throws ModelError "input" for an invalid request, "runtime" when the runtime fails
 * @see GenerationMixin.generate, transformers generation/utils.py
 */
export async function generate(
  model: TokenModel,
  request: GenerateRequest,
  options: CallOptions = {},
): Promise<Generation> {
  const { runner, decode, inputOnly = [] } = model;
  const bannedTokens = [...(request.bannedTokens ?? []), ...inputOnly];
  const settings = searchSettings({ ...request, bannedTokens }, model.config, runner.vocabSize);
  const beganMs = performance.now();
  const pace = createPace(runner.timing, options.signal);
  if (options.signal?.aborted) return nothing(settings);
  const encoded = await runner.encode(settings.inputs, options.signal).catch((error: unknown) => {
    if (options.signal?.aborted) return null;
    throw error;
  });
  if (encoded === null) return nothing(settings);
  const encodedMs = performance.now();
  try {
    const { onTokens } = options;
    const listener: TokenListener | undefined = onTokens && ((ids) => onTokens(ids, decode(ids)));
    const candidates = candidatesOf(model, settings);
    const result = await searchFor(settings)(encoded, settings, candidates, pace, listener);
    const endedMs = performance.now();
    return {
      sequences: result.sequences.map((row) => row.map((sequence) => ({ ...sequence, text: decode(sequence.ids) }))),
      cancelled: result.cancelled,
      timing: {
        encodeMs: encodedMs - beganMs,
        firstTokenMs: (pace.firstTokenMs() ?? endedMs) - beganMs,
        totalMs: endedMs - beganMs,
        steps: result.steps,
      },
    };
  } finally {
    encoded.dispose();
  }
}

/**
 * The log-likelihood of target ids for input ids over the whole vocabulary, in one encoder pass and one decoder pass
 * over all positions.
 * @param target includes eos, as T5's converters score
 * @throws ModelError "input" for ids outside the vocabulary or empty rows
 */
export async function score(
  model: TokenModel,
  input: readonly number[],
  target: readonly number[],
  options: CallOptions = {},
): Promise<TargetScore> {
  const { runner, config, trainedStartTokenId = config.decoderStartTokenId } = model;
  checkTokens("input", input, runner.vocabSize, 1);
  checkTokens("target", target, runner.vocabSize, 1);
  options.signal?.throwIfAborted();
  const encoded = await runner.encode([input], options.signal);
  try {
    const shifted = [trainedStartTokenId, ...target.slice(0, -1)];
    const { logits, state } = await encoded.start(1).step(shifted, null, true); // [1, T, V]
    state.dispose();
    const logProbs = target.map((id, position) => {
      const row = logits.subarray(position * runner.vocabSize, (position + 1) * runner.vocabSize);
      return (row[id] ?? Number.NaN) - logSumOfExponentials(row);
    });
    return { total: logProbs.reduce((sum, logProb) => sum + logProb, 0), logProbs, ids: target };
  } finally {
    encoded.dispose();
  }
}

/**
 * The candidates of a search. A shortlist includes every token that the search must be able to use: its prompt, end
 * tokens and inputs.
 */
export function candidatesOf({ runner, commonTokens }: TokenModel, settings: SearchSettings): Candidates {
  const { shortlist, inputs, prompt, endTokens, penalties } = settings;
  if (shortlist === null) return wholeVocabulary(runner.vocabSize);
  return shortlisted(commonTokens(Math.min(shortlist, runner.vocabSize)), [
    ...[...endTokens, ...prompt, ...inputs.flat()],
    ...(penalties.rules ? [penalties.rules.first ?? [], penalties.rules.last].flat() : []),
  ]);
}

function searchFor({ numBeams, sampling, penalties, scoreRules }: SearchSettings) {
  if (numBeams > 1) return beamSearch;
  const inGraph =
    !penalties.rules &&
    scoreRules === null &&
    penalties.repetitionPenalty === 1 &&
    penalties.noRepeatNgramSize !== 1 &&
    penalties.noRepeatNgramSize <= longestNgram;
  return sampling === null && inGraph ? greedySearch : steppedSearch;
}

/** The result of a request that was cancelled before it began. */
function nothing({ inputs }: SearchSettings): Generation {
  return {
    sequences: inputs.map(() => []),
    cancelled: true,
    timing: { encodeMs: 0, firstTokenMs: 0, totalMs: 0, steps: 0 },
  };
}
