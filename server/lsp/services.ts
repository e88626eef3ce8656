/** What the handlers work with: the server's parts, none of which shows the connection. */
import type { WorkspaceEdit } from "vscode-languageserver-protocol";
import type { SummaryCache } from "../features/section-summary.ts";
import type { EngineHost } from "./engine-host.ts";
import type { Log } from "./log.ts";
import type { OpenDocument } from "./positions.ts";
import type { Progress } from "./progress.ts";
import type { SettingsStore } from "./settings-store.ts";
import type { Suggestions } from "./suggestions.ts";

/** What the server may ask of the client. */
export interface Client {
  /** Whether it knows the tag of code actions that a model's words come from. */
  readonly tagsModelGenerated: boolean;
  /** Applies an edit (workspace/applyEdit). @returns why it did not, or undefined when it did */
  applyEdit(label: string, edit: WorkspaceEdit): Promise<string | undefined>;
  /** Shows a text to the user. */
  showMessage(text: string): void;
}

/** The server's parts. */
export interface Services {
  /** @throws ResponseError InvalidParams when the document is not open */
  openDocument(uri: string): OpenDocument;
  readonly settings: SettingsStore;
  readonly engine: EngineHost;
  readonly progress: Progress;
  readonly suggestions: Suggestions;
  readonly summaries: SummaryCache;
  readonly log: Log;
  readonly client: Client;
}
