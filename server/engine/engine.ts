/** The interface of a model for the features, the CLI and the tests, in whatever process it runs. */
import type { T5Config } from "../../models/t5/config.ts";
import type { ModeTexts } from "../../models/tokenizer/corruption.ts";
import type { InputPart } from "../../models/tokenizer/parts.ts";
import type { SpanWindow } from "../../models/tokenizer/window.ts";
import type { GenerationSettings, ScoreRules } from "../catalog/folder/generation.ts";
import type { Calibration } from "../catalog/folder/int8/calibration.ts";
import type { ModelDecoding, TaskPrefixes } from "../catalog/installed.ts";
import type { Device } from "./device.ts";
import type { CopyBias } from "./search/copying.ts";
import type { Sampling } from "./search/sampling.ts";

/** Precision of the weights: `int8` (quantized by us, the default) or `float32` (as published). */
export type Precision = "int8" | "float32";

/** A model to load. */
export interface ModelReference {
  /** A folder with config.json, weights and a tokenizer; or that of an adapter, which names its base. */
  readonly directory: string;
  readonly adapter?: string; // the folder of an adapter for the model in `directory`
  readonly precision: Precision;
  /** Threads per operator; the number of physical cores if absent. */
  readonly threads?: number;
  /**
   * The CPU if absent. Any other device runs the float32 weights, whatever the precision, because the int8 kernels
   * are for the CPU.
   */
  readonly device?: Device;
  /**
   * The state of the files that the caller expects ({@link modelIdentity}); only those files may answer. A model
   * loaded from other files is reloaded; if the folder no longer contains the expected files, calls reject with
   * ModelError "changed". If absent, whatever was loaded answers.
   */
  readonly identity?: string;
}

export type { InputPart };

/** Facts about a loaded model and its vocabulary. */
export interface ModelInfo {
  /** The folder's name, or the name in the catalog. */
  readonly id: string;
  readonly directory: string;
  readonly config: T5Config;
  readonly precision: Precision;
  /** The device it runs on; the CPU also if another device was requested and failed. */
  readonly device: Device | "wasm";
  /** A sentence for people on why the engine runs as WebAssembly; absent if it runs natively. */
  readonly slowNotice?: string;
  readonly parameters: number;
  /** Ids of `<extra_id_0>`, `<extra_id_1>`, ...; empty if the vocabulary has none. */
  readonly sentinelIds: readonly number[];
  /** Id of the unknown piece, so that it can be banned; absent if unknown. */
  readonly unkTokenId?: number;
  /** Length marks of the vocabulary (`<length_8>` ...), ascending by their least words; published models have none. */
  readonly lengthMarks: readonly { readonly leastWords: number; readonly id: number }[];
  /** Whether the vocabulary can spell newlines (the built-in models can). */
  readonly spellsLayout: boolean;
  /** The decoding options that its makers found best: defaults of the features. Empty if not measured. */
  readonly decoding?: Omit<ModelDecoding, "frequent">;
  /** The model's own settings of generation, from generation_config.json or config.json. */
  readonly generation?: GenerationSettings;
  /** Task prefixes the model was trained with; features use T5's usual ones for those that are absent. */
  readonly prefixes: TaskPrefixes;
  /** The modes that it fills gaps in; absent if it knows none. */
  readonly modes?: ModeTexts;
  /** The labels that it learned; absent if it learned none, or too many to compare. */
  readonly labels?: readonly string[];
  /** The meaning of its likelihoods; empty if not measured. */
  readonly calibration: Calibration;
  /** ISO 639-1 codes of its languages. */
  readonly languages: readonly string[];
}

/** A request to generate text. Defaults follow transformers' GenerationConfig, except the length. */
export interface GenerateRequest {
  /** Encoder inputs, token ids; the engine pads a batch. Usually one, ending with eos. */
  readonly inputs: readonly (readonly number[])[];
  /** At least 1; does not count the decoder's start token. */
  readonly maxNewTokens: number;
  /** Number of tokens before which no end token is produced. Default 0. */
  readonly minNewTokens?: number;
  /** Beams; 1 is greedy (or sampling). Default 1. */
  readonly numBeams?: number;
  /** Number of sequences per input; at most numBeams unless sampling. Default 1. */
  readonly numReturnSequences?: number;
  /** Samples instead of taking the arg max; seeded, so that a request repeats exactly. Default: no sampling. */
  readonly sample?: Partial<Sampling>;
  /** Exponent of the length that divides a beam's log-likelihood. Default 1. */
  readonly lengthPenalty?: number;
  /**
   * When beam search stops, as in transformers: true at numBeams finished, false by heuristic, "never". Default false.
   */
  readonly earlyStopping?: boolean | "never";
  /**
   * Gives up a beam whose score is this far below that of the best finished sequence, in nats; none are by default.
   * @see Freitag, Al-Onaizan, "Beam Search Strategies for Neural Machine Translation" (2017), relative thresholds
   */
  readonly pruneBelow?: number;
  /** No n-gram of this size occurs twice in the output; 0 is off. Default 0. */
  readonly noRepeatNgramSize?: number;
  /** Above 1 penalizes tokens already produced. Default 1. */
  readonly repetitionPenalty?: number;
  /** Tokens that are never produced. */
  readonly bannedTokens?: readonly number[];
  /** Rules on scores beyond those above. Default: none. */
  readonly scoreRules?: ScoreRules;
  /** Tokens that end a sequence, besides eos. */
  readonly stopTokens?: readonly number[];
  /** Decoder tokens fed after the start token (forced prefix). */
  readonly decoderPrefix?: readonly number[];
  /**
   * Chooses among this number of the most frequent tokens, special ones, and those of the inputs and the forced
   * prefix; several times faster than the whole vocabulary ("off"). Log probabilities are relative to these tokens.
   * Default "off".
   */
  readonly shortlist?: number | "off";
  /** Favors tokens from the input, and those that continue it; each bonus defaults to 0. Default: none. */
  readonly copyBias?: Partial<CopyBias>;
}

/** A generated sequence. */
export interface GeneratedSequence {
  /** Without the decoder's start token and the forced prefix; with the final end token. */
  readonly ids: readonly number[];
  /** The text of the ids, without special tokens. */
  readonly text: string;
  /** Natural log probability of each id under the model (before penalties). */
  readonly logProbs: readonly number[];
  /**
   * Beam search: transformers' sequence score (log-likelihood / length^lengthPenalty). Otherwise the mean log
   * probability.
   */
  readonly score: number;
  /** Whether it ended with eos or a stop token rather than at the length limit. */
  readonly finished: boolean;
}

/** The result of generation. */
export interface Generation {
  /** sequences[i]: the sequences of inputs[i], best first. */
  readonly sequences: readonly (readonly GeneratedSequence[])[];
  /** Whether the signal stopped it; sequences then hold what was produced until then. */
  readonly cancelled: boolean;
  readonly timing: {
    readonly encodeMs: number;
    readonly firstTokenMs: number;
    readonly totalMs: number;
    readonly steps: number;
  };
}

/** A request to fill gaps in one pass. */
export interface FillRequest extends Omit<GenerateRequest, "inputs"> {
  readonly window: SpanWindow;
  /**
   * For a window with one gap: texts whose likelihood in the gap is needed too. Requires a decoder prefix and a stop
   * token.
   */
  readonly proposals?: readonly string[];
  /** Further windows with one gap each, searched in the same run; each has an entry in the result's `others`. */
  readonly others?: readonly { readonly window: SpanWindow; readonly proposals?: readonly string[] }[];
}

/** The fills of one window. */
export interface WindowFilling {
  /** Tokens of the encoder's input. */
  readonly inputTokens: number;
  /** Best first. */
  readonly sequences: readonly FillSequence[];
  /** The proposals, in their order, without those that have too many tokens. */
  readonly proposed: readonly FilledSpan[];
}

/** The result of filling a window's gaps. */
export interface Filling extends WindowFilling {
  /** One for each of the request's other windows. */
  readonly others?: readonly WindowFilling[];
  readonly cancelled: boolean;
  readonly timing: Generation["timing"];
}

/** One way to fill the gaps of a window. */
export interface FillSequence {
  /** Tokens produced. */
  readonly tokens: number;
  /** One per gap; undefined if the model produced nothing for it. */
  readonly spans: readonly (FilledSpan | undefined)[];
}

/** The text that the model put into a gap. */
export interface FilledSpan {
  /** The text, with a leading space if the model began a new word. */
  readonly text: string;
  /** Natural log probability of each of its tokens. */
  readonly logProbs: readonly number[];
  /** Whether the model ended it, rather than the token limit. */
  readonly closed: boolean;
  /** Natural log probability of the token that ended it; 0 if none did. */
  readonly endLogProb: number;
}

/** A request for the chances of words at a place of a text. */
export interface WordChancesRequest {
  /** The text before the place; a space at its end belongs to the word. */
  readonly before: string;
  readonly after: string;
  /** Words between `before` and the place, which the decoder is given: so `before` need not be encoded anew. */
  readonly given?: string;
  /** Task prefix, for models trained with one. */
  readonly prefix?: string | undefined;
  /** Size of the encoder's window in tokens. */
  readonly maxTokens: number;
  /** Whether the word follows without a space, as after an opening parenthesis. Default false. */
  readonly continues?: boolean;
  /** The words in question. */
  readonly words: readonly string[];
  /** Added to each word's chance when those to read are chosen: what else speaks for it. Default 0. */
  readonly besides?: readonly number[];
  /** How many of the likeliest are read to their end; the others are estimated from their first token. Default 90. */
  readonly mostRead?: number;
  /** How many words of the model's own may be among those that are read. Default 0. */
  readonly ownWords?: number;
  /** Tokens by which the model's own words may be longer than one. Default 0. */
  readonly ownRounds?: number;
}

/** A word at a place, with natural log probabilities among the vocabulary's most frequent tokens. */
export interface WordChance {
  readonly word: string;
  /** The sum over its tokens. */
  readonly logProb: number;
  /** Log probability of its end there: a token follows that begins a word, or a mark. */
  readonly endLogProb: number;
  /** Log probability of a space after the word, given that it ends. */
  readonly spaceLogProb: number;
}

/** The chances of words at a place. */
export interface WordChances {
  /** The words in question, without those that the vocabulary cannot spell, and then the model's own. */
  readonly words: readonly WordChance[];
  readonly cancelled: boolean;
}

/** The log-likelihood of a target text. */
export interface TargetScore {
  /** Sum of logProbs, as T5's converters compare it (-(len * mean cross-entropy)). */
  readonly total: number;
  /** Natural log probability of each target id. */
  readonly logProbs: readonly number[];
  readonly ids: readonly number[];
}

/** Options of every long call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Called after each chunk with the first sequence so far (greedy and sampling only). */
  readonly onTokens?: (ids: readonly number[], text: string) => void;
}

/** A loaded model. All methods may reject with ModelError; a cancelled generate resolves with `cancelled`. */
export interface LoadedModel {
  readonly info: ModelInfo;
  /** Token ids of the parts with those around every text (eos), cut to at most `maxTokens`: an encoder input. */
  encode(parts: readonly InputPart[], maxTokens?: number): Promise<number[]>;
  /** Token ids of each text separately, without eos (for counting and splitting). */
  encodeAll(texts: readonly string[]): Promise<number[][]>;
  /** The text of ids, without special tokens. */
  decode(ids: readonly number[]): Promise<string>;
  generate(request: GenerateRequest, options?: CallOptions): Promise<Generation>;
  /** Token ids of a window, eos included. */
  encodeWindow(window: SpanWindow): Promise<number[]>;
  /**
   * Fills a window's gaps: encodes, generates and reads the spans in one call. The decoder prefix names the first
   * sentinel.
   */
  fill(request: FillRequest, options?: CallOptions): Promise<Filling>;
  /** The chances of words at a place of a text, in one call. */
  wordChances(request: WordChancesRequest, options?: CallOptions): Promise<WordChances>;
  /**
   * The worth of English sentences, which no model is needed for: it is here because it runs in the engine's process.
   * @param features float32 [sentences, features]
   * @returns float32 [sentences]
   */
  rank(features: Float32Array): Promise<Float32Array>;
  /** Log-likelihood of target ids (eos included by the caller) given input ids. */
  score(input: readonly number[], target: readonly number[], options?: CallOptions): Promise<TargetScore>;
}

/** Loads, keeps and disposes of models. */
export interface Engine {
  /** Loads a model; the same reference returns the same model. */
  load(model: ModelReference): Promise<LoadedModel>;
  /** Frees everything; later calls reject. */
  dispose(): Promise<void>;
}
