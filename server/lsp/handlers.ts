/** The language features as the protocol has them: positions in and out, versions checked; the work itself is in features/. */
import { fileURLToPath } from "node:url";
import {
  type CodeAction,
  CodeActionTag,
  type CodeLens,
  type Hover,
  type InlineCompletionItem,
  InlineCompletionTriggerKind,
} from "vscode-languageserver-protocol";
import { z } from "zod";
import { COMMENTED_LANGUAGES, commentAt } from "../../protocol/comments.ts";
import type { Task } from "../../protocol/panel.ts";
import { COMMANDS } from "../../protocol/requests.ts";
import type { LoadedModel } from "../engine/engine.ts";
import { codeActions } from "../features/code-actions.ts";
import { completeComment, type InlineCompletions, inlineCompletion } from "../features/inline-completion.ts";
import { whyPrivate } from "../features/private-files.ts";
import { sectionAt, sectionSummary, sectionsOf } from "../features/section-summary.ts";
import { summaryNotes } from "../features/summarize.ts";
import { cancelled, contentModified } from "./errors.ts";
import type { OpenDocument } from "./positions.ts";
import type { Services } from "./services.ts";
import type { Place, Suggest } from "./suggestions.ts";

const position = z.object({ line: z.int().nonnegative(), character: z.int().nonnegative() });
const textDocument = z.object({ uri: z.string() });

/** Parameters of textDocument/hover that are used. */
export const hoverParams = z.object({ textDocument, position });

/** Parameters of textDocument/inlineCompletion that are used. */
export const inlineCompletionParams = z.object({
  textDocument,
  position,
  context: z.object({
    triggerKind: z.int().default(InlineCompletionTriggerKind.Automatic),
    selectedCompletionInfo: z.unknown().optional(),
  }),
});

/** Parameters of textDocument/codeLens that are used. */
export const codeLensParams = z.object({ textDocument });

/** Parameters of textDocument/codeAction that are used. */
export const codeActionParams = z.object({
  textDocument,
  range: z.object({ start: position, end: position }),
  context: z.object({ only: z.array(z.string()).optional() }).optional(),
});

/**
 * Suggestions at the cursor, none where there is nothing good; a newer request for the document, or a change of it, ends
 * this one.
 */
export async function provideInlineCompletion(
  services: Services,
  params: z.output<typeof inlineCompletionParams>,
  signal: AbortSignal,
): Promise<InlineCompletionItem[]> {
  const document = services.openDocument(params.textDocument.uri);
  const { version } = document;
  const offset = document.offsetAt(params.position);
  const range = document.rangeOf(offset, offset);
  // An item of the completion list is chosen: ghost text would have to begin with it.
  if (params.context.selectedCompletionInfo !== undefined && params.context.selectedCompletionInfo !== null) return [];
  const explicit = params.context.triggerKind === InlineCompletionTriggerKind.Invoked;
  const suggest: Suggest = (document, place, signal) => suggestion(services, document, place, signal);
  const made = await services.suggestions.request(suggest, document, { offset, explicit }, signal);
  signal.throwIfAborted();
  if (made.cancelled) throw cancelled();
  if (document.version !== version) throw contentModified("The document was changed.");
  services.log.debug(`inline completion: ${made.reason ?? `${made.items.length} suggested`}`);
  return made.items.map((item) => ({ insertText: item.text, range }));
}

/** What is suggested at a place of a document: in a program only within its comments, unasked in no file that keeps secrets. */
export async function suggestion(
  services: Services,
  { uri, text, languageId }: OpenDocument,
  { offset, explicit }: Place,
  signal: AbortSignal,
): Promise<InlineCompletions> {
  const none = (reason: string) => ({ items: [], reason, cancelled: false });
  const settings = await services.settings.settingsFor(uri);
  const reason = explicit ? undefined : await whyPrivateUri(uri);
  if (reason !== undefined) return none(reason);
  const program = Object.hasOwn(COMMENTED_LANGUAGES, languageId);
  const comment = program ? commentAt(text, offset, languageId) : undefined;
  if (program && comment === undefined) return none("the cursor is in code");
  return withModel(services, "infill", (model) =>
    comment === undefined
      ? inlineCompletion({ model, settings }, { text, offset, explicit }, signal)
      : completeComment({ model, settings }, { ...comment, explicit }, signal),
  );
}

/** {@link whyPrivate} of a document; only files are ever private. */
export async function whyPrivateUri(uri: string): Promise<string | undefined> {
  return uri.startsWith("file:") ? whyPrivate(fileURLToPath(uri)) : undefined;
}

/** The summary of the section whose Markdown heading is under the mouse. */
export async function provideHover(
  services: Services,
  params: z.output<typeof hoverParams>,
  signal: AbortSignal,
): Promise<Hover | null> {
  const document = services.openDocument(params.textDocument.uri);
  if (document.languageId !== "markdown") return null;
  const { uri, text } = document;
  const section = sectionAt(text, document.offsetAt(params.position));
  if (section === undefined) return null;
  const range = document.rangeOf(section.headingStart, section.headingEnd);
  const settings = await services.settings.settingsFor(uri);
  if (!settings["hover.enabled"]) return null;
  const { summaries: cache } = services;
  const made = await withModel(services, "summarize", (model) =>
    sectionSummary({ model, settings, cache }, { text, section }, signal),
  );
  signal.throwIfAborted();
  if (made === undefined || made.summary === "") return null;
  const parts = made.chunks === 1 ? "1 part" : `${made.chunks} parts`;
  const notes = summaryNotes(made).join("; ");
  const note = `Spanfill · ${made.model} · ${parts}, ${Math.floor(100 * made.coverage)}% read · ${notes}`;
  return { contents: { kind: "markdown", value: `${escaped(made.summary)}\n\n*${escaped(note)}*` }, range };
}

/** A summary to be had above each heading, where the setting wants them. */
export async function provideCodeLenses(
  services: Services,
  params: z.output<typeof codeLensParams>,
  _signal: AbortSignal,
): Promise<CodeLens[]> {
  const document = services.openDocument(params.textDocument.uri);
  const { uri, version, text, languageId } = document;
  const settings = await services.settings.settingsFor(uri);
  if (languageId !== "markdown" || !settings["codeLens.enabled"]) return [];
  if (document.version !== version) throw contentModified("The document was changed.");
  return sectionsOf(text)
    .filter(({ bodyStart, bodyEnd }) => text.slice(bodyStart, bodyEnd).trim() !== "")
    .map(({ headingStart, headingEnd, bodyEnd }) => {
      const range = document.rangeOf(headingStart, bodyEnd);
      const argument = { uri, version, range, show: true };
      const command = { title: "Summarize section", command: COMMANDS.summarizeRange, arguments: [argument] };
      return { range: document.rangeOf(headingStart, headingEnd), command };
    });
}

/** What could be done with the selection; each offer carries a command whose effect the server itself brings about. */
export async function provideCodeActions(
  services: Services,
  params: z.output<typeof codeActionParams>,
  _signal: AbortSignal,
): Promise<CodeAction[]> {
  const document = services.openDocument(params.textDocument.uri);
  const { uri, version, text } = document;
  const start = document.offsetAt(params.range.start);
  const end = Math.max(start, document.offsetAt(params.range.end));
  const only = params.context?.only;
  const settings = await services.settings.settingsFor(uri);
  if (document.version !== version) throw contentModified("The document was changed.");
  return codeActions({ settings }, { text, start, end })
    .filter(({ kind }) => only === undefined || only.some((asked) => kind === asked || kind.startsWith(`${asked}.`)))
    .map(({ title, kind, command, ...offer }) => {
      const range = document.rangeOf(offer.start, offer.end);
      const effect = command === COMMANDS.summarizeRange ? { show: true } : { apply: true };
      return {
        title,
        kind,
        command: { title, command, arguments: [{ uri, version, range, ...effect }] },
        ...(services.client.tagsModelGenerated ? { tags: [CodeActionTag.LLMGenerated] } : {}),
      };
    });
}

/** Runs a feature with the model, loaded when the feature asks for it. */
export async function withModel<T>(
  { engine, settings }: Services,
  task: Task,
  feature: (model: () => Promise<LoadedModel>) => Promise<T>,
): Promise<T> {
  // The engine's settings are the whole workspace's: one engine serves every document.
  return engine.use(await settings.settingsFor(), task, feature);
}

/** Text as Markdown that shows it as it is. */
function escaped(text: string): string {
  return text.replace(/[\\`*_{}[\]<>()#+!|~&]/g, "\\$&");
}
