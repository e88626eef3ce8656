/**
 * The extension's beginning and end: registers what is there at once, and loads the language client when it is needed.
 */
import {
  commands,
  type Disposable,
  type ExtensionContext,
  env,
  languages,
  Position,
  type TextDocument,
  Uri,
  ViewColumn,
  version,
  window,
  workspace,
} from "vscode";
import { reason } from "../base/reason.ts";
import { FORMER_PALETTE_IDS } from "../protocol/commands.ts";
import type { EngineStatus } from "../protocol/requests.ts";
import type { CommandContext } from "./commands/commands.ts";
import { createSummaryView } from "./commands/summary-view.ts";
import { openLog } from "./editor/log.ts";
import { inform, notify } from "./editor/notices.ts";
import { createPause } from "./editor/pause.ts";
import { registerCommand } from "./editor/register-command.ts";
import { runsWentOn } from "./editor/run-memory.ts";
import { SELECTOR } from "./editor/selector.ts";
import { createStatusItem } from "./editor/status.ts";
import { noticeTyping } from "./editor/typing.ts";
import type { OpenPanels } from "./panel/host.ts";
import { suggestInComments } from "./providers/comments.ts";
import { registerTools } from "./providers/tools.ts";
import type { LanguageServer } from "./server/language-client.ts";

/** Palette command -> the function of commands.ts that does it. */
const TABLE = {
  "spanfill.summarizeSelection": "summarizeSelection",
  "spanfill.summarizeFile": "summarizeFile",
  "spanfill.fillGapsInSelection": "fillGaps",
  "spanfill.fillGapsWithPreview": "fillGapsWithPreview",
  "spanfill.continueAtCursor": "continueAtCursor",
  "spanfill.rephraseSelection": "rephraseSelection",
  "spanfill.replaceWord": "replaceWord",
  "spanfill.askSelection": "askSelection",
  "spanfill.nextAnswer": "nextAnswer",
  "spanfill.previousAnswer": "previousAnswer",
  "spanfill.classifySelection": "classifySelection",
  "spanfill.copySummary": "copySummary",
  "spanfill.insertSummary": "insertSummary",
  "spanfill.insertSummaryAsComment": "insertSummaryAsComment",
  "spanfill.replaceWithSummary": "replaceWithSummary",
  "spanfill.writeTitle": "writeTitle",
  "spanfill.writeDescription": "writeDescription",
  "spanfill.explainSuggestionHere": "explainSuggestionHere",
  "spanfill.pauseSuggestions": "pauseSuggestions",
  "spanfill.showMenu": "showMenu",
  "spanfill.summarizeThisFolder": "summarizeThisFolder",
  "spanfill.freeMemory": "freeMemory",
  "spanfill.forgetAllSummaries": "forgetAllSummaries",
  "spanfill.restart": "restartEngine",
} as const;

const SAID_SLOW = "saidSlow";
let running: Promise<LanguageServer> | undefined;

/** Called by VS Code when a prose document is opened or a command is used; returns before anything heavy is loaded. */
export function activate(context: ExtensionContext): void {
  const log = openLog("Spanfill");
  const status = createStatusItem();
  const summaries = createSummaryView();
  const pause = createPause((paused) => status.pause(paused));
  const parts = { summaries, pause, questions: { asked: [] } };
  context.subscriptions.push(log, status, summaries);
  context.subscriptions.push(registerCommand("spanfill.showLog", () => log.show()));
  context.subscriptions.push(registerCommand("spanfill.openSample", () => openSample(context.extensionUri)));

  log.info(
    `Spanfill ${context.extension.packageJSON.version} in ${env.appName} ${version}, ${process.platform}-${process.arch}`,
  );
  const server = createStarter(context, log, { status, ...parts });
  for (const [id, name] of Object.entries(TABLE)) {
    const command = registerCommand(id, async (argument?: unknown) => {
      const context: CommandContext = { server: await server(), ...parts };
      const run: (context: CommandContext, argument: unknown) => Promise<unknown> = (
        await import("./commands/commands.ts")
      )[name];
      return run(context, argument);
    });
    context.subscriptions.push(command);
  }
  for (const [former, id] of Object.entries(FORMER_PALETTE_IDS))
    context.subscriptions.push(registerCommand(former, (argument) => commands.executeCommand(id, argument)));
  // The panel is a separate file, read when it is first shown.
  const panels: OpenPanels = { all: new Set(), heard: new WeakSet() };
  const panel = async () => {
    return { ...(await import("./panel/host.ts")), context: { extension: context, server, panels } };
  };
  context.subscriptions.push(...panelCommands(panel));
  context.subscriptions.push(...registerTools(server), suggestInComments(server, pause));
  // VS Code activates for input boxes too: only a person's text starts the server, and opening it does not wait for
  // that. The engine waits for the first request.
  const opened = (document: TextDocument) => {
    if (running !== undefined || languages.match(SELECTOR, document) === 0) return;
    server()
      .then((server) => server.ready())
      .then(async () => {
        if (!runsWentOn(context)) return;
        const { followRuns, context: panelContext } = await panel();
        await followRuns(panelContext);
      })
      .catch((error) => log.error(`The language server did not start: ${error}`));
  };
  context.subscriptions.push(workspace.onDidOpenTextDocument(opened));
  const typed = async () => {
    // The server is started for a run that has to wait, and for nothing else.
    if (running === undefined && runsWentOn(context)) await (await server()).ready();
    await (await running)?.typed();
  };
  context.subscriptions.push(
    noticeTyping(
      () => void typed().catch((error) => log.debug(`training could not be informed of your typing: ${reason(error)}`)),
    ),
  );
  setImmediate(() => workspace.textDocuments.forEach(opened));
}

/** Returns what starts the server once; after a failed start the next call tries again. */
function createStarter(
  context: ExtensionContext,
  log: ReturnType<typeof openLog>,
  { status, ...parts }: Omit<CommandContext, "server"> & { readonly status: ReturnType<typeof createStatusItem> },
): () => Promise<LanguageServer> {
  const start = async (): Promise<LanguageServer> => {
    const { createServer, runAction } = await import("./commands/commands.ts");
    let shownNotice: string | undefined;
    const onStatus = (engine: EngineStatus | undefined) => {
      status.show(engine);
      if (engine?.slowNotice !== undefined) saySlow(context, engine.slowNotice);
      const notice = engine?.deviceNotice;
      if (notice !== undefined && notice !== shownNotice) void notify("warning", notice);
      shownNotice = notice ?? shownNotice;
      if (engine !== undefined)
        log.debug(`engine: ${engine.state}${engine.pid === undefined ? "" : `, process ${engine.pid}`}`);
    };
    const server: LanguageServer = createServer(context, log, onStatus, parts.pause, (command, argument) =>
      runAction({ server, ...parts }, command, argument),
    );
    return server;
  };
  return () => {
    if (running !== undefined) return running;
    const started = start();
    running = started;
    started.catch(() => {
      if (running === started) running = undefined;
    });
    return started;
  };
}

type Panel = typeof import("./panel/host.ts") & {
  readonly context: Parameters<typeof import("./panel/host.ts").openPanel>[0];
};

/** Registers what opens the panel. */
function panelCommands(panel: () => Promise<Panel>): Disposable[] {
  const open =
    (...page: ["tuning"] | []) =>
    async () => {
      const { openPanel, context } = await panel();
      openPanel(context, ...page);
    };
  return [
    registerCommand("spanfill.openPanel", open()),
    registerCommand("spanfill.fineTune", open("tuning")),
    registerCommand("spanfill.showRuns", open("tuning")),
    registerCommand("spanfill.chooseModel", async () => {
      const { chooseModel, context } = await panel();
      await chooseModel(context);
    }),
    registerCommand("spanfill.setServerToken", async () => {
      const { setServerToken, context } = await panel();
      await setServerToken(context);
    }),
    window.registerWebviewPanelSerializer("spanfill.panel", {
      deserializeWebviewPanel: async (shown) => {
        const { restorePanel, context } = await panel();
        restorePanel(context, shown);
      },
    }),
  ];
}

/** Once a machine. */
function saySlow({ globalState }: ExtensionContext, notice: string): void {
  if (globalState.get(SAID_SLOW) !== undefined) return;
  void globalState.update(SAID_SLOW, true);
  inform(notice);
}

/** Opens a text with gaps as a new document, beside an active editor that shows no text, such as the walkthrough. */
async function openSample(folder: Uri): Promise<void> {
  const bytes = await workspace.fs.readFile(Uri.joinPath(folder, "models", "builtin", "sample-gaps.md"));
  const document = await workspace.openTextDocument({ language: "markdown" });
  const other = window.activeTextEditor === undefined && window.tabGroups.activeTabGroup.activeTab !== undefined;
  const editor = await window.showTextDocument(document, other ? ViewColumn.Beside : ViewColumn.Active);
  // Only now: VS Code opens changed documents that nobody shows in a place that it chooses.
  await editor.edit((edit) => edit.insert(new Position(0, 0), new TextDecoder().decode(bytes)));
}

/** Called by VS Code at the end; resolves when the server has ended. */
export async function deactivate(): Promise<void> {
  const server = await running?.catch(() => undefined);
  running = undefined;
  await server?.dispose();
}
