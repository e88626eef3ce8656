/** The status item: which model is in use, on what, and what it is doing. */
import { basename } from "node:path";
import { type Disposable, LanguageStatusSeverity, l10n, languages } from "vscode";
import { DEVICE_NAMES } from "../protocol/devices.ts";
import type { EngineStatus } from "../protocol/requests.ts";
import { SELECTOR } from "./selector.ts";

/** An item among the language status items of prose documents. */
export interface StatusItem extends Disposable {
  /** Shows an engine's status; undefined: no server runs. */
  show(status: EngineStatus | undefined): void;
  /** Shows whether suggestions are paused. */
  pause(paused: boolean): void;
}

/** Creates the item; it says that nothing has been started. */
export function createStatusItem(): StatusItem {
  const item = languages.createLanguageStatusItem("spanfill.status", SELECTOR);
  item.name = "Spanfill";
  item.command = { command: "spanfill.showMenu", title: l10n.t("More...") };
  let last: EngineStatus | undefined;
  const set = (text: string, detail: string, failed: boolean) => {
    item.text = `Spanfill: ${text}`;
    // What does not fit is cut off together with the item's command.
    item.detail = detail.length > MOST_CHARACTERS ? `${detail.slice(0, MOST_CHARACTERS - 1)}…` : detail;
    item.accessibilityInformation = { label: `${item.text}, ${detail}` };
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

function detailOf({ state, model, precision, device, message }: EngineStatus): string {
  if (state === "failed" && message !== undefined) return message;
  const name = model === "" ? l10n.t("built-in model") : basename(model);
  return [name, precision, DEVICE_NAMES[device]].join(" · ");
}
