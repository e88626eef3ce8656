/**
 * The benchmark's extension: answers at once with a constant in files named *.constant, which Spanfill leaves alone, so
 * that what VS Code itself takes is known; and does in the window what the benchmark asks for.
 */
import { connect } from "node:net";
import { createInterface } from "node:readline";
import {
  commands,
  type ExtensionContext,
  languages,
  Range,
  Selection,
  type TextDocument,
  Uri,
  window,
  workspace,
} from "vscode";
import type { WindowAnswer, WindowGreeting, WindowRequest } from "./protocol.ts";

/** Called by VS Code once a window has started. */
export function activate(context: ExtensionContext): void {
  context.subscriptions.push(
    languages.registerInlineCompletionItemProvider(
      { language: "constant" },
      {
        provideInlineCompletionItems: (_document, position) => [
          { insertText: "what the constant provider says", range: new Range(position, position) },
        ],
      },
    ),
  );
  const socket = connect(Number(process.env["SPANFILL_BENCH_PORT"]), "127.0.0.1");
  context.subscriptions.push({ dispose: () => socket.destroy() });
  const send = (message: WindowGreeting | WindowAnswer) => socket.write(`${JSON.stringify(message)}\n`);
  send({ folder: workspace.workspaceFolders?.[0]?.uri.fsPath ?? "", pid: process.pid });
  createInterface({ input: socket }).on("line", (line) => {
    perform(JSON.parse(line) as WindowRequest).then(
      (result) => send({ result: result ?? null }),
      (error: unknown) => send({ error: String(error) }),
    );
  });
}

async function perform(request: WindowRequest): Promise<unknown> {
  switch (request.ask) {
    case "open": {
      const document = await workspace.openTextDocument(Uri.file(request.path));
      const cursor = document.positionAt(request.offset);
      return void (await window.showTextDocument(document, { selection: new Selection(cursor, cursor) }));
    }
    case "command":
      return commands.executeCommand(request.command);
    case "startup": {
      const report = (document: TextDocument) => document.uri.scheme === "perf" && document.getText() !== "";
      await commands.executeCommand("perfview.show");
      while (!workspace.textDocuments.some(report)) await new Promise((resolve) => setTimeout(resolve, 50));
      return workspace.textDocuments.find(report)?.getText();
    }
  }
}
