/** Summarizes a folder: a new document that a person may save. */
import { l10n, Position, Uri, window, workspace } from "vscode";
import { warn } from "../editor/messages.ts";
import type { LanguageServer } from "../server/language-client.ts";
import { answered } from "./prose-editor.ts";

/**
 * Opens a digest of a folder as a new document, partial when it was cancelled.
 * @param given asked for where there is none
 */
export async function summarizeFolderIn(server: LanguageServer, given?: unknown): Promise<void> {
  const folder = given instanceof Uri ? given : await chosenFolder();
  if (folder === undefined) return;
  const result = await answered(l10n.t("Summarizing the folder"), async (options) => {
    const { code2ProtocolConverter: to } = await server.ready();
    return server.execute("summarizeFolder", { uri: to.asUri(folder) }, options);
  });
  if (result === undefined) return;
  if (result.files.summarized === 0) {
    if (!result.partial) warn(l10n.t("Spanfill: there is no prose to summarize in this folder."));
    return;
  }
  const document = await workspace.openTextDocument(await newUri(folder));
  const editor = await window.showTextDocument(document, { preview: false });
  // Only now: VS Code opens changed documents that nobody shows in a place that it chooses.
  await editor.edit((edit) => edit.insert(new Position(0, 0), result.markdown));
}

async function chosenFolder(): Promise<Uri | undefined> {
  const folders = workspace.workspaceFolders ?? [];
  const [first] = folders;
  if (folders.length === 1) return first?.uri;
  if (first !== undefined) return (await window.showWorkspaceFolderPick())?.uri;
  const chosen = await window.showOpenDialog({ canSelectFolders: true, canSelectFiles: false });
  return chosen?.[0];
}

/**
 * A new document that belongs into the folder, so that its links lead somewhere; nothing is written until a person
 * saves it.
 */
async function newUri(folder: Uri): Promise<Uri> {
  // Of another file system, VS Code knows no new documents.
  if (folder.scheme !== "file") return Uri.from({ scheme: "untitled", path: "DIGEST.md" });
  const open = workspace.textDocuments.map(({ uri }) => uri.path);
  for (let count = 1; ; count++) {
    const file = Uri.joinPath(folder, count === 1 ? "DIGEST.md" : `DIGEST-${count}.md`);
    const taken = await workspace.fs.stat(file).then(
      () => true,
      () => false,
    );
    if (!taken && !open.includes(file.path)) return file.with({ scheme: "untitled" });
  }
}
