/** The parts that the arguments and results of several commands share. */
import type { Range } from "vscode-languageserver-protocol";

/** A document that a command is about. Positions are in the encoding that initialize agreed on, as everywhere. */
export interface AboutDocument {
  readonly uri: string;
  /** The document version that the positions refer to; any other is refused (ContentModified). */
  readonly version: number;
  /** Which text the command is for, in arguments that the server itself wrote, such as those of code actions. */
  readonly edition?: string;
}

/** A document and a part of it. */
export interface AboutPart extends AboutDocument {
  /** The whole document if absent. */
  readonly range?: Range;
}

export interface Shown {
  /**
   * Whether the server also shows the result with window/showMessage, for clients that ignore results; false if absent.
   */
  readonly show?: boolean;
}

export interface Applied {
  /**
   * Whether the client is asked to apply the edit (workspace/applyEdit), for clients that ignore results; false if
   * absent.
   */
  readonly apply?: boolean;
}

/** Part of the result of a command that may apply its edit. */
export interface AppliedResult {
  /** Whether the client applied the edit; absent when it was not asked to. */
  readonly applied?: boolean;
}

/** How a result came about. */
export interface Provenance {
  readonly ms: number;
  /** The model's id. */
  readonly model: string;
}

/** How much of a text the model read. */
export interface Reading extends Provenance {
  /** Number of parts that the text was split into. */
  readonly chunks: number;
  /** Share of the text's characters that the model read, 0 to 1. */
  readonly coverage: number;
  /** How the result came about, to be shown with it; short phrases in English. */
  readonly notes: readonly string[];
}
