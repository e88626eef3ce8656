/** Asking about a text and classifying it: the arguments and results of two commands of requests.ts. */
import type { Range } from "vscode-languageserver-protocol";
import { z } from "zod";
import { editionSchema, rangeSchema } from "./requests.ts";

/** Arguments of `spanfill.askRange`. */
export const askSchema = z.object({
  uri: z.string(),
  /** The document's version that the range belongs to; another is refused (ContentModified). */
  version: z.int(),
  edition: editionSchema,
  /** The text to ask about; the whole document when absent. */
  range: rangeSchema.optional(),
  question: z.string().trim().min(1).max(2000),
  /** Whether the server also shows the answer with window/showMessage, for clients that do nothing with a result. */
  show: z.boolean().default(false),
});
export type AskArguments = z.input<typeof askSchema>;

/** Result of `spanfill.askRange`. */
export interface AskResult {
  /** Best first: those that stand in the text before others; none when the model had nothing to say. */
  readonly answers: readonly {
    readonly text: string;
    /** Of the whole answer, 0 to 1; not calibrated. */
    readonly likelihood: number;
    /** Where the document has these words; empty where the answer is the model's own. */
    readonly ranges: readonly Range[];
  }[];
  /** Parts the text was cut into. */
  readonly chunks: number;
  /** Share of the text's characters that the model read, 0 to 1. */
  readonly coverage: number;
  readonly ms: number;
  /** The model's id. */
  readonly model: string;
  /** How the best answer was come by, to be shown with it; short phrases in English. */
  readonly notes: readonly string[];
}

/** Arguments of `spanfill.classifyRange`. */
export const classifySchema = z.object({
  uri: z.string(),
  /** The document's version that the range belongs to; another is refused (ContentModified). */
  version: z.int(),
  edition: editionSchema,
  /** The whole document when absent. */
  range: rangeSchema.optional(),
  /** What to choose among; the model's own labels when absent. */
  labels: z.array(z.string().trim().min(1)).min(2).optional(),
  /** Whether the server also shows the label with window/showMessage, for clients that do nothing with a result. */
  show: z.boolean().default(false),
});
export type ClassifyArguments = z.input<typeof classifySchema>;

/** Result of `spanfill.classifyRange`. */
export interface ClassifyResult {
  /** Likeliest first; `probability` 0 to 1, not calibrated. */
  readonly labels: readonly { readonly label: string; readonly probability: number }[];
  /** Where the labels are from: the arguments, the model's folder, or written by the model. */
  readonly origin: "given" | "known" | "written";
  readonly chunks: number;
  readonly coverage: number;
  readonly ms: number;
  readonly model: string;
  readonly notes: readonly string[];
}
