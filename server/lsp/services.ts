/** What the handlers work with: the server's parts, none of which shows the connection. */
import type { WorkspaceEdit } from "vscode-languageserver-protocol";
import type { FolderEntries } from "../../protocol/requests.ts";
import type { SummaryCache } from "../features/read/summary-cache.ts";
import type { Rephrasing } from "../features/write/rephrase.ts";
import type { OpenDocument } from "./document/positions.ts";
import type { Suggestions } from "./document/suggestions.ts";
import type { EngineHost } from "./engine/engine-host.ts";
import type { Log } from "./log.ts";
import type { Progress } from "./progress.ts";
import type { SettingsStore } from "./settings-store.ts";

/** What the server may ask of the client. */
export interface Client {
  /** Whether it knows the tag of code actions that a model's words come from. */
  readonly tagsModelGenerated: boolean;
  /** Whether links to commands of ours work in its hovers (initializationOptions: `commandLinks`). */
  readonly followsCommandLinks: boolean;
  /** Applies an edit (workspace/applyEdit). @returns why it did not, or undefined when it did */
  applyEdit(label: string, edit: WorkspaceEdit): Promise<string | undefined>;
  /** Shows a text to the user. */
  showMessage(text: string): void;
  /** The URIs of the workspace's folders; none where a single file is open, or the client does not say. */
  workspaceFolders(): Promise<readonly string[]>;
  /** What is in a folder that is not on this machine's disk. @throws what the client says */
  listFolder(uri: string): Promise<FolderEntries>;
  /** A file that is not on this machine's disk; undefined when it has more bytes. @throws what the client says */
  readFile(uri: string, mostBytes: number): Promise<Uint8Array | undefined>;
}

/** A word and what could stand in its place, best first. */
export interface OtherWords extends Pick<Rephrasing, "start" | "end" | "alternatives" | "model" | "calibrated"> {
  readonly word: string;
}

/** The words that were asked about. */
export interface Words {
  /**
   * Other words for the word of prose at an offset; undefined where there is none, or nothing else to say. A newer question about
   * the document ends this one.
   * @throws ResponseError RequestCancelled; what the model throws
   */
  at(services: Services, document: OpenDocument, offset: number, signal: AbortSignal): Promise<OtherWords | undefined>;
  /** The document was changed or closed: what is under way for it ends. */
  changed(uri: string): void;
}

/** The server's parts. */
export interface Services {
  /** @throws ResponseError InvalidParams when the document is not open */
  openDocument(uri: string): OpenDocument;
  findDocument(uri: string): OpenDocument | undefined;
  readonly settings: SettingsStore;
  readonly engine: EngineHost;
  readonly progress: Progress;
  readonly suggestions: Suggestions;
  readonly summaries: SummaryCache;
  readonly words: Words;
  readonly log: Log;
  readonly client: Client;
}
