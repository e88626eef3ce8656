/** The connection to the language server: started when first needed, and again when it is gone. */
import { randomUUID } from "node:crypto";
import { parse } from "node:path";
import {
  type CancellationToken,
  type ExtensionContext,
  InlineCompletionTriggerKind,
  type LogOutputChannel,
  type SecretStorage,
  workspace,
} from "vscode";
import {
  DidChangeConfigurationNotification,
  ExecuteCommandRequest,
  State,
  WorkDoneProgress,
} from "vscode-languageclient";
import { LanguageClient, TransportKind } from "vscode-languageclient/node";
import { type CommandName, type Commands, commandId } from "../../protocol/commands.ts";
import {
  type EngineStatus,
  SERVER_TOKEN_NOTIFICATION,
  STATUS_NOTIFICATION,
  TYPING_NOTIFICATION,
} from "../../protocol/requests.ts";
import { sayNone } from "../editor/notices.ts";
import type { Pause } from "../editor/pause.ts";
import { SELECTOR } from "../editor/selector.ts";
import { readForServer } from "./folder-reader.ts";
import { readServerToken, SERVER_TOKEN } from "./server-token.ts";
import { withoutLearning } from "./untrusted.ts";

/** How far a command has come: a sentence, or a share of 100 since the last report. */
export type ReportProgress = (progress: { readonly message?: string; readonly increment?: number }) => void;

/** A command's way to the server. */
export interface RequestOptions {
  readonly token: CancellationToken;
  readonly report: ReportProgress;
}

const RESTART_GRACE_MS = 5000;

/** The language server as the commands see it. */
export class LanguageServer {
  private readonly client: LanguageClient;
  private readonly secrets: SecretStorage;

  /**
   * Starts nothing.
   * @param onStatus receives the engine's status whenever it changes, and undefined when the server is gone
   * @param pause while it lasts, typing asks for no suggestions
   * @param onCommand gets the server's commands first; what it answers undefined to is sent to the server
   */
  constructor(
    context: ExtensionContext,
    outputChannel: LogOutputChannel,
    onStatus: (status: EngineStatus | undefined) => void,
    pause: Pause,
    onCommand: (command: string, argument: unknown) => Promise<void> | undefined,
  ) {
    const module = context.asAbsolutePath("dist/server.js");
    this.client = new LanguageClient(
      "spanfill",
      "Spanfill",
      // By itself it would start in the workspace's first folder, which may be anybody's.
      { module, transport: TransportKind.ipc, options: { cwd: parse(process.execPath).root } },
      {
        documentSelector: SELECTOR,
        outputChannel,
        // Hovers may put a word into the text, and nothing else.
        initializationOptions: { commandLinks: true, confirmPrivateFiles: true },
        markdown: { isTrusted: { enabledCommands: ["spanfill.replaceWord"] } },
        middleware: {
          executeCommand: (command, args, next) => onCommand(command, args[0]) ?? next(command, args),
          provideInlineCompletionItems: async (document, position, context, token, next) => {
            const asked = context.triggerKind === InlineCompletionTriggerKind.Invoke;
            if (pause.paused && !asked) return [];
            const made = await next(document, position, context, token);
            const none = made === undefined || made === null || (Array.isArray(made) ? made : made.items).length === 0;
            if (none && asked && !token.isCancellationRequested) sayNone();
            return made;
          },
          workspace: {
            configuration: async (params, token, next) => {
              const values = await next(params, token);
              return Array.isArray(values) && !workspace.isTrusted ? withoutLearning(values) : values;
            },
          },
        },
      },
    );
    readForServer(this.client);
    this.secrets = context.secrets;
    context.subscriptions.push(
      context.secrets.onDidChange(({ key }) => {
        if (key === SERVER_TOKEN && this.client.state === State.Running) void this.sendToken();
      }),
    );
    context.subscriptions.push(
      workspace.onDidGrantWorkspaceTrust(() => {
        if (this.client.state !== State.Running) return;
        void this.client.sendNotification(DidChangeConfigurationNotification.type, { settings: null });
      }),
    );
    this.client.onNotification(STATUS_NOTIFICATION, onStatus);
    this.client.onDidChangeState(({ newState }) => {
      if (newState !== State.Running) onStatus(undefined);
      else void this.sendToken(); // after a crash, too
    });
  }

  /** The connection, started if it is not. @throws what kept the server from starting */
  async ready(): Promise<LanguageClient> {
    // After some crashes in a row the client no longer starts the server by itself; a person's next request does.
    await this.client.start();
    return this.client;
  }

  /** Hands the server the token that is stored for an inference server; it is kept in memory there. */
  private async sendToken(): Promise<void> {
    await this.client.sendNotification(SERVER_TOKEN_NOTIFICATION, await readServerToken(this.secrets));
  }

  /** Has the server run a command. @throws ResponseError */
  async execute<Name extends CommandName>(
    name: Name,
    argument: Commands[Name]["arguments"],
    { token, report }: RequestOptions,
  ): Promise<Commands[Name]["result"]> {
    const client = await this.ready();
    const workDoneToken = randomUUID();
    let percentage = 0;
    const progress = client.onProgress(WorkDoneProgress.type, workDoneToken, (value) => {
      if (value.kind === "end") return;
      const next = value.percentage ?? percentage;
      report({ ...(value.message === undefined ? {} : { message: value.message }), increment: next - percentage });
      percentage = next;
    });
    try {
      const params = { command: commandId(name), arguments: [argument], workDoneToken };
      return await client.sendRequest(ExecuteCommandRequest.method, params, token);
    } finally {
      progress.dispose();
    }
  }

  /** Lets training wait, since a person types; starts nothing. */
  async typed(): Promise<void> {
    if (this.client.state === State.Running) await this.client.sendNotification(TYPING_NOTIFICATION);
  }

  /** Ends the engine's process and starts the next; the server too when it does not answer. */
  async restart(): Promise<void> {
    if (this.client.state !== State.Running) {
      await this.ready();
      return;
    }
    const command = commandId("restartEngine");
    const asked = this.client.sendRequest(ExecuteCommandRequest.type, { command }).then(() => true);
    const late = new Promise<boolean>((resolve) => {
      setTimeout(() => resolve(false), RESTART_GRACE_MS).unref();
    });
    if (!(await Promise.race([asked.catch(() => false), late]))) await this.client.restart();
  }

  /** Ends the server, and the engine with it. */
  async dispose(): Promise<void> {
    await this.client.dispose();
  }
}
