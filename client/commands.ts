/** The commands of the palette, one function each; the table is what package.json declares (a test compares). */
import { commands, l10n, Range, type TextDocument, type TextEditor, window, workspace } from "vscode";
import type { Range as ProtocolRange } from "vscode-languageclient";
import { COMMENTED_LANGUAGES } from "../protocol/comments.ts";
import type {
  COMMANDS,
  ExplainArguments,
  ExplainResult,
  FillGapsArguments,
  FillGapsResult,
  RephraseArguments,
  RephraseResult,
  SummarizeRangeArguments,
  SummarizeRangeResult,
  WriteFieldArguments,
  WriteFieldResult,
} from "../protocol/requests.ts";
import { replaceRanges } from "./edits.ts";
import { LanguageServer } from "./language-client.ts";
import { openSettings, warn } from "./messages.ts";
import type { Pause } from "./pause.ts";
import { answered, proseEditor } from "./prose-editor.ts";
import { pickAlternative } from "./rephrase.ts";
import type { SummaryView } from "./summary-view.ts";

/** What the commands work with. */
export interface CommandContext {
  readonly server: LanguageServer;
  readonly summaries: SummaryView;
  readonly pause: Pause;
}

const SUMMARIZE: (typeof COMMANDS)["summarizeRange"] = "spanfill.summarizeRange";
const FILL: (typeof COMMANDS)["fillGaps"] = "spanfill.fillGaps";
const REPHRASE: (typeof COMMANDS)["rephrase"] = "spanfill.rephrase";
const WRITE: (typeof COMMANDS)["writeField"] = "spanfill.writeField";
const EXPLAIN: (typeof COMMANDS)["explain"] = "spanfill.explainSuggestion";
const SAID_MS = 5000;

/** {@link LanguageServer}, which comes in one file with the commands: it is read when the first of them, or a text, needs it. */
export function createServer(...options: ConstructorParameters<typeof LanguageServer>): LanguageServer {
  return new LanguageServer(...options);
}

/** Shows a summary of the selection beside it; of the whole file when nothing is selected. */
export async function summarizeSelection(context: CommandContext): Promise<void> {
  const editor = proseEditor();
  if (editor !== undefined) await summarize(context, editor.document, selected(editor)[0]);
}

/** Shows a summary of the whole file beside it. */
export async function summarizeFile(context: CommandContext): Promise<void> {
  const editor = proseEditor();
  if (editor !== undefined) await summarize(context, editor.document);
}

/** Fills the gaps in the selections, or in the whole file when nothing is selected, as one edit that one undo takes back. */
export async function fillGaps(context: CommandContext): Promise<void> {
  const editor = proseEditor();
  if (editor !== undefined) await fill(context, editor.document, selected(editor));
}

/**
 * Does what a code action of the server asks for as the palette's command does it: with progress, and the summary beside the
 * text. undefined for other commands.
 */
export function runAction(context: CommandContext, command: string, argument: unknown): Promise<void> | undefined {
  if (!isAction(argument)) return undefined;
  const { start, end } = argument.range;
  const range = new Range(start.line, start.character, end.line, end.character);
  const document = workspace.textDocuments.find(({ uri }) => uri.toString() === argument.uri);
  if (document?.version !== argument.version) return undefined;
  if (command === SUMMARIZE) return summarize(context, document, range);
  if (command === FILL) return fill(context, document, [range]);
  const editor = window.visibleTextEditors.find((one) => one.document === document);
  return command === REPHRASE && editor !== undefined ? rephrase(context, editor, range) : undefined;
}

/** Asks for ghost text at the cursor. */
export async function infillAtCursor({ server }: CommandContext): Promise<void> {
  const program = window.activeTextEditor;
  // In a program's comments, too.
  const editor = Object.hasOwn(COMMENTED_LANGUAGES, program?.document.languageId ?? "") ? program : proseEditor();
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

/** Offers other words for the selection, or the word at the cursor; the chosen ones replace it, and one undo brings it back. */
export async function rephraseSelection(context: CommandContext): Promise<void> {
  const editor = proseEditor();
  if (editor === undefined) return;
  const { document, selection } = editor;
  const range = selection.isEmpty ? document.getWordRangeAtPosition(selection.active) : selection;
  if (range === undefined) warn(l10n.t("Spanfill: select some words, or put the cursor on one."));
  else await rephrase(context, editor, range);
}

/** Proposes a title for the document; a person may change it before it is written. */
export async function writeTitle(context: CommandContext): Promise<void> {
  await writeField(context, "title", l10n.t("Title"));
}

/** Proposes a description for the document's front matter; a person may change it before it is written. */
export async function writeDescription(context: CommandContext): Promise<void> {
  await writeField(context, "description", l10n.t("Description"));
}

/** Says what typing at the cursor would suggest, or why nothing. */
export async function explainSuggestion({ server, pause }: CommandContext): Promise<void> {
  const editor = proseEditor();
  if (editor === undefined) return;
  if (pause.paused) {
    warn(l10n.t("Spanfill's suggestions are paused."), {
      title: l10n.t("Resume"),
      command: "spanfill.pauseSuggestions",
    });
    return;
  }
  const made = await answered(l10n.t("Looking for a suggestion"), async (options) => {
    const { code2ProtocolConverter: to } = await server.ready();
    const argument: ExplainArguments = {
      uri: to.asUri(editor.document.uri),
      position: to.asPosition(editor.selection.active),
    };
    return server.execute<ExplainResult>(EXPLAIN, argument, options);
  });
  if (made === undefined) return;
  if (made.suggestion !== undefined) {
    void window.showInformationMessage(l10n.t("Spanfill would suggest here: {0}", made.suggestion.trim()));
  } else warn(l10n.t("No suggestion here: {0}.", made.reason ?? ""), openSettings("spanfill.inlineCompletion"));
}

/** Offers everything there is, from the status item. */
export async function showMenu({ pause }: CommandContext): Promise<void> {
  const items = [
    { label: `$(list-flat) ${l10n.t("Summarize File")}`, command: "spanfill.summarizeFile" },
    { label: `$(edit-sparkle) ${l10n.t("Fill Gaps")}`, command: "spanfill.fillGapsInSelection" },
    {
      label: `$(${pause.paused ? "play" : "debug-pause"}) ${pause.paused ? l10n.t("Resume Suggestions") : l10n.t("Pause Suggestions")}`,
      command: "spanfill.pauseSuggestions",
    },
    { label: `$(question) ${l10n.t("Why Was There No Suggestion Here?")}`, command: "spanfill.explainHere" },
    { label: `$(symbol-misc) ${l10n.t("Choose Model")}`, command: "spanfill.chooseModel" },
    { label: `$(refresh) ${l10n.t("Restart Engine")}`, command: "spanfill.restart" },
    { label: `$(output) ${l10n.t("Show Log")}`, command: "spanfill.showLog" },
    {
      label: `$(gear) ${l10n.t("Settings")}`,
      command: "workbench.action.openSettings",
      argument: "@ext:spanfill.spanfill",
    },
  ];
  const chosen = await window.showQuickPick(items, { title: "Spanfill" });
  if (chosen !== undefined)
    await commands.executeCommand(chosen.command, ...("argument" in chosen ? [chosen.argument] : []));
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
  if (done) window.setStatusBarMessage(l10n.t("Spanfill: the engine was restarted"), SAID_MS);
}

async function summarize({ server, summaries }: CommandContext, document: TextDocument, part?: Range): Promise<void> {
  const { version } = document;
  const covered = part ?? document.validateRange(new Range(0, 0, document.lineCount, 0));
  if (document.getText(covered).trim() === "") {
    void window.showInformationMessage(l10n.t("Spanfill: there is no text to summarize."));
    return;
  }
  const result = await answered(l10n.t("Summarizing"), async (options) => {
    const { code2ProtocolConverter: convert } = await server.ready();
    const argument: SummarizeRangeArguments = {
      uri: convert.asUri(document.uri),
      version,
      range: convert.asRange(covered),
    };
    return server.execute<SummarizeRangeResult>(SUMMARIZE, argument, options);
  });
  if (result === undefined) return;
  if (result.summary.trim() !== "") await summaries.show(document, covered, result);
  else void window.showInformationMessage(l10n.t("Spanfill: the model found nothing to say about this text."));
}

async function rephrase({ server }: CommandContext, editor: TextEditor, part: Range): Promise<void> {
  const { document } = editor;
  const { version } = document;
  const made = await answered(l10n.t("Looking for other words"), async (options) => {
    const { code2ProtocolConverter: to, protocol2CodeConverter: from } = await server.ready();
    const argument: RephraseArguments = { uri: to.asUri(document.uri), version, range: to.asRange(part) };
    const result = await server.execute<RephraseResult>(REPHRASE, argument, options);
    return { ...result, range: from.asRange(result.range) };
  });
  if (made === undefined) return;
  if (made.alternatives.length === 0) {
    void window.showInformationMessage(l10n.t("Spanfill: the model knows no other words for this."));
    return;
  }
  const note = l10n.t("{0}; nothing is written until you choose", made.model);
  const chosen = await pickAlternative(editor, made.range, made.alternatives, note);
  if (chosen === undefined) return;
  const problem = await replaceRanges(document, version, [{ range: made.range, text: chosen.text }]);
  if (problem !== undefined) warn(l10n.t("Spanfill replaced nothing: {0}", problem));
}

async function writeField(
  { server }: CommandContext,
  field: WriteFieldArguments["field"],
  title: string,
): Promise<void> {
  const editor = proseEditor();
  if (editor === undefined) return;
  const { document } = editor;
  const { version } = document;
  const ask = (value: string | undefined) =>
    answered(title, async (options) => {
      const { code2ProtocolConverter: to, protocol2CodeConverter: from } = await server.ready();
      const given = value === undefined ? {} : { value };
      const argument: WriteFieldArguments = { uri: to.asUri(document.uri), version, field, ...given };
      const result = await server.execute<WriteFieldResult>(WRITE, argument, options);
      return { ...result, range: from.asRange(result.range) };
    });
  const proposed = await ask(undefined);
  if (proposed === undefined) return;
  const value = await window.showInputBox({ title, value: proposed.value, prompt: proposed.notes.join("; ") });
  if (value === undefined || value.trim() === "") return;
  const edit = await ask(value);
  if (edit === undefined) return;
  const problem = await replaceRanges(document, version, [{ range: edit.range, text: edit.newText }]);
  if (problem !== undefined) warn(l10n.t("Spanfill wrote nothing: {0}", problem));
}

/** @param parts where to fill; nowhere: everywhere */
async function fill({ server }: CommandContext, document: TextDocument, parts: readonly Range[]): Promise<void> {
  const { version } = document;
  const all = parts.slice(1).reduce<Range | undefined>((sum, part) => sum?.union(part), parts[0]);
  const fills = await answered(l10n.t("Filling gaps"), async (options) => {
    const { code2ProtocolConverter: to, protocol2CodeConverter: from } = await server.ready();
    const range = all === undefined ? {} : { range: to.asRange(all) };
    const argument: FillGapsArguments = { uri: to.asUri(document.uri), version, ...range };
    const made = await server.execute<FillGapsResult>(FILL, argument, options);
    return made.fills.map((one) => ({ range: from.asRange(one.range), text: one.text }));
  });
  if (fills === undefined) return;
  const wanted = parts.length < 2 ? fills : fills.filter(({ range }) => parts.some((part) => part.contains(range)));
  const filled = wanted.filter(({ text }) => text !== "");
  const problem = await replaceRanges(document, version, filled);
  if (problem !== undefined) {
    warn(l10n.t("Spanfill filled no gap: {0}", problem));
  } else if (filled.length < wanted.length) {
    const text = l10n.t(
      "Spanfill filled {0} of {1} gaps; for the others the model had nothing to say. More text around a gap helps.",
      filled.length,
      wanted.length,
    );
    warn(text);
  } else {
    const text =
      filled.length === 1 ? l10n.t("Spanfill: 1 gap filled") : l10n.t("Spanfill: {0} gaps filled", filled.length);
    window.setStatusBarMessage(text, SAID_MS);
  }
}

function selected({ selections }: TextEditor): readonly Range[] {
  return selections.filter(({ isEmpty }) => !isEmpty);
}

interface Action {
  readonly uri: string;
  readonly version: number;
  readonly range: ProtocolRange;
}

/** Whether it is the argument of a code action, which also tells the server what to do with the result. */
function isAction(argument: unknown): argument is Action {
  if (typeof argument !== "object" || argument === null || !("range" in argument)) return false;
  return ("show" in argument && argument.show === true) || ("apply" in argument && argument.apply === true);
}
