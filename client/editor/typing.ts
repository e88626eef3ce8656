/** Detects typing in any document, because training waits for it. */
import { type Disposable, type TextDocument, workspace } from "vscode";

/**
 * Calls `typed` at a change, at most once a second.
 * @param now a clock, in milliseconds
 */
export function noticeTyping(typed: () => void, now: () => number = () => performance.now()): Disposable {
  let last = Number.NEGATIVE_INFINITY;
  return workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
    if (contentChanges.length === 0 || !isWritten(document) || now() - last < EVERY_MS) return;
    last = now();
    typed();
  });
}

/** Much shorter than runs wait after each notification (server/runs/typing.ts). */
const EVERY_MS = 1000;

/** Whether the document has unsaved changes; a growing log, or a file rewritten by a program, has none. */
function isWritten({ isDirty, uri }: TextDocument): boolean {
  return isDirty || NEVER_DIRTY.includes(uri.scheme);
}

/** Cells, commit messages and comments on lines: VS Code never marks their documents as dirty. */
const NEVER_DIRTY: readonly string[] = ["vscode-notebook-cell", "vscode-scm", "comment"];
