/** The commands of workspace/executeCommand: arguments parsed, versions checked, long work shown. */
import type { ProgressToken, TextEdit } from "vscode-languageserver-protocol";
import { z } from "zod";
import {
  COMMANDS,
  type EngineStatus,
  type FillGapsResult,
  fillGapsSchema,
  type SummarizeRangeResult,
  summarizeRangeSchema,
} from "../../protocol/requests.ts";
import { fillGaps } from "../features/fill-gaps.ts";
import { summarize, summaryNotes } from "../features/summarize.ts";
import { cancelled, contentModified, invalidParams } from "./errors.ts";
import { withModel } from "./handlers.ts";
import type { OpenDocument } from "./positions.ts";
import type { Services } from "./services.ts";

/** Parameters of workspace/executeCommand. */
export const executeCommandParams = z.object({
  command: z.string(),
  arguments: z.array(z.unknown()).optional(),
  workDoneToken: z.union([z.string(), z.int()]).optional(),
});

/** Runs a command. @throws ResponseError InvalidParams for a command there is none of, or arguments that are not its */
export async function executeCommand(
  services: Services,
  { command, arguments: given, workDoneToken: token }: z.output<typeof executeCommandParams>,
  signal: AbortSignal,
): Promise<unknown> {
  switch (command) {
    case COMMANDS.summarizeRange:
      return summarizeRange(services, summarizeRangeSchema.parse(given?.[0]), token, signal);
    case COMMANDS.fillGaps:
      return fillGapsOfRange(services, fillGapsSchema.parse(given?.[0]), token, signal);
    case COMMANDS.restartEngine:
      await services.engine.restart();
      return status(services);
    case COMMANDS.status:
      return status(services);
    default:
      throw invalidParams(`There is no command "${command}". Commands: ${Object.values(COMMANDS).join(", ")}.`);
  }
}

async function status({ engine, settings }: Services): Promise<EngineStatus> {
  return engine.status(await settings.settingsFor());
}

async function summarizeRange(
  services: Services,
  { uri, version, range, style, show }: z.output<typeof summarizeRangeSchema>,
  token: ProgressToken | undefined,
  signal: AbortSignal,
): Promise<SummarizeRangeResult> {
  const document = services.openDocument(uri);
  if (version !== undefined) checkVersion(document, version);
  const { text } = document;
  const [start, end] = offsetsOf(document, range);
  const part = text.slice(start, end);
  const settings = await services.settings.settingsFor(uri);
  const params = {
    text: part,
    style: style ?? settings["summary.style"],
    maxContextTokens: settings.maxContextTokens,
    minimumConfidence: settings["summary.minimumConfidence"],
  };
  const run = (own: AbortSignal, onProgress: (progress: { done: number; total: number }) => void) =>
    withModel(services, "summarize", async (model) => summarize({ model: await model() }, params, { signal: own, onProgress }));
  const made = await services.progress.run({ title: "Spanfill: summarizing", token, signal, run });
  if (made.cancelled) throw cancelled();
  const notes = summaryNotes(made);
  const shown = made.summary === "" ? "The model had nothing to say." : `${made.summary} (${notes.join("; ")})`;
  if (show) services.client.showMessage(shown);
  const { ms, tokens, logProbs, cancelled: _, ...result } = made;
  return { ...result, ms: Math.round(ms.total), notes };
}

async function fillGapsOfRange(
  services: Services,
  { uri, version, range, apply }: z.output<typeof fillGapsSchema>,
  token: ProgressToken | undefined,
  signal: AbortSignal,
): Promise<FillGapsResult> {
  const document = services.openDocument(uri);
  checkVersion(document, version);
  const { text } = document;
  const [start, end] = offsetsOf(document, range);
  const settings = await services.settings.settingsFor(uri);
  const run = (own: AbortSignal, onProgress: (progress: { done: number; total: number }) => void) =>
    withModel(services, "infill", (model) => fillGaps({ model, settings }, { text, start, end }, { signal: own, onProgress }));
  const made = await services.progress.run({ title: "Spanfill: filling gaps", token, signal, run });
  if (made.cancelled) throw cancelled();
  // It may have changed, or been closed and opened again, while the model was at work.
  checkVersion(services.openDocument(uri), version);
  const fills = made.fills.map((fill) => ({
    range: document.rangeOf(fill.start, fill.end),
    text: fill.text,
    confidence: fill.confidence,
  }));
  const edits: TextEdit[] = fills
    .filter((fill) => fill.text !== "")
    .map((fill) => ({ range: fill.range, newText: fill.text }));
  const edit = { documentChanges: [{ textDocument: { uri, version }, edits }] };
  const result = { edit, fills, ms: Math.round(made.ms), model: made.model, calibrated: made.calibrated };
  if (!apply) return result;
  const refusal =
    edits.length === 0 ? "the model had nothing to say" : await services.client.applyEdit("Fill gaps", edit);
  if (refusal !== undefined) services.client.showMessage(`Spanfill filled no gap: ${refusal}.`);
  return { ...result, applied: refusal === undefined };
}

function checkVersion({ version: now, uri }: OpenDocument, version: number): void {
  if (version === now) return;
  throw contentModified(`The request is for version ${version} of ${uri}, which is now at version ${now}; ask again.`);
}

function offsetsOf(
  document: OpenDocument,
  range: z.output<typeof fillGapsSchema>["range"],
): readonly [start: number, end: number] {
  if (range === undefined) return [0, document.text.length];
  const [a, b] = [document.offsetAt(range.start), document.offsetAt(range.end)];
  return [Math.min(a, b), Math.max(a, b)];
}
