/** Reads a model's own generation settings: generation_config.json, or config.json where there is none. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { ModelError } from "../../../models/errors.ts";
import { readJson } from "../../files/whole-file.ts";

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
  readonly sample?: { readonly temperature?: number; readonly topK?: number; readonly topP?: number };
  /** Names of settings that change the output in transformers and are not carried out here. */
  readonly ignored: readonly string[];
}

const id = z.int().nonnegative();
const ids = z.union([id.transform((one) => [one]), z.array(id)]);
const schema = z.looseObject({
  decoder_start_token_id: id.nullish(),
  pad_token_id: z.int().nullish(),
  eos_token_id: ids.nullish(),
  forced_bos_token_id: id.nullish(),
  forced_eos_token_id: ids.nullish(),
  suppress_tokens: z.array(id).nullish(),
  begin_suppress_tokens: z.array(id).nullish(),
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
});

/** Settings that are not carried out, with their values that change nothing. */
const WITHOUT_EFFECT: Readonly<Record<string, unknown>> = {
  num_beam_groups: 1,
  diversity_penalty: 0,
  encoder_repetition_penalty: 1,
  encoder_no_repeat_ngram_size: 0,
  min_p: 0,
  typical_p: 1,
  epsilon_cutoff: 0,
  eta_cutoff: 0,
  penalty_alpha: 0,
  guidance_scale: 1,
  sequence_bias: undefined,
  exponential_decay_length_penalty: undefined,
  constraints: undefined,
  force_words_ids: undefined,
  watermarking_config: undefined,
};

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
    const [issue] = parsed.error.issues;
    throw new ModelError(
      "config",
      `${join(directory, name)}: ${issue?.path.join(".")} is not a value that transformers writes (${issue?.message}). Correct it, or take the file from the model's own repository.`,
      { cause: parsed.error },
    );
  }
  return { from: name, ...settingsOf(parsed.data) };
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

function settingsOf(raw: z.output<typeof schema>): Omit<GenerationSettings, "from"> {
  const maxNewTokens = raw.max_new_tokens ?? (typeof raw.max_length === "number" ? raw.max_length - 1 : undefined);
  const minNewTokens = Math.max(raw.min_new_tokens ?? 0, (raw.min_length ?? 0) - 1);
  // Greedy search in transformers is a temperature of 0, which sampling never has.
  const samples = raw.do_sample === true && raw.temperature !== 0;
  const sample = { temperature: raw.temperature, topK: raw.top_k, topP: raw.top_p };
  return stated({
    startTokenId: raw.decoder_start_token_id,
    padTokenId: (raw.pad_token_id ?? -1) < 0 ? undefined : raw.pad_token_id,
    endTokenIds: raw.eos_token_id,
    forcedFirst: raw.forced_bos_token_id,
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
    sample: samples ? stated(sample) : undefined,
    ignored: Object.keys(WITHOUT_EFFECT).filter((name) => {
      const value = raw[name];
      return value !== undefined && value !== null && value !== false && value !== WITHOUT_EFFECT[name];
    }),
  });
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
