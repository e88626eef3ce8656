/** Arguments and results of the commands that write into a text: fills, other wordings, titles, continuations. */
import type { Position, Range, WorkspaceEdit } from "vscode-languageserver-protocol";
import type { AboutDocument, AboutPart, Applied, AppliedResult, Provenance } from "./about.ts";

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
   * One for each gap, in order; the edit leaves a gap as it is where the text is empty or, as `left` says, unsure.
   */
  readonly fills: readonly Readonly<{ range: Range; text: string; confidence: number; left: boolean }>[];
  /** Markers that are not gaps in this format, such as a thematic break or a name with underscores, and why. */
  readonly passed: readonly Readonly<{ range: Range; why: string }>[];
  /** Notes for a person: markers that were left, a language that the model does not know. */
  readonly notes: readonly string[];
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
