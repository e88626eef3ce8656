/** Arguments and results of the commands that read a text: summaries, answers, labels. */
import type { Range } from "vscode-languageserver-protocol";
import type { AboutPart, Reading, Shown } from "./about.ts";

export interface SummarizeRangeArguments extends Omit<AboutPart, "version">, Shown {
  /** If present, any other version of the document is refused (ContentModified). */
  readonly version?: number;
  /** The setting `summary.style` if absent. */
  readonly style?: "sentence" | "paragraph" | "bullets" | "title";
}

export interface SummarizeRangeResult extends Reading {
  readonly summary: string;
  /**
   * The chance, 0 to 1, that what the model wrote is right, if it is `calibrated`; else its tokens' mean likelihood.
   */
  readonly confidence: number;
  readonly calibrated: boolean;
  /** The source of the words: the model, the text itself if the model's were worse, or quotations from the start. */
  readonly origin: "model" | "text" | "quotes";
  /** ISO 639-1 code of the text's language when the model does not know it. */
  readonly language?: string;
}

export interface SummarizeFolderArguments {
  /**
   * The folder. Where its scheme is not `file`, the client is asked for its content (`spanfill/listFolder`,
   * `spanfill/readFile`).
   */
  readonly uri: string;
}

/** The digest; if the request or its progress was cancelled, of the part that was done. */
export interface SummarizeFolderResult {
  /** The digest; its links are relative to the folder. */
  readonly markdown: string;
  /** The number of prose files in the folder, and how many of them the digest has. */
  readonly files: { readonly found: number; readonly summarized: number };
  /** Share of these files' characters that the model read, 0 to 1. */
  readonly coverage: number;
  readonly leftOut: readonly { readonly path: string; readonly why: string }[];
  readonly partial: boolean;
  /** The model's id; absent where there was nothing to summarize. */
  readonly model?: string;
  readonly ms: number;
}

export interface ForgetResult {
  /** Entries that were removed: summaries, and what was known of parts. */
  readonly forgotten: number;
}

/** `range`: the text to ask about. */
export interface AskArguments extends AboutPart, Shown {
  /** 1 to 2000 characters. */
  readonly question: string;
}

/** `notes` are of the best answer. */
export interface AskResult extends Reading {
  /** Best first, verbatim quotes before others; empty if the model has no answer. */
  readonly answers: readonly {
    readonly text: string;
    /** Likelihood of the whole answer, 0 to 1; not calibrated. */
    readonly likelihood: number;
    /** Where the document contains these words; empty if the model phrased the answer itself. */
    readonly ranges: readonly Range[];
  }[];
}

export interface ClassifyArguments extends AboutPart, Shown {
  /** Two or more labels to choose from; the model's own if absent. */
  readonly labels?: readonly string[];
}

export interface ClassifyResult extends Reading {
  /** Likeliest first; `probability` 0 to 1, not calibrated. */
  readonly labels: readonly { readonly label: string; readonly probability: number }[];
  /** Source of the labels: the arguments, the model's folder, or text that the model generated. */
  readonly origin: "given" | "known" | "written";
}
