/** Texts that are in no file of this machine: a virtual workspace's, new ones, notebook cells. */
import assert from "node:assert/strict";
import {
  commands,
  EventEmitter,
  FileSystemError,
  type FileSystemProvider,
  FileType,
  NotebookCellData,
  NotebookCellKind,
  NotebookData,
  Uri,
  window,
  workspace,
} from "vscode";
import { closeEditors, eventually, PROSE, select, shownSummary } from "./editor.ts";

/** Files that only VS Code can read and write, as in a virtual workspace. */
function memory(files: Map<string, Uint8Array>): FileSystemProvider {
  const changed = new EventEmitter<never>();
  const refuse = () => {
    throw FileSystemError.NoPermissions();
  };
  const bytesOf = ({ path }: Uri) => {
    const bytes = files.get(path);
    if (bytes === undefined) throw FileSystemError.FileNotFound(path);
    return bytes;
  };
  return {
    onDidChangeFile: changed.event,
    watch: () => changed,
    stat: (uri) => ({ type: FileType.File, ctime: 0, mtime: 0, size: bytesOf(uri).length }),
    readFile: bytesOf,
    writeFile: ({ path }, bytes) => void files.set(path, bytes),
    ...{ readDirectory: () => [], createDirectory: refuse, delete: refuse, rename: refuse },
  };
}

async function fill(before: RegExp): Promise<void> {
  await commands.executeCommand("spanfill.fillGapsInSelection");
  const after = window.activeTextEditor?.document.getText() ?? "";
  assert.match(after, before);
  assert.ok(!after.includes("___"), after);
}

suite("texts elsewhere", () => {
  teardown(closeEditors);

  test("summarises and fills in a virtual workspace's document, and what is saved is what was there", async () => {
    const files = new Map([["/repository/notes.md", Buffer.from(`${PROSE}\r\nThe ferry is ___ in winter.\r\n`)]]);
    const provider = workspace.registerFileSystemProvider("vscode-vfs", memory(files));
    try {
      const uri = Uri.parse("vscode-vfs://test/repository/notes.md");
      const editor = await window.showTextDocument(await workspace.openTextDocument(uri));
      await commands.executeCommand("spanfill.summarizeFile");
      assert.match((await shownSummary()).getText(), /\n— lines 1 to \d+, /);
      await window.showTextDocument(editor.document);
      const before = editor.document.getText();
      select(window.activeTextEditor ?? editor);
      await fill(/The ferry is .+ in winter\.\r?\n$/);
      assert.ok(await editor.document.save());
      const saved = Buffer.from(files.get("/repository/notes.md") ?? []).toString();
      assert.equal(saved, editor.document.getText());
      assert.ok(saved.startsWith(before.slice(0, before.indexOf("___"))));
    } finally {
      await closeEditors();
      provider.dispose();
    }
  });

  test("fills in a new document", async () => {
    const content = "The first ___ is short.\n";
    const document = await workspace.openTextDocument({ language: "markdown", content });
    const editor = await window.showTextDocument(document);
    select(editor);
    await fill(/^The first .+ is short\.\n$/);
    await commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  });

  test("fills in a notebook's cell of text", async () => {
    const cell = new NotebookCellData(NotebookCellKind.Markup, "The second ___ is not long.", "markdown");
    const notebook = await workspace.openNotebookDocument("jupyter-notebook", new NotebookData([cell]));
    await window.showNotebookDocument(notebook);
    await commands.executeCommand("notebook.cell.edit");
    const editor = await eventually("the cell's editor", () => {
      const shown = window.activeTextEditor;
      return shown?.document.uri.scheme === "vscode-notebook-cell" && shown;
    });
    select(editor);
    await fill(/^The second .+ is not long\.$/);
    await commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  });
});
