/** Validates and completes a generation request, so that every option has a usable value. */
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import type { GenerationSettings, ScoreRules } from "../../catalog/folder/generation.ts";
import type { GenerateRequest } from "../engine.ts";
import type { CopyBias } from "./copying.ts";
import type { Penalties, TokenRules } from "./logits.ts";
import type { Sampling } from "./sampling.ts";

/** The special tokens that a search needs, and what the model's own settings say of tokens. */
export type SpecialTokens = Pick<T5Config, "padTokenId" | "eosTokenId" | "decoderStartTokenId"> & {
  readonly own?: Pick<
    GenerationSettings,
    "endTokenIds" | "forcedFirst" | "forcedLast" | "bannedTokens" | "bannedFirst" | "bannedSequences"
  >;
};

/** A request with its defaults filled in. */
export interface SearchSettings {
  readonly inputs: readonly (readonly number[])[];
  readonly maxNewTokens: number;
  readonly numBeams: number;
  readonly numReturnSequences: number;
  /** null for the best token instead of sampling. */
  readonly sampling: Sampling | null;
  readonly lengthPenalty: number;
  readonly earlyStopping: boolean | "never";
  readonly pruneBelow: number;
  readonly penalties: Penalties;
  /** null: none, so that no search computes all scores of a row. */
  readonly scoreRules: ScoreRules | null;
  /** Tokens that end a sequence: eos and the stop tokens, each once. */
  readonly endTokens: readonly number[];
  /** Decoder tokens fed first: the start token and the forced prefix. */
  readonly prompt: readonly number[];
  readonly startTokenId: number;
  readonly padTokenId: number;
  /** Number of most frequent tokens to choose from besides those of the request; null for the whole vocabulary. */
  readonly shortlist: number | null;
  /** null: none. */
  readonly copyBias: CopyBias | null;
  /** The inputs without their end token: text that may be copied. */
  readonly sources: readonly (readonly number[])[];
}

/**
 * The settings of a request. Defaults are those of transformers' GenerationConfig (including top-k 50 when sampling).
 * @throws ModelError "input" when an option is out of range or options contradict each other
 */
export function searchSettings(request: GenerateRequest, tokens: SpecialTokens, vocabSize: number): SearchSettings {
  const { numBeams = 1, numReturnSequences = 1, noRepeatNgramSize = 0, repetitionPenalty = 1 } = request;
  const { bannedTokens = [], stopTokens = [], decoderPrefix = [], lengthPenalty = 1, earlyStopping = false } = request;
  const { pruneBelow = Number.POSITIVE_INFINITY } = request;
  const { own = {} } = tokens;
  const ends = own.endTokenIds ?? [tokens.eosTokenId];
  const shortlist = request.shortlist === undefined || request.shortlist === "off" ? null : request.shortlist;
  integer("shortlist", shortlist ?? 1, 1);
  integer("maxNewTokens", request.maxNewTokens, 1);
  integer("minNewTokens", request.minNewTokens ?? 0, 0);
  integer("numBeams", numBeams, 1);
  integer("numReturnSequences", numReturnSequences, 1);
  integer("noRepeatNgramSize", noRepeatNgramSize, 0);
  number("repetitionPenalty", repetitionPenalty, (value) => value > 0, "above 0");
  number("lengthPenalty", lengthPenalty, () => true, "finite");
  number("pruneBelow", request.pruneBelow ?? 0, (value) => value >= 0, "at least 0");
  if (request.inputs.length === 0) fail("There is no input. Give at least one row of token ids.");
  for (const [i, input] of request.inputs.entries()) checkTokens(`inputs[${i}]`, input, vocabSize, 1);
  checkTokens("bannedTokens", bannedTokens, vocabSize, 0);
  checkTokens("stopTokens", stopTokens, vocabSize, 0);
  checkTokens("decoderPrefix", decoderPrefix, vocabSize, 0);
  if (request.sample !== undefined && numBeams > 1) {
    fail(`sample and numBeams (${numBeams}) exclude each other. Leave one of them out.`);
  }
  if (request.sample === undefined && numReturnSequences > numBeams) {
    fail(
      `numReturnSequences (${numReturnSequences}) is more than numBeams (${numBeams}): without sampling there are only as many sequences as beams. Raise numBeams or lower numReturnSequences.`,
    );
  }
  return {
    inputs: request.inputs,
    maxNewTokens: request.maxNewTokens,
    numBeams,
    numReturnSequences,
    sampling: request.sample === undefined ? null : samplingSettings(request.sample),
    lengthPenalty,
    earlyStopping,
    pruneBelow,
    penalties: {
      noRepeatNgramSize,
      repetitionPenalty,
      bannedTokens: [...bannedTokens, ...(own.bannedTokens ?? [])],
      rules: rulesOf(request, own, ends),
    },
    scoreRules: request.scoreRules ?? null,
    endTokens: [...new Set([...ends, ...stopTokens])],
    prompt: [tokens.decoderStartTokenId, ...decoderPrefix],
    startTokenId: tokens.decoderStartTokenId,
    padTokenId: tokens.padTokenId,
    shortlist,
    copyBias: copyBiasOf(request.copyBias),
    sources: request.inputs.map((ids) => (ids.at(-1) === tokens.eosTokenId ? ids.slice(0, -1) : ids)),
  };
}

/** The rules of a request; null if there are none, so that the fastest search can be used. */
function rulesOf(
  { decoderPrefix = [], minNewTokens = 0, maxNewTokens }: GenerateRequest,
  own: NonNullable<SpecialTokens["own"]>,
  ends: readonly number[],
): TokenRules | null {
  const promptLength = 1 + decoderPrefix.length;
  const sequences = (own.bannedSequences ?? []).filter(
    ([first = -1, ...rest]) => rest.length > 0 || !ends.includes(first),
  );
  const first = decoderPrefix.length === 0 ? own.forcedFirst : undefined;
  const { forcedLast: last = [], bannedFirst = [] } = own;
  if (first === undefined && minNewTokens === 0 && [last, bannedFirst, sequences].every(({ length }) => length === 0))
    return null;
  return {
    ...{ first, last, bannedFirst, bannedSequences: sequences, ends },
    leastLength: promptLength + minNewTokens,
    begin: first === undefined ? promptLength : promptLength + 1,
    mostLength: promptLength + maxNewTokens,
  };
}

/**
 * Checks that a row consists of token ids of the vocabulary, at least `least` of them.
 * @throws ModelError "input"
 */
export function checkTokens(name: string, ids: readonly number[], vocabSize: number, least: number): void {
  if (ids.length < least) fail(`${name} is empty. Give at least ${least} token id.`);
  const at = ids.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (at >= 0)
    fail(`${name} has ${ids[at]} at index ${at}, which is not a token id: they range from 0 to ${vocabSize - 1}.`);
}

function samplingSettings(sample: NonNullable<GenerateRequest["sample"]>): Sampling {
  const { temperature = 1, topK = 50, topP = 1, seed = 0, ...filters } = sample;
  number("temperature", temperature, (value) => value > 0, "above 0; leave sample out for the most likely text");
  integer("topK", topK, 0);
  number("topP", topP, (value) => value > 0 && value <= 1, "above 0 and at most 1");
  integer("seed", seed, 0);
  return { temperature, topK, topP, seed, ...filters };
}

function copyBiasOf({ anywhere = 0, afterOne = 0, afterTwo = 0 }: Partial<CopyBias> = {}): CopyBias | null {
  const bias = { anywhere, afterOne, afterTwo };
  for (const [name, bonus] of Object.entries(bias))
    number(`copyBias.${name}`, bonus, (value) => value >= 0, "at least 0");
  return Math.max(anywhere, afterOne, afterTwo) > 0 ? bias : null;
}

function integer(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    fail(`${name} is ${value}. Give a whole number of at least ${least}.`);
  }
}

function number(name: string, value: number, fits: (value: number) => boolean, range: string): void {
  if (!Number.isFinite(value) || !fits(value)) fail(`${name} is ${value}. Give a number that is ${range}.`);
}

function fail(message: string): never {
  throw new ModelError("input", message);
}
