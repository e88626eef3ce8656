/** The status item: which model is in use, on what, and what it is doing. */
import { basename } from "node:path";
import { type Disposable, LanguageStatusSeverity, languages } from "vscode";
import type { EngineStatus } from "../protocol/requests.ts";
import { SELECTOR } from "./languages.ts";

/** An item among the language status items of prose documents. */
export interface StatusItem extends Disposable {
  /** Shows an engine's status; undefined: no server runs. */
  show(status: EngineStatus | undefined): void;
  /** Shows why there can be no engine. */
  fail(problem: string): void;
}

/** Creates the item; it says that nothing has been started. */
export function createStatusItem(): StatusItem {
  const item = languages.createLanguageStatusItem("spanfill.status", SELECTOR);
  item.name = "Spanfill";
  item.command = { command: "spanfill.showLog", title: "Show Log" };
  const fail = (problem: string) => {
    item.busy = false;
    item.text = "Spanfill: no engine";
    item.detail = problem;
    item.severity = LanguageStatusSeverity.Error;
  };
  const show = (status: EngineStatus | undefined) => {
    const state = status?.state ?? "unloaded";
    item.busy = state === "loading" || state === "busy";
    item.severity = state === "failed" ? LanguageStatusSeverity.Error : LanguageStatusSeverity.Information;
    item.text = `Spanfill: ${status === undefined ? "not started" : STATES[state]}`;
    item.detail = status === undefined ? "Starts with the first use" : detailOf(status);
    item.command =
      state === "failed"
        ? { command: "spanfill.restart", title: "Restart Engine" }
        : { command: "spanfill.showLog", title: "Show Log" };
  };
  show(undefined);
  return { show, fail, dispose: () => item.dispose() };
}

const STATES = {
  unloaded: "model not in memory",
  loading: "loading",
  ready: "ready",
  busy: "working",
  failed: "failed",
} as const;

/** Short: what does not fit is cut off together with the item's command. */
function detailOf({ state, model, precision, device, message }: EngineStatus): string {
  if (state === "failed" && message !== undefined) return message;
  const name = model === "" ? "built-in model" : basename(model);
  return [name, precision, device.toUpperCase()].join(" · ");
}
