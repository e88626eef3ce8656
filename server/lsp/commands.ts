/** The commands of workspace/executeCommand: arguments parsed, versions checked, long work shown. */
import type { ChangeAnnotation, TextEdit, WorkspaceEdit } from "vscode-languageserver-protocol";
import { z } from "zod";
import { defined } from "../../base/defined.ts";
import { askSchema, classifySchema } from "../../protocol/questions.ts";
import {
  COMMANDS,
  type CompleteHereResult,
  type CompleteTextResult,
  completeHereSchema,
  completeTextSchema,
  type EngineStatus,
  type ExplainResult,
  explainSchema,
  type FillGapsResult,
  fillGapsSchema,
  type RephraseResult,
  rephraseSchema,
  type SummarizeRangeResult,
  summarizeFolderSchema,
  summarizeRangeSchema,
  type WriteFieldResult,
  writeFieldSchema,
} from "../../protocol/requests.ts";
import { infillTextSchema, summarizeTextSchema } from "../../protocol/tools.ts";
import { rememberedSummary } from "../features/read/remembered-summary.ts";
import { summaryNotes } from "../features/read/summary-notes.ts";
import { fillGaps } from "../features/write/fill-gaps.ts";
import { completeComment } from "../features/write/inline-completion.ts";
import { rephrase } from "../features/write/rephrase.ts";
import { infillText, summarizeText } from "../tools.ts";
import { type Asked, longWork, targetOf, withModel } from "./document/document-work.ts";
import type { OpenDocument } from "./document/positions.ts";
import { whyQuiet } from "./document/quiet.ts";
import { summarizeFolder, withSummaries } from "./document/summaries.ts";
import { memoryOf } from "./engine/process-memory.ts";
import { cancelled, invalidParams } from "./errors.ts";
import { suggestion } from "./handlers.ts";
import { askRange, classifyRange } from "./questions.ts";
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
  const asked = { token, signal };
  switch (command) {
    case COMMANDS.summarizeRange:
      return summarizeRange(services, summarizeRangeSchema.parse(given?.[0]), asked);
    case COMMANDS.fillGaps:
      return fillGapsOfRange(services, fillGapsSchema.parse(given?.[0]), asked);
    case COMMANDS.rephrase:
      return rephraseRange(services, rephraseSchema.parse(given?.[0]), asked);
    case COMMANDS.writeField:
      return writeField(services, writeFieldSchema.parse(given?.[0]), asked);
    case COMMANDS.ask:
      return askRange(services, askSchema.parse(given?.[0]), asked);
    case COMMANDS.classify:
      return classifyRange(services, classifySchema.parse(given?.[0]), asked);
    case COMMANDS.completeText:
      return completeText(services, completeTextSchema.parse(given?.[0]), signal);
    case COMMANDS.completeHere:
      return completeHere(services, completeHereSchema.parse(given?.[0]), signal);
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
    case COMMANDS.summarizeFolder:
      return summarizeFolder(services, summarizeFolderSchema.parse(given?.[0]), token, signal);
    case COMMANDS.forgetSummaries:
      return { forgotten: await services.summaries.clear() };
    // Its process holds nothing else. Whoever wants the memory does not want the work to take it again.
    case COMMANDS.unloadModel:
    case COMMANDS.restartEngine:
      await services.engine.restart(command === COMMANDS.restartEngine);
      return status(services);
    case COMMANDS.status:
      return status(services);
    default:
      throw invalidParams(`There is no command "${command}". Commands: ${Object.values(COMMANDS).join(", ")}.`);
  }
}

async function status({ engine, settings }: Services): Promise<EngineStatus> {
  const now = engine.status(await settings.settingsFor());
  const memoryBytes = now.pid === undefined ? undefined : await memoryOf(now.pid);
  return { ...now, ...(memoryBytes === undefined ? {} : { memoryBytes }) };
}

async function summarizeRange(
  services: Services,
  { style, show, ...about }: z.output<typeof summarizeRangeSchema>,
  asked: Asked,
): Promise<SummarizeRangeResult> {
  const { text, start, end, settings } = await targetOf(services, about);
  const params = {
    text: text.slice(start, end),
    style: style ?? settings["summary.style"],
    maxContextTokens: settings.maxContextTokens,
    minimumConfidence: settings["summary.minimumConfidence"],
  };
  const began = performance.now();
  const run = (signal: AbortSignal, onProgress: (progress: { done: number; total: number }) => void) =>
    withSummaries(services, (context) => rememberedSummary(context, params, { signal, onProgress }));
  const made = await services.progress.run({ title: "Spanfill: summarizing", ...asked, run });
  if (made === undefined) throw cancelled();
  const notes = summaryNotes(made);
  const shown = made.summary === "" ? "The model had nothing to say." : `${made.summary} (${notes.join("; ")})`;
  if (show) services.client.showMessage(shown);
  return { ...made, ms: Math.round(performance.now() - began), notes };
}

async function fillGapsOfRange(
  services: Services,
  { apply, annotate, ...about }: z.output<typeof fillGapsSchema>,
  asked: Asked,
): Promise<FillGapsResult> {
  const { document, text, start, end, settings, check } = await targetOf(services, about);
  const made = await longWork(services, { feature: "infill", title: "filling gaps", ...asked }, (model, options) =>
    fillGaps({ model, settings }, { text, start, end }, options),
  );
  check();
  const fills = made.fills.map((fill) => ({
    range: document.rangeOf(fill.start, fill.end),
    text: fill.text,
    confidence: fill.confidence,
  }));
  const edits: TextEdit[] = fills
    .filter((fill) => fill.text !== "")
    .map((fill) => ({ range: fill.range, newText: fill.text }));
  const { uri, version } = about;
  const edit = annotate
    ? annotated(uri, version, edits)
    : { documentChanges: [{ textDocument: { uri, version }, edits }] };
  const result = { edit, fills, ms: Math.round(made.ms), model: made.model, calibrated: made.calibrated };
  if (!apply) return result;
  return { ...result, applied: await applied(services, document, "Fill gaps", edits, edit) };
}

/** Edits with an annotation for each, so that each can be confirmed. */
function annotated(uri: string, version: number, edits: readonly TextEdit[]): WorkspaceEdit {
  const changeAnnotations: Record<string, ChangeAnnotation> = {};
  const marked = edits.map((edit, i) => {
    const label = `Gap ${i + 1}`;
    changeAnnotations[label] = { label, needsConfirmation: true };
    return { ...edit, annotationId: label };
  });
  return { documentChanges: [{ textDocument: { uri, version }, edits: marked }], changeAnnotations };
}

async function rephraseRange(
  services: Services,
  { count, apply, ...about }: z.output<typeof rephraseSchema>,
  asked: Asked,
): Promise<RephraseResult> {
  const { document, text, start, end, settings, check } = await targetOf(services, about);
  const made = await longWork(services, { feature: "infill", title: "rephrasing", ...asked }, (model, options) =>
    rephrase({ model, settings }, { text, start, end, count }, options),
  );
  check();
  const place = document.rangeOf(made.start, made.end);
  const { alternatives, model, calibrated } = made;
  const result = { range: place, alternatives, ms: Math.round(made.ms), model, calibrated };
  if (!apply) return result;
  const edits = alternatives.slice(0, 1).map((best) => ({ range: place, newText: best.text }));
  return { ...result, applied: await applied(services, document, "Rephrase", edits) };
}

async function writeField(
  services: Services,
  { field, value, apply, ...about }: z.output<typeof writeFieldSchema>,
  asked: Asked,
): Promise<WriteFieldResult> {
  const { document, text, settings, check } = await targetOf(services, about);
  const { maxContextTokens } = settings;
  // With its YAML library, which is rarely needed.
  const { fieldEdit, proposeField } = await import("../features/write/front-matter.ts");
  const work = { feature: "summarize", title: `writing a ${field}`, ...asked } as const;
  const made =
    value === undefined
      ? await longWork(services, work, async (model, options) =>
          proposeField({ model: await model(), maxContextTokens }, { text, field }, options),
        )
      : undefined;
  const chosen = value ?? made?.summary ?? "";
  const { start, end, newText } = fieldEdit(text, field, chosen);
  check();
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
  const quiet = params.explicit ? undefined : await whyQuiet(services, uri, settings);
  if (quiet !== undefined) return { items: [], reason: quiet };
  const made = await withModel(services, "infill", (model) => completeComment({ model, settings }, params, signal));
  if (made.cancelled) throw cancelled();
  services.log.debug(`inline completion in a comment: ${made.reason ?? `${made.items.length} suggested`}`);
  return { items: made.items.map(({ text }) => text), ...defined({ reason: made.reason }) };
}

async function completeHere(
  services: Services,
  { position, ...about }: z.output<typeof completeHereSchema>,
  signal: AbortSignal,
): Promise<CompleteHereResult> {
  const range = { start: position, end: position };
  const { document, start, check } = await targetOf(services, { ...about, range });
  const made = await suggestion(services, document, { offset: start, explicit: true }, signal);
  if (made.cancelled) throw cancelled();
  check();
  const text = made.items[0]?.text ?? "";
  const edits = text === "" ? [] : [{ range, newText: text }];
  return { text, applied: await applied(services, document, "Continue", edits) };
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
  edit: WorkspaceEdit = { documentChanges: [{ textDocument: { uri, version }, edits }] },
): Promise<boolean> {
  const refusal = edits.length === 0 ? "the model had nothing to say" : await client.applyEdit(label, edit);
  if (refusal !== undefined) client.showMessage(`Spanfill changed nothing (${label.toLowerCase()}): ${refusal}.`);
  return refusal === undefined;
}
