/** The server's parts that handlers use; none of them exposes the connection. */

import type { WorkspaceEdit } from "vscode-languageserver-protocol";
import type { Translate } from "../../base/translate.ts";
import type { FolderEntries } from "../../protocol/requests.ts";
import type { SummaryCache } from "../features/read/summary-cache.ts";
import type { Rephrasing } from "../features/write/rephrase.ts";
import type { Typing } from "../features/write/typing/typing.ts";
import type { PrivateFiles } from "../text/private-files.ts";
import type { OpenDocument } from "./document/positions.ts";
import type { Suggestions } from "./document/suggestions.ts";
import type { EngineHost } from "./engine/engine-host.ts";
import type { ServerChoice } from "./engine/server-choice.ts";
import type { Log } from "./log.ts";
import type { Progress } from "./progress.ts";
import type { SettingsStore } from "./settings-store.ts";

/** Requests of the server to the client. */
export interface Client {
  /** Whether it supports the tag for code actions with a model's words. */
  readonly tagsModelGenerated: boolean;
  /** Whether links to our commands work in its hovers (initializationOptions: `commandLinks`). */
  readonly followsCommandLinks: boolean;
  /**
   * Applies an edit (workspace/applyEdit).
   * @returns why it was not applied, or undefined if it was
   */
  applyEdit(label: string, edit: WorkspaceEdit): Promise<string | undefined>;
  /** Shows a text to the user. */
  showMessage(text: string): void;
  /**
   * Asks the user a question once for what `key` names, and returns whether the answer was `yes`; undefined if the
   * client does not want that (initializationOptions: `confirmPrivateFiles`).
   */
  readonly ask: ((question: string, yes: string, key: string) => Promise<boolean>) | undefined;
  /** Whether a person has a question or a preview to answer, for which no time counts. */
  readonly asksPerson: () => boolean;
  /** The URIs of the workspace's folders; empty if a single file is open, or the client does not report them. */
  workspaceFolders(): Promise<readonly string[]>;
  /**
   * The entries of a folder that is not on this machine's disk.
   * @throws the client's error
   */
  listFolder(uri: string): Promise<FolderEntries>;
  /**
   * The bytes of a file that is not on this machine's disk; undefined if there are more than `mostBytes`.
   * @throws the client's error
   */
  readFile(uri: string, mostBytes: number): Promise<Uint8Array | undefined>;
}

/** A word and its alternatives, best first. */
export interface OtherWords extends Pick<Rephrasing, "start" | "end" | "alternatives" | "model" | "calibrated"> {
  readonly word: string;
}

/** Alternatives for words. */
export interface Words {
  /**
   * Alternatives for the word of prose at an offset; undefined if there is no word, or no alternative. A newer
   * request for the document ends this one.
   * @throws ResponseError RequestCancelled; what the model throws
   */
  at(services: Services, document: OpenDocument, offset: number, signal: AbortSignal): Promise<OtherWords | undefined>;
  /** Handles a changed or closed document: ends the work in progress for it. */
  changed(uri: string): void;
}

/** The server's parts. */
export interface Services {
  /** @throws ResponseError InvalidParams when the document is not open */
  openDocument(uri: string): OpenDocument;
  findDocument(uri: string): OpenDocument | undefined;
  readonly settings: SettingsStore;
  readonly engine: EngineHost;
  readonly server: ServerChoice;
  readonly progress: Progress;
  readonly suggestions: Suggestions;
  readonly typing: Typing;
  /** Whether answers may take any time (initializationOptions: `waitsForModel`), as tests and measurements want. */
  readonly waitsForModel: boolean;
  readonly summaries: SummaryCache;
  readonly words: Words;
  readonly privateFiles: PrivateFiles;
  readonly log: Log;
  /** Puts what the user is shown into the client's language. */
  readonly t: Translate;
  readonly client: Client;
}
