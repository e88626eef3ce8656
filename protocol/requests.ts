/** What a client and the language server say to each other beyond the protocol and its commands, which are in `commands.ts`. */
import type { Device } from "./devices.ts";

/** Sent from the server to the client to list a folder that is not on its disk: `{ uri }` -> `FolderEntries`. */
export const LIST_FOLDER_REQUEST = "spanfill/listFolder";
export type FolderEntries = readonly { readonly name: string; readonly kind: "file" | "folder" }[];

/** Sent from the server to the client to read a file that is not on its disk: `{ uri, mostBytes }` -> `FileContent`. */
export const READ_FILE_REQUEST = "spanfill/readFile";
export interface FileContent {
  /** The bytes; absent where there are more than `mostBytes`. */
  readonly base64?: string | undefined;
}

/** Sent from the server to the client whenever it changes, and the result of `spanfill.status` (`commands.ts`). */
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
  /** The memory of that process, in bytes; only in the result of `spanfill.status`, where the system reports it. */
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
 * another version than the request. InvalidParams (-32602): arguments that are not as declared, or a document that is not open.
 * RequestFailed (-32803): Spanfill could not do it; `data.code` is the code of a ModelError.
 */
export interface FailureData {
  readonly code: string;
}
