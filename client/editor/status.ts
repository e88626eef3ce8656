/**
 * The status item: which model is in use, on what, and what it is doing; and items of the status bar. The only file
 * that makes such items, so that no text in them is a link or an icon.
 */
import { basename } from "node:path";
import { type Disposable, LanguageStatusSeverity, l10n, languages, StatusBarAlignment, window } from "vscode";
import { DEVICE_NAMES } from "../../protocol/devices.ts";
import type { EngineStatus } from "../../protocol/requests.ts";
import { labelText, messageText, tooltipText } from "../../protocol/shown-text.ts";
import { PROGRAMS, SELECTOR } from "./selector.ts";

/** An item among the language status items of prose and of programs. */
export interface StatusItem extends Disposable {
  /** Shows an engine's status; undefined: no server runs. */
  show(status: EngineStatus | undefined): void;
  /** Shows whether suggestions are paused. */
  pause(paused: boolean): void;
}

/** Creates the item; it says that nothing has been started. */
export function createStatusItem(): StatusItem {
  const item = languages.createLanguageStatusItem("spanfill.status", [...SELECTOR, ...PROGRAMS]);
  item.name = "Spanfill";
  item.command = { command: "spanfill.showMenu", title: l10n.t("More...") };
  let last: EngineStatus | undefined;
  const set = (text: string, detail: string, failed: boolean) => {
    item.text = labelText(`Spanfill: ${text}`);
    // What does not fit is cut off together with the item's command.
    item.detail = labelText(detail, MOST_CHARACTERS);
    item.accessibilityInformation = { label: messageText(`Spanfill: ${text}, ${detail}`) };
    item.severity = failed
      ? LanguageStatusSeverity.Error
      : last?.deviceNotice === undefined
        ? LanguageStatusSeverity.Information
        : LanguageStatusSeverity.Warning;
  };
  let paused = false;
  const show = (status: EngineStatus | undefined) => {
    last = status;
    item.busy = status?.state === "loading" || status?.state === "busy";
    if (paused) set(l10n.t("suggestions paused"), l10n.t("Summaries and gaps still work"), false);
    else if (status === undefined) set(l10n.t("not started"), l10n.t("Starts with the first use"), false);
    else set(stateOf(status), detailOf(status), status.state === "failed");
  };
  show(undefined);
  const pause = (now: boolean) => {
    paused = now;
    show(last);
  };
  return { show, pause, dispose: () => item.dispose() };
}

/** An item of the status bar. */
export interface BarItem extends Disposable {
  /** @param icon name of one of VS Code's icons @param tooltip lines */
  show(icon: string, text: string, tooltip: readonly string[]): void;
  hide(): void;
}

/** @returns an item at the right that is not shown yet */
export function createBarItem(id: string, name: string, command: string): BarItem {
  const item = window.createStatusBarItem(id, StatusBarAlignment.Right);
  item.name = name;
  item.command = command;
  return {
    show(icon, text, tooltip) {
      item.text = `$(${icon}) ${labelText(text)}`;
      item.tooltip = tooltipText(tooltip);
      item.show();
    },
    hide: () => item.hide(),
    dispose: () => item.dispose(),
  };
}

function stateOf({ state }: EngineStatus): string {
  switch (state) {
    case "unloaded":
      return l10n.t("model not in memory");
    case "loading":
      return l10n.t("loading");
    case "ready":
      return l10n.t("ready");
    case "busy":
      return l10n.t("working");
    case "failed":
      return l10n.t("failed");
  }
}

const MOST_CHARACTERS = 60;

function detailOf({ state, model, precision, device, host, message }: EngineStatus): string {
  const where = host === undefined ? undefined : l10n.t("text goes to {0}", host);
  if (state === "failed" && message !== undefined) return where === undefined ? message : `${where} · ${message}`;
  const name = model === "" ? l10n.t("built-in model") : basename(model);
  // Whither comes first, since what does not fit is cut off.
  return [...(where === undefined ? [] : [where]), name, precision, DEVICE_NAMES[device]].join(" · ");
}
