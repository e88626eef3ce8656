/** The shape of a summary, apart from how it is made. */

/**
 * The model's words, the text's where the model's were worse, or quotations of the text without asking the model.
 */
export type SummaryOrigin = "model" | "text" | "quotes";

/** A summary and how it came about. */
export interface Summary {
  readonly summary: string;
  /** Parts of the text that the model wrote from. */
  readonly chunks: number;
  /**
   * Share of the prose that the summary was made from: all of it for quotations, which are chosen among all sentences;
   * else what the model read.
   */
  readonly coverage: number;
  /** Tokens encoded and produced, over all passes. */
  readonly tokens: { readonly in: number; readonly out: number };
  readonly ms: { readonly total: number; readonly split: number; readonly encode: number; readonly decode: number };
  /** The model's id. */
  readonly model: string;
  /**
   * The chance, 0 to 1, that what the model wrote is right (in the mean over the parts that were chosen); the mean
   * likelihood of its tokens when it is not `calibrated`.
   */
  readonly confidence: number;
  readonly calibrated: boolean;
  /** Who wrote these words: the model or the text. */
  readonly origin: SummaryOrigin;
  /** ISO 639-1 code of the text's language when it is none that the model knows. */
  readonly language?: string;
  /** Natural log probabilities of the tokens that the model wrote in the parts that were chosen. */
  readonly logProbs: readonly number[];
  /** Whether the signal stopped it; `summary` then holds what there was. */
  readonly cancelled: boolean;
}
