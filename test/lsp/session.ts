/** A session with the built language server: initialized, with settings, and a few words for what tests do often. */
import { readFileSync } from "node:fs";
import type { Position, Range } from "vscode-languageserver-protocol";
import { built } from "../support/built.ts";
import { type Message, RpcClient } from "../support/json-rpc.ts";

/** How a session starts. */
export interface SessionOptions {
  /** The section `spanfill` as the client has it; may be changed later. */
  readonly settings: Record<string, unknown>;
  readonly capabilities?: object;
  /** What else initialize says. */
  readonly initialize?: object;
  /** A server that was started otherwise than by startServer. */
  readonly client?: RpcClient;
}

/** A server that answered initialize. */
export interface Session extends AsyncDisposable {
  readonly client: RpcClient;
  readonly initialized: unknown;
  /** What workspace/configuration is answered with. */
  settings: Record<string, unknown>;
  open(uri: string, text: string, languageId?: string): void;
  change(uri: string, version: number, ...changes: { range?: Range; text: string }[]): void;
  command(command: string, ...args: unknown[]): Promise<unknown>;
  inlineCompletion(
    uri: string,
    position: Position,
    triggerKind?: 1 | 2,
  ): Promise<{ insertText: string; range: Range }[]>;
}

/** What a full client says it can do. */
export const FULL = {
  general: { positionEncodings: ["utf-16"] },
  window: { workDoneProgress: true },
  workspace: {
    configuration: true,
    applyEdit: true,
    didChangeConfiguration: { dynamicRegistration: true },
    workspaceEdit: { documentChanges: true },
  },
  textDocument: { codeAction: { tagSupport: { valueSet: [1] } } },
};

/** A server process that nothing has been said to. */
export function startServer(): RpcClient {
  return new RpcClient(built("cli.js"), ["serve", "--stdio"]);
}

/** Starts a server and initializes it. */
export async function startSession(options: SessionOptions): Promise<Session> {
  const client = options.client ?? startServer();
  const session: Session = {
    client,
    settings: options.settings,
    initialized: undefined,
    open: (uri, text, languageId = "markdown") =>
      client.notify("textDocument/didOpen", { textDocument: { uri, languageId, version: 1, text } }),
    change: (uri, version, ...contentChanges) =>
      client.notify("textDocument/didChange", { textDocument: { uri, version }, contentChanges }),
    command: (command, ...args) => client.request("workspace/executeCommand", { command, arguments: args }),
    inlineCompletion: async (uri, position, triggerKind = 2) => {
      const params = { textDocument: { uri }, position, context: { triggerKind } };
      return (await client.request("textDocument/inlineCompletion", params)) as never;
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
  client.answers.set("workspace/configuration", (params) => {
    const { items } = params as { items: { section: string }[] };
    return items.map(({ section }) => (section === "spanfill" ? session.settings : null));
  });
  const initialized = await client.request("initialize", {
    processId: process.pid,
    rootUri: null,
    capabilities: options.capabilities ?? FULL,
    // A busy machine suggests what an idle one does.
    initializationOptions: { waitsForModel: true },
    ...options.initialize,
  });
  client.notify("initialized");
  return Object.assign(session, { initialized });
}

/** The server's progress messages. */
export function progressOf({ received }: RpcClient): { kind: string; percentage?: number; token: unknown }[] {
  return received.filter(isProgress).map(({ params }) => {
    const { token, value } = params as { token: unknown; value: { kind: string } };
    return { ...value, token };
  });
}

/** Whether a message is progress. */
export function isProgress({ method }: Message): boolean {
  return method === "$/progress";
}

/** Whether a message says how far the work is. */
export function isReport(message: Message): boolean {
  return isProgress(message) && (message.params as { value: { kind: string } }).value.kind === "report";
}

/** Whether a process is still there, and not just waiting for its parent to notice that it ended. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return process.platform !== "linux"; // gone meanwhile, or there is no /proc
  }
}
