/** Arguments and results of two commands of requests.ts: asking about a text and classifying it. */
import type { Range } from "vscode-languageserver-protocol";
import { z } from "zod";
import { editionSchema, rangeSchema } from "./requests.ts";

/** Arguments of `spanfill.askRange`. */
export const askSchema = z.object({
  uri: z.string(),
  /** The document version that the range refers to; any other is refused (ContentModified). */
  version: z.int(),
  edition: editionSchema,
  /** The text to ask about; the whole document if absent. */
  range: rangeSchema.optional(),
  question: z.string().trim().min(1).max(2000),
  /** Whether the server also shows the answer with window/showMessage, for clients that ignore results. */
  show: z.boolean().default(false),
});
export type AskArguments = z.input<typeof askSchema>;

/** Result of `spanfill.askRange`. */
export interface AskResult {
  /** Best first, verbatim quotes before others; empty if the model has no answer. */
  readonly answers: readonly {
    readonly text: string;
    /** Likelihood of the whole answer, 0 to 1; not calibrated. */
    readonly likelihood: number;
    /** Where the document contains these words; empty if the model phrased the answer itself. */
    readonly ranges: readonly Range[];
  }[];
  /** Number of parts that the text was split into. */
  readonly chunks: number;
  /** Share of the text's characters that the model read, 0 to 1. */
  readonly coverage: number;
  readonly ms: number;
  /** The model's id. */
  readonly model: string;
  /** Notes on how the best answer was obtained, to be shown with it; short phrases in English. */
  readonly notes: readonly string[];
}

/** Arguments of `spanfill.classifyRange`. */
export const classifySchema = z.object({
  uri: z.string(),
  /** The document version that the range refers to; any other is refused (ContentModified). */
  version: z.int(),
  edition: editionSchema,
  /** The whole document if absent. */
  range: rangeSchema.optional(),
  /** Labels to choose from; the model's own if absent. */
  labels: z.array(z.string().trim().min(1)).min(2).optional(),
  /** Whether the server also shows the label with window/showMessage, for clients that ignore results. */
  show: z.boolean().default(false),
});
export type ClassifyArguments = z.input<typeof classifySchema>;

/** Result of `spanfill.classifyRange`. */
export interface ClassifyResult {
  /** Likeliest first; `probability` 0 to 1, not calibrated. */
  readonly labels: readonly { readonly label: string; readonly probability: number }[];
  /** Source of the labels: the arguments, the model's folder, or text that the model generated. */
  readonly origin: "given" | "known" | "written";
  readonly chunks: number;
  readonly coverage: number;
  readonly ms: number;
  readonly model: string;
  readonly notes: readonly string[];
}
