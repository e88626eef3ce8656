/** What the features, the CLI and the tests see of a model, wherever it runs (in this process or in a child). */
import type { T5Config } from "../../models/t5/config.ts";
import type { InputPart } from "../../models/tokenizer/parts.ts";
import type { SpanWindow } from "../../models/tokenizer/window.ts";
import type { Calibration } from "../catalog/folder/calibration.ts";
import type { ModelDecoding, TaskPrefixes } from "../catalog/installed.ts";
import type { Device } from "./device.ts";
import type { CopyBias } from "./search/copying.ts";

/** Weights' precision: `int8` (quantized by us, the default) or `float32` (as published). */
export type Precision = "int8" | "float32";

/** Which model to load. */
export interface ModelReference {
  /** A folder with config.json, weights and a tokenizer. */
  readonly directory: string;
  readonly precision: Precision;
  /** Threads of one operator; the number of physical cores when absent. */
  readonly threads?: number;
  /** The CPU when absent. Any other runs the float32 weights, whatever the precision: the int8 kernels are the CPU's. */
  readonly device?: Device;
  /**
   * The files as the asker knows them ({@link modelIdentity}): other ones are never what answers. A model that was loaded from others is
   * loaded anew; where the folder holds others by now, calls reject with ModelError "changed". When absent, whatever was loaded answers.
   */
  readonly identity?: string;
}

export type { InputPart };

/** What a loaded model is and what its vocabulary can do. */
export interface ModelInfo {
  /** The folder's name, or the name the catalogue gives it. */
  readonly id: string;
  readonly directory: string;
  readonly config: T5Config;
  readonly precision: Precision;
  /** What it runs on: the CPU, too, where another device was asked for and failed. */
  readonly device: Device | "wasm";
  /** A sentence for people where the engine runs as WebAssembly, and why; absent where it runs natively. */
  readonly slowNotice?: string;
  readonly parameters: number;
  /** Ids of `<extra_id_0>`, `<extra_id_1>`, ...; empty when the vocabulary has none. */
  readonly sentinelIds: readonly number[];
  /** Id of the unknown piece, so that it can be banned; absent where it is not known. */
  readonly unkTokenId?: number;
  /** Length marks of the vocabulary (`<length_8>` ...), ascending by least words; empty for published models. */
  readonly lengthMarks: readonly { readonly leastWords: number; readonly id: number }[];
  /** Whether the vocabulary can spell newlines (the built-in models can). */
  readonly spellsLayout: boolean;
  /** How its makers found it to decode best: features follow it unless told otherwise. Empty where nobody measured. */
  readonly decoding?: Omit<ModelDecoding, "frequent">;
  /** Task prefixes the model was trained with; absent ones fall back to T5's habits. */
  readonly prefixes: TaskPrefixes;
  /** The labels that it was taught to give texts; absent where it was taught none, or more than can be compared. */
  readonly labels?: readonly string[];
  /** What its likelihoods mean; empty where nobody measured. */
  readonly calibration: Calibration;
  /** ISO 639-1 codes of the languages that it knows. */
  readonly languages: readonly string[];
}

/** How the next token is chosen. Defaults follow transformers' GenerationConfig, except the length. */
export interface GenerateRequest {
  /** Encoder inputs, token ids; a batch is padded by the engine. Usually one, ending with eos. */
  readonly inputs: readonly (readonly number[])[];
  /** 1..; counted without the decoder's start token. */
  readonly maxNewTokens: number;
  /** Beams; 1 is greedy (or sampling). Default 1. */
  readonly numBeams?: number;
  /** Sequences returned for each input; at most numBeams unless sampling. Default 1. */
  readonly numReturnSequences?: number;
  /** Sampling instead of the arg max. Default false; seeded, so that a request repeats exactly. */
  readonly sample?: {
    readonly temperature?: number;
    readonly topK?: number;
    readonly topP?: number;
    readonly seed?: number;
  };
  /** Exponent of the length that divides a beam's log-likelihood. Default 1. */
  readonly lengthPenalty?: number;
  /** When beam search stops, as in transformers: true at numBeams finished, false by heuristic, "never". Default false. */
  readonly earlyStopping?: boolean | "never";
  /** No n-gram of this size occurs twice in the output; 0 is off. Default 0. */
  readonly noRepeatNgramSize?: number;
  /** Above 1 discourages tokens already produced. Default 1. */
  readonly repetitionPenalty?: number;
  /** Tokens never produced. */
  readonly bannedTokens?: readonly number[];
  /** Tokens that end a sequence, besides eos. */
  readonly stopTokens?: readonly number[];
  /** Decoder tokens given after the start token (forced prefix). */
  readonly decoderPrefix?: readonly number[];
  /**
   * Chooses among so many of the most frequent tokens, special ones, and those of the inputs and the forced prefix: several times
   * quicker than the whole vocabulary, which "off" means. Log probabilities are then among these tokens. Default "off".
   */
  readonly shortlist?: number | "off";
  /** Favours tokens that the input holds, and those that continue it; each bonus 0 unless given. Default none. */
  readonly copyBias?: Partial<CopyBias>;
}

/** One produced sequence. */
export interface GeneratedSequence {
  /** Without the decoder's start token and the forced prefix; with the token that ended it. */
  readonly ids: readonly number[];
  /** The text of ids, special tokens left out. */
  readonly text: string;
  /** Natural log probability of each id under the model (before penalties). */
  readonly logProbs: readonly number[];
  /** Beam search: transformers' sequence score (log-likelihood / length^lengthPenalty). Otherwise the mean log probability. */
  readonly score: number;
  /** Whether it ended with eos or a stop token rather than by length. */
  readonly finished: boolean;
}

/** What generation gives back. */
export interface Generation {
  /** sequences[i]: the sequences of inputs[i], best first. */
  readonly sequences: readonly (readonly GeneratedSequence[])[];
  /** Whether the signal stopped it; sequences then hold what there was. */
  readonly cancelled: boolean;
  readonly timing: {
    readonly encodeMs: number;
    readonly firstTokenMs: number;
    readonly totalMs: number;
    readonly steps: number;
  };
}

/** Gaps to fill in one pass. */
export interface FillRequest extends Omit<GenerateRequest, "inputs"> {
  readonly window: SpanWindow;
  /** For a window of one gap: texts whose likelihood there is wanted too. Needs a decoder prefix and a stop token. */
  readonly proposals?: readonly string[];
}

/** What went into the gaps of a window. */
export interface Filling {
  /** Tokens of the encoder's input. */
  readonly inputTokens: number;
  /** Best first. */
  readonly sequences: readonly FillSequence[];
  /** The proposals, in their order; those of too many tokens are left out. */
  readonly proposed: readonly FilledSpan[];
  readonly cancelled: boolean;
  readonly timing: Generation["timing"];
}

/** One way to fill the gaps of a window. */
export interface FillSequence {
  /** Tokens produced. */
  readonly tokens: number;
  /** One a gap, undefined where the model gave nothing. */
  readonly spans: readonly (FilledSpan | undefined)[];
}

/** What the model put into a gap. */
export interface FilledSpan {
  /** Its text, a space in front where the model began a new word. */
  readonly text: string;
  /** Natural log probability of each of its tokens. */
  readonly logProbs: readonly number[];
  /** Whether the model ended it, rather than the limit of tokens. */
  readonly closed: boolean;
  /** Natural log probability of the token that ended it; 0 where none did. */
  readonly endLogProb: number;
}

/** The log-likelihood of a target text. */
export interface TargetScore {
  /** Sum of logProbs: what T5's converters compare (-(len * mean cross-entropy)). */
  readonly total: number;
  /** Natural log probability of each target id. */
  readonly logProbs: readonly number[];
  readonly ids: readonly number[];
}

/** Options every long call takes. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Called after each chunk with the tokens so far of the first sequence (greedy and sampling only). */
  readonly onTokens?: (ids: readonly number[], text: string) => void;
}

/** A model that is loaded and ready. All methods may reject with ModelError; a cancelled generate resolves with `cancelled`. */
export interface LoadedModel {
  readonly info: ModelInfo;
  /** Token ids of the parts, without eos. */
  encode(parts: readonly InputPart[]): Promise<number[]>;
  /** Token ids of each text alone, without eos (to count and to split). */
  encodeAll(texts: readonly string[]): Promise<number[][]>;
  /** Text of ids; special tokens left out. */
  decode(ids: readonly number[]): Promise<string>;
  generate(request: GenerateRequest, options?: CallOptions): Promise<Generation>;
  /** Token ids of a window, eos included. */
  encodeWindow(window: SpanWindow): Promise<number[]>;
  /** Fills a window's gaps: encodes, generates and reads the spans in one call. The decoder's prefix names the first sentinel. */
  fill(request: FillRequest, options?: CallOptions): Promise<Filling>;
  /** Log-likelihood of target ids (eos included by the caller) given input ids. */
  score(input: readonly number[], target: readonly number[], options?: CallOptions): Promise<TargetScore>;
}

/** Loads models, keeps them, ends them. */
export interface Engine {
  /** Loads a model once; the same reference again gives the same model. */
  load(model: ModelReference): Promise<LoadedModel>;
  /** Frees everything; later calls reject. */
  dispose(): Promise<void>;
}
