/** Reads a model's own generation settings: generation_config.json, or config.json where there is none. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { table } from "../../../base/table.ts";
import { ModelError } from "../../../models/errors.ts";
import { firstIssue } from "../../../models/issue.ts";
import { readJson } from "../../files/whole-file.ts";

/** Sampling's settings by transformers' names; each filter leaves some tokens out. */
export interface SampleSettings {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  /** Least probability as a share of the best token's. */
  readonly minP?: number;
  readonly typicalP?: number;
  readonly epsilonCutoff?: number;
  readonly etaCutoff?: number;
  readonly topH?: number;
}

/** Rules on scores that concern the input, sequences or the whole vocabulary. */
export interface ScoreRules {
  /** Added to the score of the token that would complete a sequence. */
  readonly sequenceBias?: readonly { readonly ids: readonly number[]; readonly bias: number }[];
  /** Above 1 favors tokens of the input. */
  readonly encoderRepetitionPenalty?: number;
  /** No n-gram of this size of the input occurs in the output. */
  readonly encoderNoRepeatNgramSize?: number;
  /** End tokens gain by `factor` to the power of the number of tokens after `after`. */
  readonly lengthDecay?: { readonly after: number; readonly factor: number };
  /** Whether scores are made log probabilities again after all rules, which tells in beam search. */
  readonly renormalize?: boolean;
}

/** A model's generation settings, as transformers reads them; absent ones are not stated. */
export interface GenerationSettings {
  /** The file that states them. */
  readonly from: string;
  readonly startTokenId?: number;
  readonly padTokenId?: number;
  /** Tokens that end a sequence. */
  readonly endTokenIds?: readonly number[];
  /** The first token. */
  readonly forcedFirst?: number;
  /** Tokens of which one stands at the length limit. */
  readonly forcedLast?: readonly number[];
  readonly bannedTokens?: readonly number[];
  /** Tokens that are never first. */
  readonly bannedFirst?: readonly number[];
  /** Sequences that are never produced. */
  readonly bannedSequences?: readonly (readonly number[])[];
  readonly maxNewTokens?: number;
  readonly minNewTokens?: number;
  readonly numBeams?: number;
  readonly numReturnSequences?: number;
  readonly noRepeatNgramSize?: number;
  readonly lengthPenalty?: number;
  readonly repetitionPenalty?: number;
  readonly earlyStopping?: boolean | "never";
  readonly sample?: SampleSettings;
  readonly scoreRules?: ScoreRules;
  /** Names of settings that change the output in transformers and are not carried out here. */
  readonly ignored: readonly string[];
}

const id = z.int().nonnegative();
const ids = z.union([id.transform((one) => [one]), z.array(id)]);
/** A list in which some write -1 for none. */
const someIds = z.array(z.int()).transform((all) => all.filter((one) => one >= 0));
const share = z.number().min(0).max(1);
const schema = z.looseObject({
  // transformers takes a list with a start for each row of a batch, too.
  decoder_start_token_id: z.union([id, z.tuple([id]).transform(([one]) => one)]).nullish(),
  bos_token_id: z.int().nullish(),
  pad_token_id: z.int().nullish(),
  eos_token_id: ids.nullish(),
  forced_bos_token_id: id.nullish(),
  force_bos_token_to_be_generated: z.boolean().nullish(),
  forced_eos_token_id: ids.nullish(),
  suppress_tokens: someIds.nullish(),
  begin_suppress_tokens: someIds.nullish(),
  bad_words_ids: z.array(z.array(id).min(1)).nullish(),
  max_length: z.int().positive().nullish(),
  max_new_tokens: z.int().positive().nullish(),
  min_length: z.int().nonnegative().nullish(),
  min_new_tokens: z.int().nonnegative().nullish(),
  num_beams: z.int().positive().nullish(),
  num_return_sequences: z.int().positive().nullish(),
  no_repeat_ngram_size: z.int().nonnegative().nullish(),
  length_penalty: z.number().nullish(),
  repetition_penalty: z.number().positive().nullish(),
  early_stopping: z.union([z.boolean(), z.literal("never")]).nullish(),
  do_sample: z.boolean().nullish(),
  temperature: z.number().nonnegative().nullish(),
  top_k: z.int().nonnegative().nullish(),
  top_p: z.number().positive().max(1).nullish(),
  min_p: share.nullish(),
  typical_p: share.nullish(),
  epsilon_cutoff: share.nullish(),
  eta_cutoff: share.nullish(),
  top_h: share.nullish(),
  sequence_bias: z.array(z.tuple([z.array(id).min(1), z.number()])).nullish(),
  encoder_repetition_penalty: z.number().positive().nullish(),
  encoder_no_repeat_ngram_size: z.int().nonnegative().nullish(),
  exponential_decay_length_penalty: z.tuple([z.int(), z.number()]).nullish(),
  renormalize_logits: z.boolean().nullish(),
});

/**
 * Settings that are not carried out, with their values that change nothing. transformers itself refuses most of them
 * without code from elsewhere (groups of beams, constraints, contrastive search, DoLa) or without more than a model
 * (guidance, strings that stop, healing).
 */
const WITHOUT_EFFECT: Readonly<Record<string, unknown>> = table({
  num_beam_groups: 1,
  diversity_penalty: 0,
  penalty_alpha: 0,
  guidance_scale: 1,
  dola_layers: undefined,
  constraints: undefined,
  force_words_ids: undefined,
  watermarking_config: undefined,
  stop_strings: undefined,
  token_healing: undefined,
  max_time: undefined,
});

/**
 * Reads the settings of a model's folder.
 * @throws ModelError "config" when the file is malformed
 * @see GenerationConfig.from_pretrained and from_model_config, transformers
 */
export async function readGenerationSettings(directory: string): Promise<GenerationSettings> {
  const name = ["generation_config.json", "config.json"].find((file) => existsSync(join(directory, file)));
  if (name === undefined) return { from: "default", ignored: [] };
  const json = await readJson(join(directory, name), "config");
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    throw new ModelError(
      "config",
      `${join(directory, name)} is not as transformers writes it: ${firstIssue(parsed.error)}. Correct it, or take the file from the model's own repository.`,
      { cause: parsed.error },
    );
  }
  return { from: name, ...settingsOf(parsed.data, name === "config.json") };
}

/**
 * The token that ends a text: the tokenizer's own if the settings list it at any place, else the configuration's.
 */
export function endTokenOf(
  { endTokenIds = [] }: Pick<GenerationSettings, "endTokenIds">,
  tokenizer: { readonly eosId: number },
  config: { readonly eosTokenId: number },
): number {
  return endTokenIds.includes(tokenizer.eosId) ? tokenizer.eosId : config.eosTokenId;
}

type Raw = z.output<typeof schema>;

function settingsOf(raw: Raw, inConfig: boolean): Omit<GenerationSettings, "from"> {
  const maxNewTokens = raw.max_new_tokens ?? (typeof raw.max_length === "number" ? raw.max_length - 1 : undefined);
  const minNewTokens = raw.min_new_tokens ?? (raw.min_length ?? 0) - 1;
  // Greedy search in transformers is a temperature of 0, which sampling never has.
  const samples = raw.do_sample === true && raw.temperature !== 0;
  const bos = (raw.bos_token_id ?? -1) < 0 ? undefined : raw.bos_token_id;
  const startTokenId = raw.decoder_start_token_id ?? bos;
  // A generation_config.json that states a start and no end means that nothing ends a text.
  const endless = !inConfig && typeof startTokenId === "number" ? [] : undefined;
  const forced = raw.forced_bos_token_id ?? (inConfig && raw.force_bos_token_to_be_generated ? bos : undefined);
  return stated({
    startTokenId,
    padTokenId: (raw.pad_token_id ?? -1) < 0 ? undefined : raw.pad_token_id,
    endTokenIds: raw.eos_token_id ?? endless,
    forcedFirst: forced,
    forcedLast: raw.forced_eos_token_id,
    bannedTokens: raw.suppress_tokens,
    bannedFirst: raw.begin_suppress_tokens,
    bannedSequences: raw.bad_words_ids,
    maxNewTokens: maxNewTokens === undefined || maxNewTokens < 1 ? undefined : maxNewTokens,
    minNewTokens: minNewTokens > 0 ? minNewTokens : undefined,
    numBeams: raw.num_beams,
    numReturnSequences: raw.num_return_sequences,
    noRepeatNgramSize: raw.no_repeat_ngram_size,
    lengthPenalty: raw.length_penalty,
    repetitionPenalty: raw.repetition_penalty,
    earlyStopping: raw.early_stopping,
    sample: samples ? sampleOf(raw) : undefined,
    scoreRules: scoreRulesOf(raw),
    ignored: ignoredOf(raw, samples),
  });
}

function sampleOf(raw: Raw): SampleSettings {
  return stated({
    temperature: raw.temperature,
    topK: raw.top_k,
    topP: raw.top_p,
    minP: raw.min_p,
    typicalP: raw.typical_p,
    epsilonCutoff: raw.epsilon_cutoff,
    etaCutoff: raw.eta_cutoff,
    topH: raw.top_h,
  });
}

/** The rules that change something; undefined if none does. */
function scoreRulesOf(raw: Raw): ScoreRules | undefined {
  const { sequence_bias: biases, exponential_decay_length_penalty: decay } = raw;
  const { encoder_repetition_penalty: penalty, encoder_no_repeat_ngram_size: size } = raw;
  // Of equal sequences the last counts.
  const bySequence = new Map((biases ?? []).map(([ids, bias]) => [ids.join(), { ids, bias }]));
  const rules = stated({
    sequenceBias: bySequence.size > 0 ? [...bySequence.values()] : undefined,
    encoderRepetitionPenalty: penalty === 1 ? undefined : penalty,
    encoderNoRepeatNgramSize: size === 0 ? undefined : size,
    lengthDecay: decay ? { after: decay[0], factor: decay[1] } : undefined,
    renormalize: raw.renormalize_logits === true ? true : undefined,
  });
  return Object.keys(rules).length > 0 ? rules : undefined;
}

/** Beams that are sampled are not carried out, either: tokens are sampled one by one. */
function ignoredOf(raw: Raw, samples: boolean): string[] {
  const names = Object.keys(WITHOUT_EFFECT).filter((name) => {
    const value = raw[name];
    return value !== undefined && value !== null && value !== false && value !== WITHOUT_EFFECT[name];
  });
  return samples && (raw.num_beams ?? 1) > 1 ? ["num_beams", ...names] : names;
}

type Stated<T> = {
  [K in keyof T as undefined extends T[K] ? K : null extends T[K] ? K : never]?: NonNullable<T[K]>;
} & {
  [K in keyof T as undefined extends T[K] ? never : null extends T[K] ? never : K]: T[K];
};

/** The properties that are neither undefined nor null. */
function stated<T extends object>(values: T): Stated<T> {
  // The loop leaves out what the type allows to be absent.
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== null),
  ) as Stated<T>;
}
