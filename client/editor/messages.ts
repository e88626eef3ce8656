/** Reports errors to a person, with buttons for what to do about them. */
import { commands, l10n } from "vscode";
import { ErrorCodes, LSPErrorCodes, ResponseError } from "vscode-languageclient";
import { reason } from "../../base/reason.ts";
import type { FailureData } from "../../protocol/requests.ts";
import { notify } from "./notices.ts";

/** A button of a message: its title, and the command that it runs. */
export interface Remedy {
  readonly title: string;
  readonly command: string;
  readonly argument?: string;
}

/** Opens the settings that match a query. */
export function openSettings(query: string): Remedy {
  return { title: l10n.t("Open Settings"), command: "workbench.action.openSettings", argument: query };
}

/** Shows a warning, which stays until a person closes it; does not wait. */
export function warn(text: string, ...remedies: readonly Remedy[]): void {
  show("warning", text, remedies);
}

/** Shows why something failed; shows nothing if a person cancelled it. */
export function explain(error: unknown): void {
  if (!(error instanceof ResponseError)) {
    show("error", `Spanfill: ${reason(error)}`, [showLog()]);
    return;
  }
  const { code, message, data }: ResponseError<FailureData | undefined> = error;
  const text = `Spanfill: ${message}`;
  if (code === LSPErrorCodes.RequestCancelled) return;
  if (code === ErrorCodes.PendingResponseRejected || code === ErrorCodes.ConnectionInactive) {
    const text = l10n.t("Spanfill's language server ended and is being restarted. Run the command again.");
    show("error", text, [showLog()]);
    return;
  }
  if (code === LSPErrorCodes.ServerCancelled)
    warn(l10n.t("Spanfill: the engine was stopped during the command. Run it again."));
  else if (code === LSPErrorCodes.ContentModified)
    warn(l10n.t("Spanfill: the text changed meanwhile. Run the command again."));
  else if (data?.code === "input") warn(text, openSettings("@ext:spanfill.spanfill"));
  else if (data?.code === "task")
    warn(
      text,
      { title: l10n.t("Fine-Tune a Model..."), command: "spanfill.fineTune" },
      { title: l10n.t("Choose Model"), command: "spanfill.chooseModel" },
    );
  else if (MODEL.includes(data?.code)) show("error", text, [openSettings("spanfill.model"), showLog()]);
  else show("error", text, [showLog()]);
}

/** Codes of errors that another model or folder would avoid (models/errors.ts). */
const MODEL: readonly (string | undefined)[] = ["config", "checkpoint", "tokenizer"];

function showLog(): Remedy {
  return { title: l10n.t("Show Log"), command: "spanfill.showLog" };
}

function show(kind: "warning" | "error", text: string, remedies: readonly Remedy[]): void {
  void notify(kind, text, ...remedies.map(({ title }) => title)).then((chosen) => {
    const remedy = remedies.find(({ title }) => title === chosen);
    if (remedy === undefined) return undefined;
    return commands.executeCommand(remedy.command, ...(remedy.argument === undefined ? [] : [remedy.argument]));
  });
}
