/** Notices that a person types, in whatever document: training waits for it. */
import { type Disposable, type TextDocument, workspace } from "vscode";

/** @param typed is called at a change, at most once a second */
export function noticeTyping(typed: () => void, now: () => number = () => performance.now()): Disposable {
  let last = Number.NEGATIVE_INFINITY;
  return workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
    if (contentChanges.length === 0 || !isWritten(document) || now() - last < EVERY_MS) return;
    last = now();
    typed();
  });
}

/** Far less than the runs wait after each notice (server/runs/typing.ts). */
const EVERY_MS = 1000;

/** Whether the document holds what is not saved: a log that grows, or a file that a program wrote anew, does not. */
function isWritten({ isDirty, uri }: TextDocument): boolean {
  return isDirty || NEVER_DIRTY.includes(uri.scheme);
}

/** Cells, the message of a commit, comments on lines: VS Code never calls their documents dirty. */
const NEVER_DIRTY: readonly string[] = ["vscode-notebook-cell", "vscode-scm", "comment"];
