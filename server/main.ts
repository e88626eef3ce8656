/** The language server: connects the protocol to the handlers. Its arguments choose stdio or Node's IPC. */
import { join } from "node:path";
import {
  type ClientCapabilities,
  CodeActionRequest,
  CodeLensRequest,
  createConnection,
  DidChangeConfigurationNotification,
  DidChangeWorkspaceFoldersNotification,
  ErrorCodes,
  ExecuteCommandRequest,
  HoverRequest,
  type InitializeResult,
  InlineCompletionRequest,
  MessageType,
  ProtocolRequestType,
  type ResponseError,
  TextDocuments,
  WorkDoneProgress,
  WorkDoneProgressCancelNotification,
  WorkDoneProgressCreateRequest,
} from "vscode-languageserver/node";
import { defined } from "../base/defined.ts";
import { withStack } from "../base/reason.ts";
import { english, type Translate } from "../base/translate.ts";
import { version } from "../package.json";
import { PANEL_REQUEST, serverQuestionSchema } from "../protocol/panel.ts";
import { SERVER_TOKEN_NOTIFICATION, STATUS_NOTIFICATION, TYPING_NOTIFICATION } from "../protocol/requests.ts";
import { SETTINGS_SECTION } from "../protocol/settings.ts";
import { messageText } from "../protocol/shown-text.ts";
import { stayUp } from "./engine/process/stay-up.ts";
import { createSummaryCache } from "./features/read/summary-cache.ts";
import { createTyping, waitForever } from "./features/write/typing/typing.ts";
import { cacheFolder } from "./files/whole-file.ts";
import { leaveFolder, settleFolders } from "./files/working-folder.ts";
import { createAnswer } from "./lsp/answer.ts";
import { type ClientAnswers, createClient, waitsForModel } from "./lsp/client.ts";
import { commandDeadline, executeCommand, executeCommandParams, isPartial } from "./lsp/commands/execute.ts";
import { DEADLINES } from "./lsp/deadlines.ts";
import { chooseEncoding, documentModel, type PositionEncoding } from "./lsp/document/positions.ts";
import { createSuggestions } from "./lsp/document/suggestions.ts";
import { createWords } from "./lsp/document/words.ts";
import { createBackground } from "./lsp/engine/background.ts";
import { createEngineHost } from "./lsp/engine/engine-host.ts";
import { createServerChoice } from "./lsp/engine/server-choice.ts";
import { contentModified, invalidParams, refused } from "./lsp/errors.ts";
import { messageFrames } from "./lsp/frames.ts";
import {
  codeActionParams,
  codeLensParams,
  hoverParams,
  inlineCompletionParams,
  provideCodeActions,
  provideCodeLenses,
  provideHover,
  provideInlineCompletion,
} from "./lsp/handlers.ts";
import { checkedInitialize, refuseInvalid, serverCapabilities } from "./lsp/initialize.ts";
import { createLaterPanel } from "./lsp/later-panel.ts";
import { createLog } from "./lsp/log.ts";
import { createPatience } from "./lsp/patience.ts";
import { createProgress } from "./lsp/progress.ts";
import type { Services } from "./lsp/services.ts";
import { createSettingsStore } from "./lsp/settings-store.ts";
import { translationFor } from "./lsp/translation.ts";
import { errorConsole } from "./output.ts";
import { createTypingNotice } from "./runs/typing.ts";
import { fileBehind } from "./text/file-behind.ts";
import { createPrivateFiles } from "./text/private-files.ts";

// An editor starts servers in the folder that it shows, which may be anybody's.
leaveFolder();
const ignoredVariables = settleFolders(undefined);
const stdio = process.argv.includes("--stdio");
// Standard output belongs to the protocol.
if (stdio) globalThis.console = errorConsole();
const input = messageFrames((bytes) => log.warn(`dropped ${bytes} bytes of input that were not a message`));
const strategy = { messageStrategy: checkedInitialize };
const connection = stdio
  ? createConnection(process.stdin.pipe(input), process.stdout, strategy)
  : createConnection(strategy);
refuseInvalid(connection);
let encoding: PositionEncoding = "utf-16";
let services: Services | undefined;
let listensForSettings = false;
let client: ClientAnswers | undefined;
let ending = false;

const log = createLog((level, line) => connection.console[level === "debug" ? "log" : level](line));
stayUp((line) => log.error(line));
const panel = createLaterPanel(notify, log);
const background = createBackground(log);
const CREATE = WorkDoneProgressCreateRequest.type;
const patience = createPatience((line) => log.warn(line));
const summaries = createSummaryCache({ file: join(cacheFolder(), "summaries.json") });
const documents = new TextDocuments(documentModel(() => encoding));
const typing = createTypingNotice((error) => log.debug(`training runs were not notified of your typing: ${error}`));
const server = createServerChoice();
const engine = createEngineHost({
  ...{ log, server },
  onStatus: (status) => notify(STATUS_NOTIFICATION, status),
  t: () => services?.t ?? english,
});

connection.onInitialize(({ capabilities, initializationOptions, rootUri, locale }): InitializeResult => {
  if (services !== undefined) throw refused(ErrorCodes.InvalidRequest, "The server is already initialized.");
  encoding = chooseEncoding(capabilities.general?.positionEncodings);
  services = servicesFor(capabilities, initializationOptions, rootUri, translationFor(locale));
  listensForSettings = capabilities.workspace?.didChangeConfiguration?.dynamicRegistration ?? false;
  // Registered here because the library sets its own handlers for progress and folders just before.
  connection.onNotification(WorkDoneProgressCancelNotification.type, ({ token }) => services?.progress.cancel(token));
  connection.onNotification(DidChangeWorkspaceFoldersNotification.type, foldersChanged);
  return {
    serverInfo: { name: "spanfill", version },
    capabilities: serverCapabilities(encoding),
  };
});
connection.onInitialized(() => {
  if (listensForSettings) {
    background("listening for changed settings", () =>
      patience.ask("client/registerCapability", () =>
        connection.client.register(DidChangeConfigurationNotification.type, { section: SETTINGS_SECTION }),
      ),
    );
  }
  background("reading the settings", () => settingsChanged(undefined));
  for (const name of ignoredVariables)
    log.warn(`${name} is ignored: it is a relative path, and a server has no working folder`);
});
connection.onDidChangeConfiguration(({ settings }) => {
  background("taking changed settings", () => settingsChanged(settings));
});
const answer = createAnswer({ log, services: servicesNow });
// Not onHover and its like: they read the progress token before the parameters are checked, and remove it.
const offers = { deadline: () => DEADLINES.offers, late: [] };
const suggesting = { deadline: () => DEADLINES.fills(1) };
connection.onRequest(InlineCompletionRequest.type, answer(inlineCompletionParams, provideInlineCompletion, suggesting));
const hovering = { deadline: () => DEADLINES.hover, late: null };
connection.onRequest(HoverRequest.type, answer(hoverParams, provideHover, hovering));
connection.onRequest(CodeLensRequest.type, answer(codeLensParams, provideCodeLenses, offers));
connection.onRequest(CodeActionRequest.type, answer(codeActionParams, provideCodeActions, offers));
connection.onRequest(
  ExecuteCommandRequest.type,
  answer(executeCommandParams, executeCommand, { deadline: commandDeadline, isPartial }),
);
// With a type, parameters by position are refused before the handler is called.
connection.onRequest(
  new ProtocolRequestType(PANEL_REQUEST),
  answer(serverQuestionSchema, panel.answer, { deadline: panel.deadline }),
);
connection.onRequest((method) => {
  throw refusal() ?? refused(ErrorCodes.MethodNotFound, `Spanfill does not answer ${method}.`);
});
// Requested on opening, a document's settings are there when its first suggestion is needed.
documents.onDidOpen(({ document: { uri } }) => {
  background("reading a document's settings", () => services?.settings.settingsFor(uri));
});
documents.onDidChangeContent(({ document }) => {
  const { uri } = document;
  background("beginning a suggestion", () =>
    services?.suggestions.changed(document, contentModified("The document was changed.")),
  );
  background("giving up a word", () => services?.words.changed(uri));
  background("making training wait", yieldToTyping);
});
connection.onNotification(SERVER_TOKEN_NOTIFICATION, (token: unknown) => server.take(token));
connection.onNotification(TYPING_NOTIFICATION, () => background("making training wait", yieldToTyping));
documents.onDidClose(({ document: { uri } }) => {
  background("giving up a suggestion", () =>
    services?.suggestions.closed(uri, contentModified("The document was closed.")),
  );
  background("giving up a word", () => services?.words.changed(uri));
  background("forgetting a document's settings", () => services?.settings.forget(uri));
});
connection.onShutdown(async () => {
  ending = true;
  // Independently, so that an error in one does not keep the others from ending.
  const disposals = [() => engine.dispose(), () => panel.dispose(), () => summaries.flush()];
  for (const ended of await Promise.allSettled(disposals.map(async (dispose) => dispose()))) {
    if (ended.status === "rejected") log.error(`the shutdown failed in part: ${withStack(ended.reason)}`);
  }
});
// With IPC, a client that dies closes no stream.
process.on("disconnect", () => process.exit(1));
documents.listen(connection);
connection.listen();

/** Makes training runs wait while a person types, if the setting is on. */
async function yieldToTyping(): Promise<void> {
  const settings = await services?.settings.settingsFor();
  if (settings?.["training.pauseWhileTyping"] === true) typing();
}

/** Sends the client a notification; does nothing once the client is gone. */
function notify(method: string, params: unknown): void {
  unheard(() => connection.sendNotification(method, params));
}

/** Sends something and ignores errors, which mean that the client is gone; a closed connection throws at once. */
function unheard(send: () => Promise<unknown>): void {
  (async () => send())().catch(() => undefined);
}

/** Handles an added or removed folder, which may have its own settings. */
function foldersChanged(): void {
  client?.foldersChanged();
  services?.settings.changed(undefined);
}

async function settingsChanged(pushed: unknown): Promise<void> {
  services?.settings.changed(pushed);
  const settings = await services?.settings.settingsFor();
  if (settings === undefined) return;
  log.level = settings.logLevel;
  await summaries.keep(settings["summary.keep"]).catch((error) => log.warn(`summaries: ${error}`));
}

function refusal(): ResponseError | undefined {
  if (services === undefined) return notInitialized();
  return ending ? refused(ErrorCodes.InvalidRequest, "The server is shutting down.") : undefined;
}

function servicesNow(): Services {
  const why = refusal();
  if (why !== undefined || services === undefined) throw why ?? notInitialized();
  return services;
}

function notInitialized(): ResponseError {
  return refused(ErrorCodes.ServerNotInitialized, "Send initialize first.");
}

function servicesFor(
  capabilities: ClientCapabilities,
  options: unknown,
  rootUri: string | null | undefined,
  t: Translate,
): Services {
  const { workspace, window } = capabilities;
  const fetch = (scopeUri: string | undefined) =>
    connection.workspace.getConfiguration({
      section: SETTINGS_SECTION,
      ...defined({ scopeUri: scopeUri && fileBehind(scopeUri) }),
    });
  client = createClient(capabilities, options, rootUri, {
    patience,
    folders: () => connection.workspace.getWorkspaceFolders(),
    request: (method, params) => connection.sendRequest(method, params),
    applyEdit: (label, edit) => connection.workspace.applyEdit({ label, edit }),
  });
  const initialSettings =
    typeof options === "object" && options !== null && SETTINGS_SECTION in options ? options : undefined;
  return {
    findDocument: (uri) => documents.get(uri),
    openDocument: (uri) => {
      const document = documents.get(uri);
      if (document === undefined) throw invalidParams(`${uri} is not open; send textDocument/didOpen first.`);
      return document;
    },
    settings: createSettingsStore({
      fetch: workspace?.configuration ? (uri) => patience.ask("workspace/configuration", () => fetch(uri)) : undefined,
      initial: initialSettings?.[SETTINGS_SECTION],
      problem: (sentence) => log.warn(sentence),
    }),
    engine,
    server,
    suggestions: createSuggestions(undefined, (error) => log.error(`a suggestion failed: ${withStack(error)}`)),
    words: createWords(),
    typing: createTyping(waitsForModel(options) ? waitForever : undefined),
    waitsForModel: waitsForModel(options),
    privateFiles: createPrivateFiles(t),
    summaries,
    log,
    t,
    progress: createProgress(
      {
        create: window?.workDoneProgress
          ? (token) => patience.ask(CREATE.method, () => connection.sendRequest(CREATE, { token }))
          : undefined,
        send: (token, value) => unheard(() => connection.sendProgress(WorkDoneProgress.type, token, value)),
      },
      t,
    ),
    client: {
      ...client,
      showMessage: (message) => notify("window/showMessage", { type: MessageType.Info, message: messageText(message) }),
    },
  };
}
