/** The commands of the palette, one function each; the table is what package.json declares (a test compares). */
import { commands, l10n, Range, type TextEditor, window, workspace } from "vscode";
import type { Range as ProtocolRange } from "vscode-languageclient";
import { commandId } from "../../protocol/commands.ts";
import { openSettings, warn } from "../editor/messages.ts";
import { inform, remark } from "../editor/notices.ts";
import type { Pause } from "../editor/pause.ts";
import { pickOne } from "../editor/picks.ts";
import { LanguageServer } from "../server/language-client.ts";
import { replaceRanges } from "./edits.ts";
import { explanation } from "./explain.ts";
import { summarizeFolderIn } from "./folder.ts";
import { writeField } from "./front-matter.ts";
import { fillGapsIn, previewGapsIn } from "./gaps.ts";
import { engineLine, forgetSummaries, freeModelMemory } from "./memory.ts";
import { menuItems } from "./menu.ts";
import { answered, proseEditor, writtenEditor } from "./prose-editor.ts";
import { askAbout, classifyPart, type Questions, stepAnswer } from "./questions.ts";
import { offerOtherWords } from "./rephrase.ts";
import { meantSummary, showSummary } from "./summaries.ts";
import { copySummaryOf, type Placement, placeSummary } from "./summary-actions.ts";
import type { SummaryView } from "./summary-view.ts";

/** The services that commands use. */
export interface CommandContext {
  readonly server: LanguageServer;
  readonly summaries: SummaryView;
  readonly pause: Pause;
  readonly questions: Questions;
}

const SAID_MS = 5000;

/**
 * {@link LanguageServer}, which comes in one file with the commands: it is read when the first of them, or a text,
 * needs it.
 */
export function createServer(...options: ConstructorParameters<typeof LanguageServer>): LanguageServer {
  return new LanguageServer(...options);
}

/** Shows a summary of the selection beside it; of the whole file when nothing is selected. */
export async function summarizeSelection(context: CommandContext): Promise<void> {
  const editor = proseEditor();
  if (editor !== undefined) await showSummary(context, editor.document, selected(editor)[0]);
}

/** Shows a summary of the whole file beside it. */
export async function summarizeFile(context: CommandContext): Promise<void> {
  const editor = proseEditor();
  if (editor !== undefined) await showSummary(context, editor.document);
}

/** Opens a digest of a folder as a new document. @param folder the one that was clicked on */
export async function summarizeThisFolder({ server }: CommandContext, folder?: unknown): Promise<void> {
  await summarizeFolderIn(server, folder);
}

/** Frees the model's memory at once; the next use loads it again. */
export async function freeMemory({ server }: CommandContext): Promise<void> {
  await freeModelMemory(server);
}

/** Forgets the summaries that are remembered, on disk too. */
export async function forgetAllSummaries({ server }: CommandContext): Promise<void> {
  await forgetSummaries(server);
}

/**
 * Fills the gaps in the selections, or in the whole file when nothing is selected, as one edit that one undo takes
 * back.
 */
export async function fillGaps({ server }: CommandContext): Promise<void> {
  const editor = proseEditor();
  if (editor !== undefined) await fillGapsIn(server, editor.document, selected(editor));
}

/** Shows what would go into the gaps in VS Code's preview, where a person applies them all, or leaves some out. */
export async function fillGapsWithPreview({ server }: CommandContext): Promise<void> {
  const editor = proseEditor();
  if (editor !== undefined) await previewGapsIn(server, editor.document, selected(editor));
}

/**
 * Does what a code action of the server asks for as the palette's command does it: with progress, and the summary
 * beside the text. undefined for other commands.
 */
export function runAction(context: CommandContext, command: string, argument: unknown): Promise<void> | undefined {
  if (!isAction(argument)) return undefined;
  const { document, range } = documentOf(argument);
  if (document === undefined) return undefined;
  if (command === commandId("summarizeRange")) return showSummary(context, document, range);
  if (command === commandId("fillGaps")) return fillGapsIn(context.server, document, [range]);
  if (command === commandId("classifyRange"))
    return classifyPart(context.server, document, range).then(() => undefined);
  const editor = window.visibleTextEditors.find((one) => one.document === document);
  if (command !== commandId("rephrase") || editor === undefined) return undefined;
  return offerOtherWords(context.server, editor, range);
}

/** Asks for ghost text at the cursor. */
export async function continueAtCursor({ server }: CommandContext): Promise<void> {
  const editor = writtenEditor();
  if (editor === undefined) return;
  if (workspace.getConfiguration("editor", editor.document).get("inlineSuggest.enabled") === false) {
    const text = l10n.t("Spanfill shows its text as an inline suggestion, and those are switched off.");
    warn(text, openSettings("editor.inlineSuggest.enabled"));
    return;
  }
  const ready = await answered(l10n.t("Starting"), async () => {
    await server.ready();
    return true;
  });
  if (!ready) return;
  if (editor !== window.activeTextEditor) await window.showTextDocument(editor.document, editor.viewColumn);
  await commands.executeCommand("editor.action.inlineSuggest.trigger");
}

/**
 * Offers other words for the selection, or the word at the cursor; the chosen ones replace it, and one undo brings it
 * back.
 */
export async function rephraseSelection(context: CommandContext): Promise<void> {
  const editor = proseEditor();
  if (editor === undefined) return;
  const { document, selection } = editor;
  const range = selection.isEmpty ? document.getWordRangeAtPosition(selection.active) : selection;
  if (range === undefined) warn(l10n.t("Spanfill: select some words, or put the cursor on one."));
  else await offerOtherWords(context.server, editor, range);
}

/**
 * Answers a question from the selection, or from the whole file when nothing is selected.
 * @param given `{question}`, for key bindings that ask a fixed question
 */
export async function askSelection(context: CommandContext, given: unknown): Promise<unknown> {
  const editor = proseEditor();
  if (editor === undefined) return undefined;
  return askAbout(context, editor.document, selected(editor)[0], stringIn(given, "question"));
}

/** Shows the answer's next place. */
export async function nextAnswer({ questions }: CommandContext): Promise<void> {
  stepAnswer(questions, 1);
}

/** Shows the answer's place before. */
export async function previousAnswer({ questions }: CommandContext): Promise<void> {
  stepAnswer(questions, -1);
}

/** Says which label suits the selection, or the whole file when nothing is selected. */
export async function classifySelection({ server }: CommandContext): Promise<unknown> {
  const editor = proseEditor();
  return editor && classifyPart(server, editor.document, selected(editor)[0]);
}

/**
 * Puts another word in a word's place.
 * @param argument what the hover's link says: `{uri, version, range, word, text}`, `word` being what stands there
 */
export async function replaceWord(_context: CommandContext, argument: unknown): Promise<void> {
  const text = stringIn(argument, "text");
  if (text === undefined || !isPlace(argument)) return;
  const { document, range } = documentOf(argument);
  const word = stringIn(argument, "word");
  const problem =
    document === undefined || (word !== undefined && document.getText(range) !== word)
      ? l10n.t("the text changed meanwhile. Run the command again.")
      : await replaceRanges(document, document.version, [{ range, text }]);
  if (problem !== undefined) warn(l10n.t("Spanfill replaced nothing: {0}", problem));
}

/**
 * Copies the summary that is shown, or of the selection.
 * @param uri its document; that of the active text when absent
 */
export async function copySummary(context: CommandContext, uri: unknown): Promise<void> {
  const summary = await meantSummary(context, uri);
  if (summary !== undefined) await copySummaryOf(summary);
}

/** Puts the summary that is shown above its text. */
export async function insertSummary(context: CommandContext, uri: unknown): Promise<void> {
  await place(context, uri, "above");
}

/** Puts the summary that is shown above its text, as a comment or quotation. */
export async function insertSummaryAsComment(context: CommandContext, uri: unknown): Promise<void> {
  await place(context, uri, "aside");
}

/** Puts the summary that is shown in its text's place. */
export async function replaceWithSummary(context: CommandContext, uri: unknown): Promise<void> {
  await place(context, uri, "instead");
}

/** Proposes a title for the document; a person may change it before it is written. */
export async function writeTitle(context: CommandContext): Promise<void> {
  await writeField(context.server, "title", l10n.t("Title"));
}

/** Proposes a description for the document's front matter; a person may change it before it is written. */
export async function writeDescription(context: CommandContext): Promise<void> {
  await writeField(context.server, "description", l10n.t("Description"));
}

/** Says what typing at the cursor would suggest, or why nothing. */
export async function explainSuggestionHere({ server, pause }: CommandContext): Promise<void> {
  const editor = writtenEditor();
  if (editor === undefined) return;
  if (pause.paused) {
    warn(l10n.t("Spanfill's suggestions are paused."), {
      title: l10n.t("Resume"),
      command: "spanfill.pauseSuggestions",
    });
    return;
  }
  const made = await answered(l10n.t("Looking for a suggestion"), (options) => explanation(server, editor, options));
  if (made === undefined) return;
  if (made.suggestion !== undefined) {
    inform(l10n.t("Spanfill would suggest here: {0}", made.suggestion.trim()));
  } else warn(l10n.t("No suggestion here: {0}.", made.reason ?? ""), openSettings("spanfill.inlineCompletion"));
}

/** Offers everything there is, from the status item. */
export async function showMenu(context: CommandContext): Promise<void> {
  const items = menuItems(context.pause.paused);
  const idleMinutes = workspace.getConfiguration("spanfill").get("idleMinutes", 0);
  const chosen = await pickOne(items, { title: await engineLine(context.server, idleMinutes) });
  if (chosen !== undefined) await commands.executeCommand(chosen.command, ...chosen.given);
}

/** Pauses suggestions in this window, or resumes them. */
export async function pauseSuggestions({ pause }: CommandContext): Promise<void> {
  await pause.toggle();
}

/** Ends the engine's process and starts the next. */
export async function restartEngine({ server }: CommandContext): Promise<void> {
  const done = await answered(l10n.t("Restarting the engine"), async () => {
    await server.restart();
    return true;
  });
  if (done) remark(l10n.t("Spanfill: the engine was restarted"), SAID_MS);
}

function selected({ selections }: TextEditor): readonly Range[] {
  return selections.filter(({ isEmpty }) => !isEmpty);
}

async function place(context: CommandContext, uri: unknown, placement: Placement): Promise<void> {
  const summary = await meantSummary(context, uri);
  if (summary !== undefined) await placeSummary(summary, placement);
}

/** A part of a document at a version, as the server writes it. */
interface Place {
  readonly uri: string;
  readonly version: number;
  readonly range: ProtocolRange;
}

/** Whether it is the argument of a code action, which also tells the server what to do with the result. */
function isAction(argument: unknown): argument is Place {
  if (!isPlace(argument)) return false;
  return ("show" in argument && argument.show === true) || ("apply" in argument && argument.apply === true);
}

function isPlace(argument: unknown): argument is Place {
  return typeof argument === "object" && argument !== null && "uri" in argument && "range" in argument;
}

/** The place's document, undefined when it has changed since. */
function documentOf({ uri, version, range: { start, end } }: Place) {
  const document = workspace.textDocuments.find((one) => one.uri.toString() === uri && one.version === version);
  return { document, range: new Range(start.line, start.character, end.line, end.character) };
}

function stringIn(argument: unknown, name: string): string | undefined {
  if (typeof argument !== "object" || argument === null) return undefined;
  const [, value] = Object.entries(argument).find(([key]) => key === name) ?? [];
  return typeof value === "string" ? value : undefined;
}
