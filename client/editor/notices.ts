/** Notifications and remarks in the status bar: the only file that shows them, so that no text in them is a link or a command. */
import { type Disposable, l10n, window } from "vscode";
import { labelText, messageText } from "../../protocol/shown-text.ts";

const SHOW = {
  information: window.showInformationMessage,
  warning: window.showWarningMessage,
  error: window.showErrorMessage,
} as const;

/** Shows a notification. @param buttons titles of our own @returns the one that a person chose */
export function notify(
  kind: keyof typeof SHOW,
  text: string,
  ...buttons: readonly string[]
): Thenable<string | undefined> {
  return SHOW[kind](messageText(text), ...buttons);
}

/** Shows a notification that nothing has to be done about. Nobody waits for it. */
export function inform(text: string): void {
  void notify("information", text);
}

/** Tells a person who asked for a suggestion that there is none; who only types is left in peace. */
export function sayNone(): void {
  remark(l10n.t("Spanfill: no suggestion here"), SAID_MS);
}

const SAID_MS = 5000;

/** Says something in the status bar for a moment. */
export function remark(text: string, ms: number): Disposable {
  return window.setStatusBarMessage(labelText(text), ms);
}
