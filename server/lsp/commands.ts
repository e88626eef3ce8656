/** The commands of workspace/executeCommand: arguments parsed, versions checked, long work shown. */
import type { ProgressToken, TextEdit } from "vscode-languageserver-protocol";
import { z } from "zod";
import {
  COMMANDS,
  type CompleteTextResult,
  completeTextSchema,
  type EngineStatus,
  type ExplainResult,
  explainSchema,
  type FillGapsResult,
  fillGapsSchema,
  type RephraseResult,
  rephraseSchema,
  type SummarizeRangeResult,
  summarizeRangeSchema,
  type WriteFieldResult,
  writeFieldSchema,
} from "../../protocol/requests.ts";
import { infillTextSchema, summarizeTextSchema } from "../../protocol/tools.ts";
import { fillGaps } from "../features/fill-gaps.ts";
import { completeComment } from "../features/inline-completion.ts";
import { rephrase } from "../features/rephrase.ts";
import { summarize, summaryNotes } from "../features/summarize.ts";
import { infillText, summarizeText } from "../features/tools.ts";
import { cancelled, contentModified, invalidParams } from "./errors.ts";
import { suggestion, whyPrivateUri, withModel } from "./handlers.ts";
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
    case COMMANDS.rephrase:
      return rephraseRange(services, rephraseSchema.parse(given?.[0]), token, signal);
    case COMMANDS.writeField:
      return writeField(services, writeFieldSchema.parse(given?.[0]), token, signal);
    case COMMANDS.completeText:
      return completeText(services, completeTextSchema.parse(given?.[0]), signal);
    case COMMANDS.explain:
      return explain(services, explainSchema.parse(given?.[0]), signal);
    case COMMANDS.summarizeText: {
      const input = summarizeTextSchema.parse(given?.[0]);
      return withModel(services, "summarize", async (model) => summarizeText(await model(), input, { signal }));
    }
    case COMMANDS.infillText: {
      const input = infillTextSchema.parse(given?.[0]);
      return withModel(services, "infill", async (model) => infillText(await model(), input, { signal }));
    }
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
    withModel(services, "summarize", async (model) =>
      summarize({ model: await model() }, params, { signal: own, onProgress }),
    );
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
    withModel(services, "infill", (model) =>
      fillGaps({ model, settings }, { text, start, end }, { signal: own, onProgress }),
    );
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
  return { ...result, applied: await applied(services, document, "Fill gaps", edits) };
}

async function rephraseRange(
  services: Services,
  { uri, version, range, count, apply }: z.output<typeof rephraseSchema>,
  token: ProgressToken | undefined,
  signal: AbortSignal,
): Promise<RephraseResult> {
  const document = services.openDocument(uri);
  checkVersion(document, version);
  const { text } = document;
  const [start, end] = offsetsOf(document, range);
  const settings = await services.settings.settingsFor(uri);
  const run = (own: AbortSignal) =>
    withModel(services, "infill", (model) =>
      rephrase({ model, settings }, { text, start, end, count }, { signal: own }),
    );
  const made = await services.progress.run({ title: "Spanfill: rephrasing", token, signal, run });
  if (made.cancelled) throw cancelled();
  checkVersion(services.openDocument(uri), version);
  const place = document.rangeOf(made.start, made.end);
  const { alternatives, model, calibrated } = made;
  const result = { range: place, alternatives, ms: Math.round(made.ms), model, calibrated };
  if (!apply) return result;
  const edits = alternatives.slice(0, 1).map((best) => ({ range: place, newText: best.text }));
  return { ...result, applied: await applied(services, document, "Rephrase", edits) };
}

async function writeField(
  services: Services,
  { uri, version, field, value, apply }: z.output<typeof writeFieldSchema>,
  token: ProgressToken | undefined,
  signal: AbortSignal,
): Promise<WriteFieldResult> {
  const document = services.openDocument(uri);
  checkVersion(document, version);
  const { text } = document;
  const { maxContextTokens } = await services.settings.settingsFor(uri);
  // With its YAML library, which is rarely needed.
  const { fieldEdit, proposeField } = await import("../features/front-matter.ts");
  const run = (own: AbortSignal, onProgress: (progress: { done: number; total: number }) => void) =>
    withModel(services, "summarize", async (model) =>
      proposeField({ model: await model(), maxContextTokens }, { text, field }, { signal: own, onProgress }),
    );
  const made =
    value === undefined
      ? await services.progress.run({ title: `Spanfill: writing a ${field}`, token, signal, run })
      : undefined;
  if (made?.cancelled) throw cancelled();
  const chosen = value ?? made?.summary ?? "";
  const { start, end, newText } = fieldEdit(text, field, chosen);
  checkVersion(services.openDocument(uri), version);
  const range = document.rangeOf(start, end);
  const result = { value: chosen, range, newText, notes: made === undefined ? [] : summaryNotes(made) };
  if (!apply) return result;
  const edits = chosen === "" ? [] : [{ range, newText }];
  return { ...result, applied: await applied(services, document, `Write ${field}`, edits) };
}

async function completeText(
  services: Services,
  { uri, ...params }: z.output<typeof completeTextSchema>,
  signal: AbortSignal,
): Promise<CompleteTextResult> {
  const settings = await services.settings.settingsFor(uri);
  if (!params.explicit && (await whyPrivateUri(uri)) !== undefined) return { items: [] };
  const made = await withModel(services, "infill", (model) => completeComment({ model, settings }, params, signal));
  if (made.cancelled) throw cancelled();
  services.log.debug(`inline completion in a comment: ${made.reason ?? `${made.items.length} suggested`}`);
  return { items: made.items.map(({ text }) => text) };
}

async function explain(
  services: Services,
  { uri, position }: z.output<typeof explainSchema>,
  signal: AbortSignal,
): Promise<ExplainResult> {
  const document = services.openDocument(uri);
  const place = { offset: document.offsetAt(position), explicit: false };
  const made = await suggestion(services, document, place, signal);
  signal.throwIfAborted();
  const [best] = made.items;
  return best === undefined ? { reason: made.reason ?? "the request was cancelled" } : { suggestion: best.text };
}

/** Has the client apply edits to the document as it is; says what kept it from doing so. */
async function applied(
  { client }: Services,
  { uri, version }: OpenDocument,
  label: string,
  edits: TextEdit[],
): Promise<boolean> {
  const edit = { documentChanges: [{ textDocument: { uri, version }, edits }] };
  const refusal = edits.length === 0 ? "the model had nothing to say" : await client.applyEdit(label, edit);
  if (refusal !== undefined) client.showMessage(`Spanfill changed nothing (${label.toLowerCase()}): ${refusal}.`);
  return refusal === undefined;
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
