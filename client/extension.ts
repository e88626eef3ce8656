/** The extension's beginning and end: registers what is there at once, and loads the language client when it is needed. */
import { commands, type ExtensionContext, env, languages, type TextDocument, version, window, workspace } from "vscode";
import type { CommandContext } from "./commands.ts";
import type { LanguageServer } from "./language-client.ts";
import { SELECTOR } from "./languages.ts";
import { platformProblem, thisPlatform } from "./platform.ts";
import { createStatusItem } from "./status.ts";
import { createSummaryView } from "./summary-view.ts";

/** Palette command -> the function of commands.ts that does it. */
const TABLE = {
  "spanfill.summarizeSelection": "summarizeSelection",
  "spanfill.summarizeFile": "summarizeFile",
  "spanfill.fillGapsInSelection": "fillGaps",
  "spanfill.infillAtCursor": "infillAtCursor",
  "spanfill.restart": "restartEngine",
} as const;

let running: Promise<LanguageServer> | undefined;

/** Called by VS Code when a prose document is opened or a command is used; returns before anything heavy is loaded. */
export function activate(context: ExtensionContext): void {
  const log = window.createOutputChannel("Spanfill", { log: true });
  const status = createStatusItem();
  const summaries = createSummaryView();
  context.subscriptions.push(log, status, summaries);
  context.subscriptions.push(commands.registerCommand("spanfill.showLog", () => log.show()));

  log.info(
    `Spanfill ${context.extension.packageJSON.version} in ${env.appName} ${version}, ${process.platform}-${process.arch}`,
  );
  const problem = platformProblem(thisPlatform(), context.extensionPath);
  if (problem !== undefined) {
    log.error(problem);
    status.fail(problem);
  }
  const start = async (): Promise<LanguageServer> => {
    const { LanguageServer } = await import("./language-client.ts");
    return new LanguageServer(context, log, (engine) => {
      status.show(engine);
      if (engine !== undefined)
        log.debug(`engine: ${engine.state}${engine.pid === undefined ? "" : `, process ${engine.pid}`}`);
    });
  };
  for (const [id, name] of Object.entries(TABLE)) {
    const command = commands.registerCommand(id, async () => {
      if (problem !== undefined) {
        void window.showErrorMessage(problem);
        return;
      }
      running ??= start();
      const context: CommandContext = { server: await running, summaries };
      await (await import("./commands.ts"))[name](context);
    });
    context.subscriptions.push(command);
  }
  if (problem !== undefined) return;
  // VS Code activates for input boxes too: only a person's text starts the server, and opening it does not wait for that.
  // The engine waits for the first request.
  const opened = (document: TextDocument) => {
    if (running !== undefined || languages.match(SELECTOR, document) === 0) return;
    running = start();
    running.then((server) => server.ready()).catch((error) => log.error(`The language server did not start: ${error}`));
  };
  context.subscriptions.push(workspace.onDidOpenTextDocument(opened));
  setImmediate(() => workspace.textDocuments.forEach(opened));
}

/** Called by VS Code at the end; resolves when the server has ended. */
export async function deactivate(): Promise<void> {
  const server = await running?.catch(() => undefined);
  running = undefined;
  await server?.dispose();
}
