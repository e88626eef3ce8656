/**
 * The commands that a client sends to the language server with workspace/executeCommand: what each takes and answers.
 */
import type {
  AskArguments,
  AskResult,
  ClassifyArguments,
  ClassifyResult,
  ForgetResult,
  SummarizeFolderArguments,
  SummarizeFolderResult,
  SummarizeRangeArguments,
  SummarizeRangeResult,
} from "./commands/reading.ts";
import type {
  ContinueHereArguments,
  ContinueHereResult,
  ContinueTextArguments,
  ContinueTextResult,
  ExplainArguments,
  ExplainResult,
  FillGapsArguments,
  FillGapsResult,
  RephraseArguments,
  RephraseResult,
  WriteFieldArguments,
  WriteFieldResult,
} from "./commands/writing.ts";
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
