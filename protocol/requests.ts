/**
 * Requests and notifications between a client and the language server beyond the protocol and its commands
 * (`commands.ts`).
 */
import type { Device } from "./devices.ts";

/** Sent from the server to the client to list a folder that is not on its disk: `{ uri }` -> `FolderEntries`. */
export const LIST_FOLDER_REQUEST = "spanfill/listFolder";
export type FolderEntries = readonly { readonly name: string; readonly kind: "file" | "folder" | "link" }[];

/** Sent from the server to the client to read a file that is not on its disk: `{ uri, mostBytes }` -> `FileContent`. */
export const READ_FILE_REQUEST = "spanfill/readFile";
export interface FileContent {
  /** The bytes; absent if there are more than `mostBytes`. */
  readonly base64?: string | undefined;
}

/** Sent from the server to the client whenever it changes, and the result of `spanfill.status` (`commands.ts`). */
export interface EngineStatus {
  /**
   * `unloaded`: no model in memory, the next request loads it. `loading`. `ready`: loaded and idle. `busy`: at work.
   * `failed`: the last attempt failed, `message` says why; the next request tries again.
   */
  readonly state: "unloaded" | "loading" | "ready" | "busy" | "failed";
  /** The model's id, or the setting's value while the model is not loaded. */
  readonly model: string;
  readonly precision: "int8" | "float32";
  /** The device that the model runs on. */
  readonly device: Device | "wasm";
  /** HOST:PORT of the server that text goes to; absent if it stays on this machine. */
  readonly host?: string;
  /** A sentence for people on why the model runs on WebAssembly; absent if it does not. */
  readonly slowNotice?: string;
  /** A sentence for people on why a device failed and the CPU takes its place. */
  readonly deviceNotice?: string;
  /** Exact number of parameters, once loaded. */
  readonly parameters?: number;
  /** The engine's process id while it is running. */
  readonly pid?: number;
  /** The memory of that process, in bytes; only in the result of `spanfill.status`, where the system reports it. */
  readonly memoryBytes?: number;
  readonly message?: string;
}

/**
 * Notification without parameters, client to server: a person is typing in any document of the editor, so training
 * waits. Sent at most once a second; contains no text. The server detects typing in its own documents by itself.
 */
export const TYPING_NOTIFICATION = "$/spanfill/typing";

/**
 * Notification of a `ServerToken`, client to server, after the start and when it changes: the token that a person
 * stored for an inference server. It is sent to that origin only, and kept in memory.
 */
export const SERVER_TOKEN_NOTIFICATION = "$/spanfill/serverToken";
export interface ServerToken {
  /** https://HOST:PORT; empty if no token is stored. */
  readonly origin: string;
  readonly token: string;
}

/** Notification of an `EngineStatus`, server to client. The prefix of its name lets other clients ignore it. */
export const STATUS_NOTIFICATION = "$/spanfill/status";

/**
 * Errors. RequestCancelled (-32800): cancelled by the client, or superseded. ContentModified (-32801): the document has
 * another version than the request. InvalidParams (-32602): arguments that are not as declared, or a document that is
 * not open. RequestFailed (-32803): Spanfill could not do it; `data.code` is the code of a ModelError.
 */
export interface FailureData {
  readonly code: string;
}
