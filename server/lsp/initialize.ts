/**
 * The request initialize: its answer, and the check of its parameters before the library's handler reads them, which
 * throws on others than it expects and so answers with an internal error.
 */
import {
  type Message,
  type MessageStrategy,
  type ServerCapabilities,
  TextDocumentSyncKind,
} from "vscode-languageserver-protocol";
import * as z from "zod";
import { OFFER_KINDS } from "./code-actions.ts";
import { COMMAND_IDS } from "./commands/execute.ts";
import type { PositionEncoding } from "./document/positions.ts";
import { WORD_KIND } from "./document/words.ts";
import { invalidParams } from "./errors.ts";

const flag = z.boolean().nullish();

/** The parameters of initialize that the server or its library uses. */
export const initializeParams = z.object({
  processId: z.int().nullish(),
  rootUri: z.string().nullish(),
  locale: z.string().nullish(),
  trace: z.string().nullish(),
  workspaceFolders: z.array(z.object({ uri: z.string(), name: z.string() })).nullish(),
  capabilities: z.object({
    general: z.object({ positionEncodings: z.array(z.string()).nullish() }).nullish(),
    window: z.object({ workDoneProgress: flag }).nullish(),
    workspace: z
      .object({
        applyEdit: flag,
        configuration: flag,
        workspaceFolders: flag,
        didChangeConfiguration: z.object({ dynamicRegistration: flag }).nullish(),
      })
      .nullish(),
    textDocument: z.object({ codeAction: z.object({}).nullish() }).nullish(),
  }),
});

/** A method of ours that stands for an initialize with wrong parameters; clients that send it get the same answer. */
const INVALID = "spanfill/invalidInitialize";

/** Passes messages on to the library, an invalid initialize under a name that {@link refuseInvalid} answers. */
export const checkedInitialize: MessageStrategy = {
  handleMessage: (message: Message, next) => {
    const isInvalid = isInitialize(message) && !initializeParams.safeParse(message.params).success;
    return next(isInvalid ? ({ ...message, method: INVALID, params: [message.params] } as Message) : message);
  },
};

function isInitialize(message: Message): message is Message & { readonly params?: unknown } {
  return "method" in message && message.method === "initialize";
}

/** Answers an invalid initialize with -32602 and where it is wrong. */
export function refuseInvalid(connection: {
  onRequest(method: string, handler: (params: unknown) => never): unknown;
}): void {
  connection.onRequest(INVALID, (params) => {
    const { error } = initializeParams.safeParse(params);
    throw invalidParams(`The parameters are not valid: ${error === undefined ? "" : z.prettifyError(error)}`);
  });
}

/** The abilities of this server. */
export function serverCapabilities(positionEncoding: PositionEncoding): ServerCapabilities {
  return {
    positionEncoding,
    textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
    inlineCompletionProvider: true,
    hoverProvider: true,
    codeLensProvider: {},
    codeActionProvider: { codeActionKinds: [...OFFER_KINDS, WORD_KIND] },
    workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
    executeCommandProvider: { commands: [...COMMAND_IDS], workDoneProgress: true },
  };
}
