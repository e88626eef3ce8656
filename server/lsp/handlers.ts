/** The language features in terms of the protocol: converts positions and checks versions; the features do the work. */
import {
  type CodeAction,
  CodeActionTag,
  CodeActionTriggerKind,
  type CodeLens,
  type Hover,
  type InlineCompletionItem,
  InlineCompletionTriggerKind,
} from "vscode-languageserver-protocol";
import * as z from "zod";
import { reason } from "../../base/reason.ts";
import { commentAt } from "../../programs/comments.ts";
import { type CommandName, commandId } from "../../protocol/commands.ts";
import { COMMENTED_LANGUAGES } from "../../protocol/comments.ts";
import { sectionsOf, upperSections } from "../features/read/section-summary.ts";
import { completeComment, inlineCompletion } from "../features/write/inline-completion.ts";
import type { InlineCompletions } from "../features/write/typing/completions.ts";
import { codeActions, cursorActions } from "./code-actions.ts";
import { asked, DEADLINES, within } from "./deadlines.ts";
import { checkEdition, withModel } from "./document/document-work.ts";
import { whyNoProse } from "./document/no-prose.ts";
import type { OpenDocument } from "./document/positions.ts";
import { learnedFolder, whyQuiet } from "./document/quiet.ts";
import type { Place, Suggest } from "./document/suggestions.ts";
import { hoverSummary } from "./document/summaries.ts";
import { WORD_KIND, wordActions, wordHover } from "./document/words.ts";
import { cancelled } from "./errors.ts";
import type { Services } from "./services.ts";

const position = z.object({ line: z.int().nonnegative(), character: z.int().nonnegative() });
const textDocument = z.object({ uri: z.string() });

/** The parameters of textDocument/hover that are used. */
export const hoverParams = z.object({ textDocument, position });

/** The parameters of textDocument/inlineCompletion that are used. */
export const inlineCompletionParams = z.object({
  textDocument,
  position,
  context: z.object({
    triggerKind: z.int().default(InlineCompletionTriggerKind.Automatic),
    selectedCompletionInfo: z.unknown().optional(),
  }),
});

/** The parameters of textDocument/codeLens that are used. */
export const codeLensParams = z.object({ textDocument });

/** The parameters of textDocument/codeAction that are used. */
export const codeActionParams = z.object({
  textDocument,
  range: z.object({ start: position, end: position }),
  context: z.object({ only: z.array(z.string()).optional(), triggerKind: z.int().optional() }).optional(),
});

/**
 * Suggestions at the cursor; none if nothing is good enough. A newer request for the document, or a change to it,
 * ends this one.
 */
export async function provideInlineCompletion(
  services: Services,
  params: z.output<typeof inlineCompletionParams>,
  signal: AbortSignal,
): Promise<InlineCompletionItem[]> {
  const document = services.openDocument(params.textDocument.uri);
  const { edition } = document;
  const offset = document.offsetAt(params.position);
  // With an item of the completion list selected, ghost text would have to begin with it.
  if (params.context.selectedCompletionInfo !== undefined && params.context.selectedCompletionInfo !== null) return [];
  const explicit = params.context.triggerKind === InlineCompletionTriggerKind.Invoked;
  const suggest: Suggest = (document, place, signal) => suggestion(services, document, place, signal);
  const completions = await services.suggestions.request(suggest, document, { offset, explicit }, signal);
  signal.throwIfAborted();
  if (completions.cancelled) throw cancelled();
  checkEdition(services, document, edition);
  const chances = completions.items.map(({ confidence }) => confidence.toFixed(3)).join(", ");
  services.log.debug(
    `inline completion: ${completions.reason ?? `${completions.items.length} suggested (${chances})`}`,
  );
  // The letters of the word under way belong to it, so that editors can go on filtering by them.
  return completions.items.map(({ text, typed }) => ({
    insertText: document.text.slice(offset - typed, offset) + text,
    range: document.rangeOf(offset - typed, offset),
  }));
}

/**
 * The suggestion at a position of a document: in a program only within comments; without a request not in secret
 * files.
 */
export async function suggestion(
  services: Services,
  document: OpenDocument,
  { offset, explicit }: Place,
  signal: AbortSignal,
): Promise<InlineCompletions> {
  const { uri, text, languageId } = document;
  const none = (reason: string) => ({ items: [], reason, cancelled: false });
  const settings = await services.settings.settingsFor(uri);
  const reason = explicit ? undefined : await whyQuiet(services, uri, settings);
  if (reason !== undefined) return none(reason);
  const program = Object.hasOwn(COMMENTED_LANGUAGES, languageId);
  const comment = program ? await commentAt(text, offset, languageId, document) : undefined;
  if (program && comment === undefined) return none(services.t("the cursor is in code"));
  const quiet = program || explicit ? undefined : await whyNoProse(document, offset, text, services.t);
  if (quiet !== undefined) return none(quiet);
  const folder = await learnedFolder(services, uri, settings);
  const context = { settings, typing: services.typing, folder, t: services.t };
  return suggestWithin(services, explicit, signal, (signal) =>
    withModel(services, "infill", (model) =>
      comment === undefined
        ? inlineCompletion({ ...context, model }, { document: uri, text, offset, explicit }, signal)
        : completeComment({ ...context, model }, { ...comment, document: uri, explicit }, signal),
    ),
  );
}

/** Suggests within the deadline; after it, what nobody asked for comes to nothing. */
export function suggestWithin(
  services: Services,
  explicit: boolean,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<InlineCompletions>,
): Promise<InlineCompletions> {
  if (explicit || services.waitsForModel) return asked(services, DEADLINES.fills(1), signal, work);
  const none = () => ({ items: [], reason: services.t("the model took too long"), cancelled: false });
  return within(services.engine, DEADLINES.inlineCompletion, signal, work, none);
}

/**
 * The summary of the section whose heading is under the mouse, or of a relative link's target; otherwise
 * alternatives for the word.
 */
export async function provideHover(
  services: Services,
  params: z.output<typeof hoverParams>,
  signal: AbortSignal,
): Promise<Hover | null> {
  const document = services.openDocument(params.textDocument.uri);
  const { edition } = document;
  const offset = document.offsetAt(params.position);
  const settings = await services.settings.settingsFor(document.uri);
  if ((await whyQuiet(services, document.uri, settings)) !== undefined) return null;
  checkEdition(services, document, edition);
  const summarizes = hasSections(document) && settings["hover.enabled"];
  const summary = summarizes ? await hoverSummary(services, document, offset, settings, signal) : null;
  checkEdition(services, document, edition);
  const hover = summary ?? (await wordHover(services, document, offset, settings, signal));
  checkEdition(services, document, edition);
  return hover;
}

/** An offer to summarize above each heading, if the setting is on. */
export async function provideCodeLenses(
  services: Services,
  params: z.output<typeof codeLensParams>,
  _signal: AbortSignal,
): Promise<CodeLens[]> {
  const document = services.openDocument(params.textDocument.uri);
  const { uri, version, edition, text } = document;
  const settings = await services.settings.settingsFor(uri);
  if (!hasSections(document) || !settings["codeLens.enabled"]) return [];
  if ((await whyQuiet(services, uri, settings)) !== undefined) return [];
  checkEdition(services, document, edition);
  const all = await sectionsOf(document, text);
  checkEdition(services, document, edition);
  const sections = all.filter(({ bodyStart, bodyEnd }) => /\S/.test(text.slice(bodyStart, bodyEnd)));
  return upperSections(sections, MOST_LENSES).map(({ headingStart, headingEnd, bodyEnd }) => {
    const range = document.rangeOf(headingStart, bodyEnd);
    const argument = { uri, version, edition, range, show: true };
    const command = {
      title: services.t("Summarize section"),
      command: commandId("summarizeRange"),
      arguments: [argument],
    };
    return { range: document.rangeOf(headingStart, headingEnd), command };
  });
}

/** Whether a document may have sections: programs have none, and a commit message has a subject only. */
function hasSections({ languageId }: OpenDocument): boolean {
  return !Object.hasOwn(COMMENTED_LANGUAGES, languageId) && languageId !== "git-commit" && languageId !== "scminput";
}

/** VS Code lays out all of them, visible or not; thousands would freeze it. */
const MOST_LENSES = 300;

/** The actions for the selection; each carries a command that the server itself executes. */
export async function provideCodeActions(
  services: Services,
  params: z.output<typeof codeActionParams>,
  signal: AbortSignal,
): Promise<CodeAction[]> {
  const document = services.openDocument(params.textDocument.uri);
  const { uri, version, edition, text } = document;
  const start = document.offsetAt(params.range.start);
  const selected = Math.max(start, document.offsetAt(params.range.end));
  // The cursor of Helix and Kakoune is a selection of one character.
  const end = isOneCharacter(text.slice(start, selected)) ? start : selected;
  const only = params.context?.only;
  const settings = await services.settings.settingsFor(uri);
  const asked = params.context?.triggerKind === CodeActionTriggerKind.Invoked;
  const isQuiet = (await whyQuiet(services, uri, settings)) !== undefined;
  if (isQuiet && !asked) return [];
  checkEdition(services, document, edition);
  const wanted = (kind: string) =>
    only === undefined || only.some((asked) => kind === asked || kind.startsWith(`${asked}.`));
  const tags: Pick<CodeAction, "tags"> = services.client.tagsModelGenerated
    ? { tags: [CodeActionTag.LLMGenerated] }
    : {};
  const possible = await codeActions({ settings, t: services.t }, { document, start, end });
  checkEdition(services, document, edition);
  const offers: CodeAction[] = possible
    .filter(({ kind }) => wanted(kind))
    .map(({ title, kind, command, ...offer }) => {
      const range = document.rangeOf(offer.start, offer.end);
      const effect = SHOWN.includes(command) ? { show: true } : { apply: true };
      return {
        title,
        kind,
        command: { title, command: commandId(command), arguments: [{ uri, version, edition, range, ...effect }] },
        ...tags,
      };
    });
  for (const { title, kind, command, argument } of start === end
    ? cursorActions(document.languageId, services.t)
    : []) {
    const given = { uri, version, edition, position: params.range.start, ...argument, apply: true };
    if (wanted(kind))
      offers.push({ title, kind, command: { title, command: commandId(command), arguments: [given] }, ...tags });
  }
  // Runs the model only if a person asked, because editors request actions at every move of the cursor.
  // Where an editor asks before it works in a private file, that comes with the action.
  if (isQuiet && services.client.ask !== undefined) return offers;
  if (!asked || start !== end || !wanted(WORD_KIND)) return offers;
  const words = await wordActions(services, document, start, signal).catch((error: unknown) => {
    services.log.warn(`no other words: ${reason(error)}`);
    return [];
  });
  return [...offers, ...words.map((action) => ({ ...action, ...tags }))];
}

/**
 * Whether a text is what a person would call one character: an accent or an emoji may be several units, a line's end
 * two.
 */
function isOneCharacter(text: string): boolean {
  return text.length <= MOST_UNITS && [...CHARACTERS.segment(text)].length === 1;
}

const CHARACTERS = new Intl.Segmenter();
/** A family's emoji has 25. */
const MOST_UNITS = 32;

/** Commands whose result is shown; the others change the text. */
const SHOWN: readonly CommandName[] = ["summarizeRange", "classifyRange"];
