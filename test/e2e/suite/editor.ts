/** What the editor tests share: documents of a temporary workspace, waiting, and the extension's processes. */
import assert from "node:assert/strict";
import { ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  ConfigurationTarget,
  commands,
  extensions,
  Selection,
  type TextDocument,
  type TextEditor,
  Uri,
  window,
  workspace,
} from "vscode";
import type { EngineStatus } from "../../../protocol/requests.ts";

/** Remarks that the launcher prints, such as times. */
export const notes: string[] = [];

/** Whether the model has been trained: a random one's answers may be empty. */
export const trained = process.env["SPANFILL_E2E_MODEL"] !== "random";

/** The extension under test. */
export function extension() {
  const found = extensions.getExtension("spanfill.spanfill");
  assert.ok(found, "the extension is not installed");
  return found;
}

let count = 0;

/** An editor on a new file of the workspace. */
export async function open(text: string, name = "text.md"): Promise<TextEditor> {
  const folder = workspace.workspaceFolders?.[0]?.uri.fsPath;
  assert.ok(folder, "no folder is open");
  mkdirSync(join(folder, `${++count}`), { recursive: true });
  const path = join(folder, `${count}`, name);
  writeFileSync(path, text);
  return window.showTextDocument(await workspace.openTextDocument(Uri.file(path)));
}

/** Closes all editors; saved first, so that nothing asks. */
export async function closeEditors(): Promise<void> {
  await workspace.saveAll();
  await commands.executeCommand("workbench.action.closeAllEditors");
}

/** Selects a piece of the text, or all of it. */
export function select(editor: TextEditor, piece?: string): void {
  const text = editor.document.getText();
  const start = piece === undefined ? 0 : text.indexOf(piece);
  assert.ok(start >= 0, `"${piece}" is not in the text`);
  const end = start + (piece ?? text).length;
  editor.selection = new Selection(editor.document.positionAt(start), editor.document.positionAt(end));
}

/** What the probe gives as soon as it is neither undefined nor false. */
export async function eventually<Value>(
  what: string,
  probe: () => Value | Promise<Value>,
  limitMs = 45_000,
): Promise<Exclude<Value, undefined | false>> {
  const until = Date.now() + limitMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value as Exclude<Value, undefined | false>;
    if (Date.now() > until) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The document of the summary that is shown, when it is not `before`. */
export async function shownSummary(before?: string): Promise<TextDocument> {
  return eventually("a summary", () =>
    window.visibleTextEditors
      .map(({ document }) => document)
      .find((document) => document.uri.scheme === "spanfill-summary" && !["", before].includes(document.getText())),
  );
}

/** The engine's status, as the server tells it. */
export async function status(): Promise<EngineStatus> {
  return commands.executeCommand<EngineStatus>("spanfill.status");
}

/** Process id of the running language server, or undefined: among the children of the extension host. */
export function serverPid(): number | undefined {
  // Undocumented, but the same on every system; a child that has ended is not among them.
  const handles = (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles();
  const server = handles.find(
    (handle): handle is ChildProcess =>
      handle instanceof ChildProcess && handle.spawnargs.some((arg) => arg.endsWith(join("dist", "server.js"))),
  );
  return server?.pid;
}

/** Whether a process is there. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Changes a setting of the workspace for the length of `work`. */
export async function withSetting(name: string, value: unknown, work: () => Promise<void>): Promise<void> {
  const configuration = workspace.getConfiguration();
  await configuration.update(name, value, ConfigurationTarget.Workspace);
  try {
    await work();
  } finally {
    await configuration.update(name, undefined, ConfigurationTarget.Workspace);
  }
}

/** Some paragraphs of prose under headings. */
export const PROSE = `# The harbour

The harbour was built in 1862, when the railway reached the coast and merchants needed a place to load coal. Two long
walls of granite keep out the winter storms, and a small lighthouse marks the gap between them.

Today the coal ships are gone. Fishing boats use the inner basin, and the old warehouses have become workshops and flats.

## The ferry

A ferry crosses to the island three times a day. It carries the post, the school children and, in summer, a good number
of visitors with bicycles. The crossing takes forty minutes when the sea is calm.
`;
