/**
 * Notifications and status bar messages: the only file that shows them, so that no text in them becomes a link or a
 * command.
 */
import { type Disposable, l10n, window } from "vscode";
import { labelText, messageText } from "../../protocol/shown-text.ts";

const SHOW = {
  information: window.showInformationMessage,
  warning: window.showWarningMessage,
  error: window.showErrorMessage,
} as const;

/**
 * Shows a notification.
 * @param buttons our own titles
 * @returns the title that a person chose
 */
export function notify(
  kind: keyof typeof SHOW,
  text: string,
  ...buttons: readonly string[]
): Thenable<string | undefined> {
  return SHOW[kind](messageText(text), ...buttons);
}

/** Shows a notification that requires no action; does not wait. */
export function inform(text: string): void {
  void notify("information", text);
}

/** Tells a person who asked for a suggestion that there is none. */
export function sayNone(): void {
  remark(l10n.t("Spanfill: no suggestion here"), SHOWN_MS);
}

const SHOWN_MS = 5000;

/** Shows a message in the status bar for a moment. */
export function remark(text: string, ms: number): Disposable {
  return window.setStatusBarMessage(labelText(text), ms);
}
