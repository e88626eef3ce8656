/** Frees what Spanfill keeps: the model's memory, and the summaries that it remembers. */
import { CancellationTokenSource, l10n } from "vscode";
import { DEVICE_NAMES } from "../../protocol/devices.ts";
import { remark } from "../editor/notices.ts";
import type { LanguageServer } from "../server/language-client.ts";
import { answered } from "./prose-editor.ts";

const SAID_MS = 5000;

/** Frees the model's memory at once; the next use loads it again. */
export async function freeModelMemory(server: LanguageServer): Promise<void> {
  const before = await answered(l10n.t("Freeing memory"), async (options) => {
    const status = await server.execute("status", {}, options);
    await server.execute("freeModelMemory", {}, options);
    return status;
  });
  if (before === undefined) return;
  const text =
    before.pid === undefined
      ? l10n.t("Spanfill: no model was in memory")
      : before.memoryBytes === undefined
        ? l10n.t("Spanfill: the model is out of memory")
        : l10n.t("Spanfill: {0} MB freed", Math.round(before.memoryBytes / 1e6));
  remark(text, SAID_MS);
}

/** Forgets the summaries that are remembered, on disk too. */
export async function forgetSummaries(server: LanguageServer): Promise<void> {
  const made = await answered(l10n.t("Forgetting summaries"), (options) =>
    server.execute("forgetSummaries", {}, options),
  );
  if (made === undefined) return;
  const text =
    made.forgotten === 0 ? l10n.t("Spanfill: no summary was remembered") : l10n.t("Spanfill: all summaries forgotten");
  remark(text, SAID_MS);
}

/** The engine's line above the menu: model, device, state, memory, and when the memory is freed. */
export async function engineLine(server: LanguageServer, idleMinutes: number): Promise<string> {
  const source = new CancellationTokenSource();
  const options = { token: source.token, report: () => undefined };
  const status = await server.execute("status", {}, options).catch(() => undefined);
  source.dispose();
  if (status === undefined) return "Spanfill";
  const { model, precision, device, pid, memoryBytes } = status;
  const memory =
    pid === undefined
      ? l10n.t("not in memory")
      : memoryBytes === undefined
        ? l10n.t("in memory")
        : l10n.t("{0} MB of memory", Math.round(memoryBytes / 1e6));
  const idle = pid === undefined || idleMinutes === 0 ? [] : [l10n.t("freed after {0} idle minutes", idleMinutes)];
  return [`Spanfill: ${model}`, precision, DEVICE_NAMES[device], memory, ...idle].join(" · ");
}
