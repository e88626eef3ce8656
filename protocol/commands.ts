/**
 * The commands that a client sends to the language server with workspace/executeCommand: what each takes and answers.
 */
import type { Position, Range, WorkspaceEdit } from "vscode-languageserver-protocol";
import type { EngineStatus } from "./requests.ts";
import type { FillGapsInTextInput, FillGapsInTextOutput, SummarizeTextInput, SummarizeTextOutput } from "./tools.ts";

/**
 * The commands' names; each has one argument object. A client built on vscode-languageclient registers their ids
 * ({@link commandId}) in the editor when the server starts, so commands of the palette have ids that differ from them.
 */
export const COMMAND_NAMES = [
  "summarizeRange",
  "summarizeText",
  "summarizeFolder",
  "forgetSummaries",
  "fillGaps",
  "fillGapsInText",
  "rephrase",
  "writeField",
  "continueHere",
  "continueText",
  "explainSuggestion",
  "askRange",
  "classifyRange",
  "freeModelMemory",
  "restartEngine",
  "status",
] as const satisfies readonly (keyof Commands)[];
export type CommandName = (typeof COMMAND_NAMES)[number];

/** Former names, which other editors' configurations may still use. */
export const FORMER_NAMES = {
  infillText: "fillGapsInText",
  completeHere: "continueHere",
  completeText: "continueText",
  unloadModel: "freeModelMemory",
} as const satisfies Readonly<Record<string, CommandName>>;

/**
 * Former ids of the palette's commands -> their ids now. Keys may still be bound to them; the palette does not list
 * them.
 */
export const FORMER_PALETTE_IDS = {
  "spanfill.infillAtCursor": "spanfill.continueAtCursor",
  "spanfill.explainHere": "spanfill.explainSuggestionHere",
  "spanfill.digestFolder": "spanfill.summarizeThisFolder",
  "spanfill.clearSummaries": "spanfill.forgetAllSummaries",
} as const;

/** A command's id in the protocol. */
export function commandId<Name extends CommandName | keyof typeof FORMER_NAMES>(name: Name): `spanfill.${Name}` {
  return `spanfill.${name}`;
}

/** Each command's argument and result. */
export interface Commands {
  readonly summarizeRange: Command<SummarizeRangeArguments, SummarizeRangeResult>;
  /** Summarizes a text that is not in a document. */
  readonly summarizeText: Command<SummarizeTextInput, SummarizeTextOutput>;
  readonly summarizeFolder: Command<SummarizeFolderArguments, SummarizeFolderResult>;
  /** Forgets all remembered summaries, those on disk too. */
  readonly forgetSummaries: Command<NoArguments, ForgetResult>;
  readonly fillGaps: Command<FillGapsArguments, FillGapsResult>;
  /** Fills the gaps in a text that is not in a document. */
  readonly fillGapsInText: Command<FillGapsInTextInput, FillGapsInTextOutput>;
  readonly rephrase: Command<RephraseArguments, RephraseResult>;
  readonly writeField: Command<WriteFieldArguments, WriteFieldResult>;
  readonly continueHere: Command<ContinueHereArguments, ContinueHereResult>;
  readonly continueText: Command<ContinueTextArguments, ContinueTextResult>;
  readonly explainSuggestion: Command<ExplainArguments, ExplainResult>;
  readonly askRange: Command<AskArguments, AskResult>;
  readonly classifyRange: Command<ClassifyArguments, ClassifyResult>;
  /** Frees the model's memory at once; the next request loads it again. */
  readonly freeModelMemory: Command<NoArguments, EngineStatus>;
  /** Ends the engine's process; the next request starts another. */
  readonly restartEngine: Command<NoArguments, EngineStatus>;
  /** Starts nothing. */
  readonly status: Command<NoArguments, EngineStatus>;
}

interface Command<Arguments, Result> {
  readonly arguments: Arguments;
  readonly result: Result;
}

/** The argument object of a command that needs nothing; it may be left out. */
export type NoArguments = Readonly<Record<string, never>>;

/** A document that a command is about. Positions are in the encoding that initialize agreed on, as everywhere. */
interface AboutDocument {
  readonly uri: string;
  /** The document version that the positions refer to; any other is refused (ContentModified). */
  readonly version: number;
  /** Which text the command is for, in arguments that the server itself wrote, such as those of code actions. */
  readonly edition?: string;
}

/** A document and a part of it. */
interface AboutPart extends AboutDocument {
  /** The whole document if absent. */
  readonly range?: Range;
}

interface Shown {
  /**
   * Whether the server also shows the result with window/showMessage, for clients that ignore results; false if absent.
   */
  readonly show?: boolean;
}

interface Applied {
  /**
   * Whether the client is asked to apply the edit (workspace/applyEdit), for clients that ignore results; false if
   * absent.
   */
  readonly apply?: boolean;
}

/** Part of the result of a command that may apply its edit. */
interface AppliedResult {
  /** Whether the client applied the edit; absent when it was not asked to. */
  readonly applied?: boolean;
}

/** How a result came about. */
interface Provenance {
  readonly ms: number;
  /** The model's id. */
  readonly model: string;
}

/** How much of a text the model read. */
interface Reading extends Provenance {
  /** Number of parts that the text was split into. */
  readonly chunks: number;
  /** Share of the text's characters that the model read, 0 to 1. */
  readonly coverage: number;
  /** How the result came about, to be shown with it; short phrases in English. */
  readonly notes: readonly string[];
}

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
  /** The source of the words: the model, or the text itself if the model was not confident enough. */
  readonly origin: "model" | "text" | "both";
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

/** `range`: gaps that lie in it are filled. */
export interface FillGapsArguments extends AboutPart, Applied {
  /**
   * Whether each edit has a change annotation that needs confirmation, for clients that show them
   * (changeAnnotationSupport).
   */
  readonly annotate?: boolean;
}

export interface FillGapsResult extends Provenance, AppliedResult {
  /** One text edit for each filled gap, only for this version of the document (`documentChanges` with the version). */
  readonly edit: WorkspaceEdit;
  /**
   * One for each gap, in order; an empty text where the model had nothing to say (the edit leaves that gap as it is).
   */
  readonly fills: readonly { readonly range: Range; readonly text: string; readonly confidence: number }[];
  /** Whether the confidences are measured chances to be right; else they are mean likelihoods of tokens. */
  readonly calibrated: boolean;
}

/** `apply`: the best alternative. */
export interface RephraseArguments extends AboutDocument, Applied {
  readonly range: Range;
  /** The most alternatives, 1 to 20; 5 if absent. */
  readonly count?: number;
}

export interface RephraseResult extends Provenance, AppliedResult {
  /** The range that the alternatives replace: the requested one without surrounding white space. */
  readonly range: Range;
  /** Best first; none is the present text. */
  readonly alternatives: readonly { readonly text: string; readonly confidence: number }[];
  readonly calibrated: boolean;
}

export interface WriteFieldArguments extends AboutDocument, Applied {
  readonly field: "title" | "description";
  /** The text to write; the model proposes it if absent. */
  readonly value?: string;
}

export interface WriteFieldResult extends AppliedResult {
  readonly value: string;
  /** Puts the value into the front matter, or the title into the first heading where there is none. */
  readonly range: Range;
  readonly newText: string;
  /** How the model came to it, to be shown with it; empty when the arguments had the value. */
  readonly notes: readonly string[];
}

/** For editors without inline completion: the best suggestion is inserted at the cursor. */
export interface ContinueHereArguments extends AboutDocument {
  readonly position: Position;
}

export interface ContinueHereResult {
  /** Empty where there was none. */
  readonly text: string;
  /** Whether the client applied the edit. */
  readonly applied: boolean;
}

/** Text that is not in a document of the server, such as a comment in a program. */
export interface ContinueTextArguments {
  /** The document that it is from, for its settings. */
  readonly uri: string;
  readonly text: string;
  /** The cursor, in UTF-16 units. */
  readonly offset: number;
  /** Whether a person asked for it. */
  readonly explicit: boolean;
}

/** Texts to insert there, best first, each on one line. */
export interface ContinueTextResult {
  readonly items: readonly string[];
  /** Why there is none; a sentence for people. */
  readonly reason?: string;
}

export interface ExplainArguments {
  readonly uri: string;
  readonly position: Position;
}

/** The suggestion that typing there would give, or the reason for having none. */
export interface ExplainResult {
  readonly suggestion?: string;
  /** A sentence for people. */
  readonly reason?: string;
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
