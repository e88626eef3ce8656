/** The client as the handlers see it: what it can do, and what the server may ask of it. */
import {
  type ClientCapabilities,
  MessageType,
  ShowMessageRequest,
  type WorkspaceEdit,
} from "vscode-languageserver-protocol";
import { reason } from "../../base/reason.ts";
import { LIST_FOLDER_REQUEST, READ_FILE_REQUEST } from "../../protocol/requests.ts";
import { messageText } from "../../protocol/shown-text.ts";
import { fileContentSchema, folderEntriesSchema } from "./client-answers.ts";
import type { Patience } from "./patience.ts";
import type { Client } from "./services.ts";

/** The server's side of the connection. */
export interface Asks {
  /** How long the client's own answers are waited for; those of a person take any time. */
  readonly patience: Patience;
  /** The workspace's folders; null if none is open. */
  folders(): Promise<readonly { readonly uri: string }[] | null>;
  request(method: string, params: object): Promise<unknown>;
  applyEdit(
    label: string,
    edit: WorkspaceEdit,
  ): Promise<{ readonly applied: boolean; readonly failureReason?: string }>;
}

/** All that a {@link Client} has but what shows text to the user, which the connection's file adds. */
export interface ClientAnswers
  extends Pick<
    Client,
    | "followsCommandLinks"
    | "tagsModelGenerated"
    | "ask"
    | "asksPerson"
    | "workspaceFolders"
    | "listFolder"
    | "readFile"
    | "applyEdit"
  > {
  /** Forgets the workspace's folders, so that the next question about them is asked anew. */
  foldersChanged(): void;
}

/** @param options initializationOptions */
export function createClient(
  { workspace, textDocument }: Pick<ClientCapabilities, "workspace" | "textDocument">,
  options: unknown,
  rootUri: string | null | undefined,
  asks: Asks,
): ClientAnswers {
  /** Requested when they are first needed. */
  let folders: Promise<readonly string[]> | undefined;
  const askFolders = async () => {
    try {
      return ((await asks.patience.ask("workspace/workspaceFolders", asks.folders)) ?? []).map(({ uri }) => uri);
    } catch {
      folders = undefined; // so that the next call asks again
      return [];
    }
  };
  /** Questions and previews that a person has not answered. */
  let open = 0;
  const byPerson = async <T>(answer: Promise<T>): Promise<T> => {
    open += 1;
    return answer.finally(() => {
      open -= 1;
    });
  };
  const request = (method: string, params: object) => asks.patience.ask(method, () => asks.request(method, params));
  const root = rootUri === null || rootUri === undefined ? [] : [rootUri];
  return {
    ask: isEnabled(options, "confirmPrivateFiles")
      ? askOnce({ request: (method, params) => byPerson(asks.request(method, params)) })
      : undefined,
    asksPerson: () => open > 0,
    followsCommandLinks: isEnabled(options, "commandLinks"),
    tagsModelGenerated: textDocument?.codeAction?.tagSupport !== undefined,
    workspaceFolders: () => {
      folders ??= workspace?.workspaceFolders ? askFolders() : Promise.resolve(root);
      return folders;
    },
    foldersChanged: () => {
      folders = undefined;
    },
    listFolder: async (uri) => folderEntriesSchema.parse(await request(LIST_FOLDER_REQUEST, { uri })),
    readFile: async (uri, mostBytes) => {
      const { base64 } = fileContentSchema.parse(await request(READ_FILE_REQUEST, { uri, mostBytes }));
      return base64 === undefined ? undefined : Buffer.from(base64, "base64");
    },
    applyEdit: async (label, edit) => {
      const apply = () => asks.applyEdit(label, edit);
      // A person may look at a preview for as long as they like.
      const isShown = edit.changeAnnotations !== undefined;
      const answer = isShown ? byPerson(apply()) : asks.patience.ask("workspace/applyEdit", apply);
      const { applied, failureReason } = await answer.catch((error) => ({
        applied: false,
        failureReason: reason(error),
      }));
      return applied ? undefined : (failureReason ?? "the editor refused the edit");
    },
  };
}

/**
 * Whether suggestions and hovers wait for the model however long it takes (initializationOptions: `waitsForModel`).
 * Tests and measurements want it, so that a busy machine answers what an idle one does.
 */
export function waitsForModel(options: unknown): boolean {
  return isEnabled(options, "waitsForModel");
}

/** Asks until the answer is yes, which is remembered. */
function askOnce({ request }: Pick<Asks, "request">): NonNullable<Client["ask"]> {
  const agreed = new Set<string>();
  return async (text, yes, key) => {
    if (agreed.has(key)) return true;
    const question = { type: MessageType.Warning, message: messageText(text), actions: [{ title: messageText(yes) }] };
    const chosen = await request(ShowMessageRequest.method, question);
    if (chosen === null || chosen === undefined) return false;
    agreed.add(key);
    return true;
  };
}

/** Whether initializationOptions enable an option. */
function isEnabled(options: unknown, name: string): boolean {
  return (
    typeof options === "object" &&
    options !== null &&
    Object.entries(options).some(([key, value]) => key === name && value === true)
  );
}
