/** The request of `spanfill generate`: its options above the model's own settings. */
import { defined } from "../../../base/defined.ts";
import type { GenerationSettings } from "../../catalog/folder/generation.ts";
import { UsageError } from "../../command-work.ts";
import type { GenerateRequest } from "../../engine/engine.ts";

/** Options of decoding; absent ones are not given on the command line. */
export interface DecodingOptions {
  readonly maxNewTokens?: number;
  readonly minNewTokens?: number;
  readonly numBeams?: number;
  readonly numReturnSequences?: number;
  /** `--no-repeat-ngram-size`: commander takes a leading "no" off the name, and says true where it is not given. */
  readonly repeatNgramSize?: number | true;
  readonly lengthPenalty?: number;
  readonly repetitionPenalty?: number;
  readonly earlyStopping?: boolean;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly seed?: number;
}

/** A setting and where it comes from. */
interface Stated {
  readonly value: unknown;
  readonly from: string;
}

/**
 * Returns the request, where each of its settings comes from, and a note on those not carried out.
 * @throws UsageError when options contradict
 */
export function requestOf(
  input: readonly number[],
  options: DecodingOptions,
  own: GenerationSettings = { from: "default", ignored: [] },
): { request: GenerateRequest; settings: Record<string, Stated | readonly string[]>; notes?: readonly string[] } {
  const settings: Record<string, Stated | readonly string[]> = {};
  const choose = <T>(name: string, given: T | undefined, stated: T | undefined, otherwise: T): T => {
    const value = given ?? stated ?? otherwise;
    const from = given !== undefined ? "command line" : stated !== undefined ? own.from : "default";
    settings[name] = { value, from };
    return value;
  };
  const ngramSize = options.repeatNgramSize === true ? undefined : options.repeatNgramSize;
  const { temperature, topK, topP, seed } = options;
  const sampling = defined({ temperature, topK, topP, seed });
  const isGiven = Object.keys(sampling).length > 0;
  // Beams on the command line are no sampling, whatever the model's own settings say.
  const ownSample = options.numBeams === undefined || options.numBeams === 1 ? own.sample : undefined;
  const sample = isGiven || ownSample !== undefined ? { ...ownSample, ...sampling } : undefined;
  if (sample !== undefined) settings["sample"] = { value: sample, from: isGiven ? "command line" : own.from };
  const ownBeams = sample === undefined ? own.numBeams : undefined;
  const request = {
    inputs: [input],
    maxNewTokens: choose("maxNewTokens", options.maxNewTokens, own.maxNewTokens, 64),
    minNewTokens: choose("minNewTokens", options.minNewTokens, own.minNewTokens, 0),
    numBeams: choose("numBeams", options.numBeams, ownBeams, 1),
    numReturnSequences: choose("numReturnSequences", options.numReturnSequences, own.numReturnSequences, 1),
    noRepeatNgramSize: choose("noRepeatNgramSize", ngramSize, own.noRepeatNgramSize, 0),
    lengthPenalty: choose("lengthPenalty", options.lengthPenalty, own.lengthPenalty, 1),
    repetitionPenalty: choose("repetitionPenalty", options.repetitionPenalty, own.repetitionPenalty, 1),
    earlyStopping: choose("earlyStopping", options.earlyStopping, own.earlyStopping, false),
    ...defined({ sample, scoreRules: own.scoreRules }),
  };
  if (sample === undefined && request.numReturnSequences > request.numBeams)
    throw new UsageError("--num-return-sequences must not exceed --num-beams, except when sampling.");
  for (const name of TOKEN_SETTINGS) if (own[name] !== undefined) settings[name] = { value: own[name], from: own.from };
  if (own.ignored.length === 0) return { request, settings };
  settings["ignored"] = own.ignored;
  const note = `${own.from} asks for ${own.ignored.join(", ")}, which Spanfill does not do: the text is without`;
  return { request, settings, notes: [note] };
}

/** Settings that no option changes. */
const TOKEN_SETTINGS = [
  "startTokenId",
  "endTokenIds",
  "forcedFirst",
  "forcedLast",
  "bannedTokens",
  "bannedFirst",
  "bannedSequences",
  "scoreRules",
] as const;
