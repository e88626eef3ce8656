/** What a client and the language server say to each other beyond the protocol: commands, their arguments and results. */
import type { Range, WorkspaceEdit } from "vscode-languageserver-protocol";
import { z } from "zod";
import type { Device } from "./devices.ts";

/**
 * The commands of workspace/executeCommand, each with one argument object.
 *
 * A client built on vscode-languageclient registers these ids in the editor by itself when the server starts, so commands
 * of the palette need ids of their own.
 */
export const COMMANDS = {
  /** `SummarizeRangeArguments` -> `SummarizeRangeResult` */
  summarizeRange: "spanfill.summarizeRange",
  /** `FillGapsArguments` -> `FillGapsResult` */
  fillGaps: "spanfill.fillGaps",
  /** `RephraseArguments` -> `RephraseResult` */
  rephrase: "spanfill.rephrase",
  /** `WriteFieldArguments` -> `WriteFieldResult` */
  writeField: "spanfill.writeField",
  /** `AskArguments` (questions.ts) -> `AskResult` */
  ask: "spanfill.askRange",
  /** `ClassifyArguments` (questions.ts) -> `ClassifyResult` */
  classify: "spanfill.classifyRange",
  /** `CompleteTextArguments` -> `CompleteTextResult` */
  completeText: "spanfill.completeText",
  /** `CompleteHereArguments` -> `CompleteHereResult` */
  completeHere: "spanfill.completeHere",
  /** `ExplainArguments` -> `ExplainResult` */
  explain: "spanfill.explainSuggestion",
  /** `SummarizeTextInput` -> `SummarizeTextOutput` (tools.ts): of a text that is in no document */
  summarizeText: "spanfill.summarizeText",
  /** `InfillTextInput` -> `InfillTextOutput` (tools.ts) */
  infillText: "spanfill.infillText",
  /** `SummarizeFolderArguments` -> `SummarizeFolderResult` */
  summarizeFolder: "spanfill.summarizeFolder",
  /** No argument -> `ForgetResult`. Forgets all remembered summaries, those on disk too. */
  forgetSummaries: "spanfill.forgetSummaries",
  /** No argument -> `EngineStatus`. Frees the model's memory at once; the next request loads it again. */
  unloadModel: "spanfill.unloadModel",
  /** No argument -> `EngineStatus`. Ends the engine's process and what runs there; the next request starts another. */
  restartEngine: "spanfill.restartEngine",
  /** No argument -> `EngineStatus`. Starts nothing. */
  status: "spanfill.status",
} as const;

/** The `edition` of arguments that the server itself wrote, such as those of code actions: which text they are for. */
export const editionSchema = z.string().optional();

const positionSchema = z.object({ line: z.int().nonnegative(), character: z.int().nonnegative() });
/** A range of a document. */
export const rangeSchema = z.object({ start: positionSchema, end: positionSchema });

/** Arguments of `spanfill.summarizeRange`. Positions are in the encoding that initialize agreed on, like everywhere. */
export const summarizeRangeSchema = z.object({
  uri: z.string(),
  /** When given, another version of the document is refused (ContentModified). */
  version: z.int().optional(),
  edition: editionSchema,
  /** The whole document when absent. */
  range: rangeSchema.optional(),
  /** The setting `summary.style` when absent. */
  style: z.enum(["sentence", "paragraph", "bullets", "title"]).optional(),
  /** Whether the server also shows the summary with window/showMessage, for clients that do nothing with a result. */
  show: z.boolean().default(false),
});
export type SummarizeRangeArguments = z.input<typeof summarizeRangeSchema>;

/** Result of `spanfill.summarizeRange`. */
export interface SummarizeRangeResult {
  readonly summary: string;
  /** Parts the text was cut into. */
  readonly chunks: number;
  /** Share of the text's characters that the model read, 0 to 1. */
  readonly coverage: number;
  readonly ms: number;
  /** The model's id. */
  readonly model: string;
  /** The chance, 0 to 1, that what the model wrote is right, if it is `calibrated`; else its tokens' mean likelihood. */
  readonly confidence: number;
  readonly calibrated: boolean;
  /** Whose words these are: the model's, or where it was not sure enough the text's own. */
  readonly origin: "model" | "text" | "both";
  /** ISO 639-1 code of the text's language when it is none that the model knows. */
  readonly language?: string;
  /** The last four in words, to be shown with the summary; short phrases in English. */
  readonly notes: readonly string[];
}

/** Arguments of `spanfill.summarizeFolder`. */
export const summarizeFolderSchema = z.object({
  /** The folder's; where its scheme is not `file` the client is asked for what is in it (`spanfill/listFolder`, `spanfill/readFile`). */
  uri: z.string(),
});
export type SummarizeFolderArguments = z.input<typeof summarizeFolderSchema>;

/** Result of `spanfill.summarizeFolder`; of what was done until then when the request, or its progress, was cancelled. */
export interface SummarizeFolderResult {
  /** The digest; its links are relative to the folder. */
  readonly markdown: string;
  /** Files of prose that there are, and how many of them the digest has. */
  readonly files: { readonly found: number; readonly summarized: number };
  /** Share of these files' characters that the model read, 0 to 1. */
  readonly coverage: number;
  readonly leftOut: readonly { readonly path: string; readonly why: string }[];
  readonly partial: boolean;
  /** The model's id; absent where there was nothing to summarise. */
  readonly model?: string;
  readonly ms: number;
}

/** Result of `spanfill.forgetSummaries`. */
export interface ForgetResult {
  /** Entries that there were: summaries, and what was known of parts. */
  readonly forgotten: number;
}

/** Sent from the server to the client to list a folder that is not on its disk: `{ uri }` -> `FolderEntries`. */
export const LIST_FOLDER_REQUEST = "spanfill/listFolder";
export const folderEntriesSchema = z.array(z.object({ name: z.string(), kind: z.enum(["file", "folder"]) }));
export type FolderEntries = z.output<typeof folderEntriesSchema>;

/** Sent from the server to the client to read a file that is not on its disk: `{ uri, mostBytes }` -> `FileContent`. */
export const READ_FILE_REQUEST = "spanfill/readFile";
/** `base64`: the bytes; absent where there are more than were asked for. */
export const fileContentSchema = z.object({ base64: z.string().optional() });
export type FileContent = z.output<typeof fileContentSchema>;

/** Arguments of `spanfill.fillGaps`. */
export const fillGapsSchema = z.object({
  uri: z.string(),
  /** The document's version that the range belongs to; another is refused (ContentModified). */
  version: z.int(),
  edition: editionSchema,
  /** Gaps that lie in it are filled; those of the whole document when absent. */
  range: rangeSchema.optional(),
  /** Whether the server has the client apply the edit (workspace/applyEdit), for clients that do nothing with a result. */
  apply: z.boolean().default(false),
  /** Whether each edit has a change annotation that needs confirmation, for clients that show them (changeAnnotationSupport). */
  annotate: z.boolean().default(false),
});
export type FillGapsArguments = z.input<typeof fillGapsSchema>;

/** Result of `spanfill.fillGaps`. */
export interface FillGapsResult {
  /** One text edit a filled gap, for this version of the document alone (`documentChanges` with the version). */
  readonly edit: WorkspaceEdit;
  /** One a gap, in order; an empty text where the model had nothing to say (the edit leaves that gap as it is). */
  readonly fills: readonly { readonly range: Range; readonly text: string; readonly confidence: number }[];
  readonly ms: number;
  /** The model's id. */
  readonly model: string;
  /** Whether the confidences are measured chances to be right; else they are mean likelihoods of tokens. */
  readonly calibrated: boolean;
  /** Whether the client applied the edit; absent when it was not asked to. */
  readonly applied?: boolean;
}

/** Arguments of `spanfill.rephrase`. */
export const rephraseSchema = z.object({
  uri: z.string(),
  /** The document's version that the range belongs to; another is refused (ContentModified). */
  version: z.int(),
  edition: editionSchema,
  range: rangeSchema,
  /** Most alternatives. */
  count: z.int().min(1).max(20).default(5),
  /** Whether the server has the client put the best one there (workspace/applyEdit). */
  apply: z.boolean().default(false),
});
export type RephraseArguments = z.input<typeof rephraseSchema>;

/** Result of `spanfill.rephrase`. */
export interface RephraseResult {
  /** What the alternatives stand for: the range without the white space around it. */
  readonly range: Range;
  /** Best first, none of them what stands there. */
  readonly alternatives: readonly { readonly text: string; readonly confidence: number }[];
  readonly ms: number;
  readonly model: string;
  readonly calibrated: boolean;
  /** Whether the client applied the best one; absent when it was not asked to. */
  readonly applied?: boolean;
}

/** Arguments of `spanfill.writeField`. */
export const writeFieldSchema = z.object({
  uri: z.string(),
  /** The document's version that the edit is for; another is refused (ContentModified). */
  version: z.int(),
  edition: editionSchema,
  field: z.enum(["title", "description"]),
  /** What to write; the model proposes it when absent. */
  value: z.string().trim().min(1).optional(),
  /** Whether the server has the client apply the edit (workspace/applyEdit). */
  apply: z.boolean().default(false),
});
export type WriteFieldArguments = z.input<typeof writeFieldSchema>;

/** Result of `spanfill.writeField`. */
export interface WriteFieldResult {
  readonly value: string;
  /** Puts the value into the front matter, or the title into the first heading where there is none. */
  readonly range: Range;
  readonly newText: string;
  /** How the model came to it, to be shown with it; empty when the value was given. */
  readonly notes: readonly string[];
  /** Whether the client applied the edit; absent when it was not asked to. */
  readonly applied?: boolean;
}

/** Arguments of `spanfill.completeText`: text that is in no document of the server's, such as a comment in a program. */
export const completeTextSchema = z.object({
  /** The document that it is from, for its settings. */
  uri: z.string(),
  text: z.string(),
  /** The cursor, in UTF-16 units. */
  offset: z.int().nonnegative(),
  /** Whether a person asked for it. */
  explicit: z.boolean(),
});
export type CompleteTextArguments = z.input<typeof completeTextSchema>;

/** Result of `spanfill.completeText`: what could be inserted there, best first, each within one line. */
export interface CompleteTextResult {
  readonly items: readonly string[];
  /** Why there is none; a sentence for people. */
  readonly reason?: string;
}

/** Arguments of `spanfill.completeHere`: for editors without inline completion, the best suggestion is put at the cursor. */
export const completeHereSchema = z.object({
  uri: z.string(),
  /** The document's version that the position belongs to; another is refused (ContentModified). */
  version: z.int(),
  edition: editionSchema,
  position: positionSchema,
});
export type CompleteHereArguments = z.input<typeof completeHereSchema>;

/** Result of `spanfill.completeHere`. */
export interface CompleteHereResult {
  /** Empty where there was none. */
  readonly text: string;
  /** Whether the client applied the edit. */
  readonly applied: boolean;
}

/** Arguments of `spanfill.explainSuggestion`. */
export const explainSchema = z.object({ uri: z.string(), position: positionSchema });
export type ExplainArguments = z.input<typeof explainSchema>;

/** Result of `spanfill.explainSuggestion`: what typing there would suggest, or why nothing. */
export interface ExplainResult {
  readonly suggestion?: string;
  /** A sentence for people. */
  readonly reason?: string;
}

/** Sent from the server to the client whenever it changes, and the result of `spanfill.status`. */
export interface EngineStatus {
  /**
   * `unloaded`: no model in memory, the next request loads it. `loading`. `ready`: loaded and idle. `busy`: at work.
   * `failed`: the last attempt failed, `message` says why; the next request tries again.
   */
  readonly state: "unloaded" | "loading" | "ready" | "busy" | "failed";
  /** The model's id, or the setting as it is while the model is not loaded. */
  readonly model: string;
  readonly precision: "int8" | "float32";
  /** What the model runs on. */
  readonly device: Device | "wasm";
  /** A sentence for people where the model runs on WebAssembly, and why. */
  readonly slowNotice?: string;
  /** A sentence for people where a device failed and the CPU does its work, and why. */
  readonly deviceNotice?: string;
  /** Exact number of parameters, once loaded. */
  readonly parameters?: number;
  /** The engine's process while there is one. */
  readonly pid?: number;
  /** What that process takes, in bytes; said by `spanfill.status` alone, where the system tells. */
  readonly memoryBytes?: number;
  readonly message?: string;
}

/**
 * Notification without parameters, client to server: a person types, in whatever document of the editor, so training waits. At most once
 * a second; nothing of the text is in it. Of the documents that the server has it knows by itself.
 */
export const TYPING_NOTIFICATION = "$/spanfill/typing";

/** Notification of an `EngineStatus`, server to client. Its name lets clients that do not know it ignore it. */
export const STATUS_NOTIFICATION = "$/spanfill/status";

/**
 * Errors. RequestCancelled (-32800): cancelled by the client, or superseded. ContentModified (-32801): the document has
 * another version than the request. InvalidParams (-32602): arguments that are not as above, or a document that is not open.
 * RequestFailed (-32803): Spanfill could not do it; `data.code` is the code of a ModelError.
 */
export interface FailureData {
  readonly code: string;
}
