/** What a summary is, apart from how it is made. */

/** A summary and how it came about. */
export interface Summary {
  readonly summary: string;
  /** Parts the text was cut into. */
  readonly chunks: number;
  /** Share of the source's prose that reached the encoder; below 1 only when cancelled. */
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
  /** Whose words these are: the model's, or where it was not sure enough the text's own. */
  readonly origin: "model" | "text" | "both";
  /** ISO 639-1 code of the text's language when it is none that the model knows. */
  readonly language?: string;
  /** Natural log probabilities of the tokens that the model wrote in the parts that were chosen. */
  readonly logProbs: readonly number[];
  /** Whether the signal stopped it; `summary` then holds what there was. */
  readonly cancelled: boolean;
}
