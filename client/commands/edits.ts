/** Writes into a document as one step to undo, and never into one that a person may not write in either. */
import { l10n, type Range, type TextDocument, WorkspaceEdit, window, workspace } from "vscode";

/** A range of a document and the text to put there. */
export interface Replacement {
  readonly range: Range;
  readonly text: string;
}

/**
 * Whether a document is another than it was: a closed one keeps its version, and what is opened under its name is
 * another document.
 * @param version the document's then
 */
export function hasChanged(document: TextDocument, version: number): boolean {
  return document.isClosed || document.version !== version;
}

/**
 * Replaces ranges of a document. VS Code refuses both kinds of edits when the document changes on the way.
 * @param version the document's version that the ranges belong to
 * @returns undefined when it was done; otherwise a sentence that says why not
 */
export async function replaceRanges(
  document: TextDocument,
  version: number,
  replacements: readonly Replacement[],
): Promise<string | undefined> {
  const changed = l10n.t("the text changed meanwhile. Run the command again.");
  if (hasChanged(document, version)) return changed;
  if (replacements.length === 0) return undefined;
  const editor = window.visibleTextEditors.find((one) => one.document === document);
  // Through its editor where it has one: a WorkspaceEdit would write into a read-only document.
  const done = editor
    ? await editor
        .edit((edit) => {
          for (const { range, text } of replacements) edit.replace(range, text);
        })
        .then(undefined, () => false) // it was closed on the way
    : await workspace.applyEdit(workspaceEdit(document, replacements));
  if (!done) return changed;
  return document.version === version ? l10n.t("this document is read-only.") : undefined;
}

function workspaceEdit({ uri }: TextDocument, replacements: readonly Replacement[]): WorkspaceEdit {
  const edit = new WorkspaceEdit();
  for (const { range, text } of replacements) edit.replace(uri, range, text);
  return edit;
}
