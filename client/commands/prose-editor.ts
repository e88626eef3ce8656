/** The text that a command is about, and its answer; if there is none, a message says why. */
import { l10n, languages, type TextEditor, window } from "vscode";
import { LANGUAGES } from "../editor/languages.ts";
import { explain, warn } from "../editor/messages.ts";
import { PROGRAMS, SELECTOR } from "../editor/selector.ts";
import { withPatience } from "../server/progress.ts";

/** The active editor if the server knows its document; otherwise a message says that it does not. */
export function proseEditor(): TextEditor | undefined {
  // With something else in front, such as the walkthrough, the text beside it is meant.
  const editor = window.activeTextEditor ?? window.visibleTextEditors.find(isProse);
  if (editor === undefined) {
    warn(l10n.t("Spanfill: open a text first."));
    return undefined;
  }
  if (isProse(editor)) return editor;
  const { document } = editor;
  if (
    languages.match(
      LANGUAGES.map((language) => ({ language })),
      document,
    ) > 0
  ) {
    warn(l10n.t("Spanfill works in files, and this is a view of something else."));
  } else {
    const text = l10n.t(
      "Spanfill works in prose, such as Markdown, and this document's language is {0}.",
      document.languageId,
    );
    warn(text, { title: l10n.t("Change Language"), command: "workbench.action.editor.changeLanguageMode" });
  }
  return undefined;
}

/** The active editor of a program, where comments are worked in; else as {@link proseEditor}. */
export function writtenEditor(): TextEditor | undefined {
  const editor = window.activeTextEditor;
  return editor !== undefined && languages.match(PROGRAMS, editor.document) > 0 ? editor : proseEditor();
}

function isProse({ document }: TextEditor): boolean {
  return languages.match(SELECTOR, document) > 0;
}

/** The result of the work; undefined if it was cancelled, or failed and the reason was shown. */
export async function answered<Result>(
  title: string,
  work: Parameters<typeof withPatience<Result>>[1],
): Promise<Result | undefined> {
  try {
    return await withPatience(`Spanfill: ${title}`, work);
  } catch (error) {
    explain(error);
    return undefined;
  }
}
