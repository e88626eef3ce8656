/** Texts that are in no file of this machine: a virtual workspace's, new ones, notebook cells. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  commands,
  EventEmitter,
  FileSystemError,
  type FileSystemProvider,
  FileType,
  type Hover,
  MarkdownString,
  NotebookCellData,
  NotebookCellKind,
  NotebookData,
  Position,
  Uri,
  window,
  workspace,
} from "vscode";
import { closeEditors, eventually, PROSE, select, shownSummary, trained, withSetting } from "./editor.ts";

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

  test("summarizes and fills in a virtual workspace's document, and what is saved is what was there", async () => {
    const files = new Map([
      ["/repository/notes.md", Buffer.from(`${PROSE}\r\nBy ___, the ferry is in the harbour in winter.\r\n`)],
    ]);
    const provider = workspace.registerFileSystemProvider("vscode-vfs", memory(files));
    try {
      const uri = Uri.parse("vscode-vfs://test/repository/notes.md");
      const editor = await window.showTextDocument(await workspace.openTextDocument(uri));
      await commands.executeCommand("spanfill.summarizeFile");
      assert.match((await shownSummary()).getText(), /\n— lines 1 to \d+, /);
      await window.showTextDocument(editor.document);
      const before = editor.document.getText();
      select(window.activeTextEditor ?? editor);
      await fill(/By [^_]+, the ferry is in the harbour in winter\.\r?\n$/);
      assert.ok(await editor.document.save());
      const saved = Buffer.from(files.get("/repository/notes.md") ?? []).toString();
      assert.equal(saved, editor.document.getText());
      assert.ok(saved.startsWith(before.slice(0, before.indexOf("___"))));
    } finally {
      await closeEditors();
      provider.dispose();
    }
  });

  test("shows nothing unasked in a notebook's cells where its file is to be left alone", async () => {
    const root = workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
    const folder = join(root, "notebooks");
    mkdirSync(join(folder, "drafts"), { recursive: true });
    writeFileSync(join(folder, ".spanfillignore"), "/ignored.ipynb\n");
    const source = ["The nets are ___ in winter, when the boats stay in the harbour."];
    const cells = [{ cell_type: "markdown", metadata: {}, source }];
    const content = JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 });
    const offered = async (name: string) => {
      const uri = Uri.file(join(folder, name));
      writeFileSync(uri.fsPath, content);
      const notebook = await workspace.openNotebookDocument(uri);
      await window.showNotebookDocument(notebook);
      // Who does not write in a cell has no text there to ask about.
      await commands.executeCommand("notebook.cell.edit");
      const cell = await eventually("the cell's editor", () => {
        const shown = window.activeTextEditor?.document;
        return shown === notebook.cellAt(0).document && shown;
      });
      assert.equal(cell.uri.scheme, "vscode-notebook-cell");
      const place = new Position(0, source[0]?.indexOf("winter") ?? 0);
      const hovers = await commands.executeCommand<Hover[]>("vscode.executeHoverProvider", cell.uri, place);
      return hovers.filter(({ contents }) => contents.some((content) => isOurs(content))).length;
    };
    await withSetting("spanfill.enable", { "/notebooks/drafts/**": false }, async () => {
      if (trained) await eventually("a hover", async () => (await offered("open.ipynb")) > 0);
      for (const name of ["ignored.ipynb", "my-secrets.ipynb", "drafts/a.ipynb"])
        assert.equal(await offered(name), 0, name);
    });
  });

  test("fills in a new document", async () => {
    const content = "The server listens on ___ 8080 by default.\n";
    const document = await workspace.openTextDocument({ language: "markdown", content });
    const editor = await window.showTextDocument(document);
    select(editor);
    await fill(/^The server listens on .+ 8080 by default\.\n$/);
    await commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  });

  test("fills in a notebook's cell of text", async () => {
    const cell = new NotebookCellData(
      NotebookCellKind.Markup,
      "By ___, the second server listens on port 8080.",
      "markdown",
    );
    const notebook = await workspace.openNotebookDocument("jupyter-notebook", new NotebookData([cell]));
    await window.showNotebookDocument(notebook);
    await commands.executeCommand("notebook.cell.edit");
    const editor = await eventually("the cell's editor", () => {
      const shown = window.activeTextEditor;
      return shown?.document.uri.scheme === "vscode-notebook-cell" && shown;
    });
    select(editor);
    await fill(/^By [^_]+, the second server listens on port 8080\.$/);
    await commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  });
});

function isOurs(content: Hover["contents"][number]): boolean {
  return content instanceof MarkdownString && content.value.includes("Spanfill ·");
}
