/** The commands of the palette, one function each; the table is what package.json declares (a test compares). */
import { languages, Range, type TextEditor, commands as vscodeCommands, window, workspace } from "vscode";
import { LSPErrorCodes, type Range as ProtocolRange, ResponseError } from "vscode-languageclient";
import type {
  COMMANDS,
  FillGapsArguments,
  FillGapsResult,
  SummarizeRangeArguments,
  SummarizeRangeResult,
} from "../protocol/requests.ts";
import type { LanguageServer } from "./language-client.ts";
import { LANGUAGES, SELECTOR } from "./languages.ts";
import { withPatience } from "./progress.ts";
import type { SummaryView } from "./summary-view.ts";

/** What the commands work with. */
export interface CommandContext {
  readonly server: LanguageServer;
  readonly summaries: SummaryView;
}

const SUMMARIZE: (typeof COMMANDS)["summarizeRange"] = "spanfill.summarizeRange";
const FILL: (typeof COMMANDS)["fillGaps"] = "spanfill.fillGaps";
const SAID_MS = 5000;

/** Shows a summary of the selection beside it; of the whole file when nothing is selected. */
export async function summarizeSelection(context: CommandContext): Promise<void> {
  const editor = proseEditor();
  if (editor !== undefined) await summarize(context, editor, editor.selection.isEmpty ? undefined : editor.selection);
}

/** Shows a summary of the whole file beside it. */
export async function summarizeFile(context: CommandContext): Promise<void> {
  const editor = proseEditor();
  if (editor !== undefined) await summarize(context, editor, undefined);
}

/** Fills the gaps in the selection, or in the whole file when nothing is selected, as one edit that one undo takes back. */
export async function fillGaps({ server }: CommandContext): Promise<void> {
  const editor = proseEditor();
  if (editor === undefined) return;
  const { document, selection } = editor;
  const { version } = document;
  const result = await answered("Filling gaps", async (options) => {
    const client = await server.ready();
    const range: { range?: ProtocolRange } = selection.isEmpty
      ? {}
      : { range: client.code2ProtocolConverter.asRange(selection) };
    const argument: FillGapsArguments = { uri: client.code2ProtocolConverter.asUri(document.uri), version, ...range };
    const made = await server.execute<FillGapsResult>(FILL, argument, options);
    return { ...made, workspaceEdit: await client.protocol2CodeConverter.asWorkspaceEdit(made.edit) };
  });
  if (result === undefined) return;
  const filled = result.fills.filter(({ text }) => text !== "").length;
  const total = result.fills.length;
  if (document.version !== version || !(filled === 0 || (await workspace.applyEdit(result.workspaceEdit)))) {
    void window.showWarningMessage(
      "Spanfill: the text changed while its gaps were being filled. Run the command again.",
    );
  } else if (filled < total) {
    void window.showWarningMessage(
      `Spanfill filled ${filled} of ${total} gaps; for the others the model had nothing to say. More text around a gap helps.`,
    );
  } else {
    window.setStatusBarMessage(`Spanfill: ${total === 1 ? "1 gap" : `${total} gaps`} filled`, SAID_MS);
  }
}

/** Asks for ghost text at the cursor. */
export async function infillAtCursor({ server }: CommandContext): Promise<void> {
  const editor = proseEditor();
  if (editor === undefined) return;
  if (workspace.getConfiguration("editor", editor.document).get("inlineSuggest.enabled") === false) {
    void window.showWarningMessage(
      "Spanfill shows its text as an inline suggestion, and those are off (editor.inlineSuggest.enabled).",
    );
    return;
  }
  const ready = await answered("Starting", async () => {
    await server.ready();
    return true;
  });
  if (ready) await vscodeCommands.executeCommand("editor.action.inlineSuggest.trigger");
}

/** Ends the engine's process and starts the next. */
export async function restartEngine({ server }: CommandContext): Promise<void> {
  const done = await answered("Restarting the engine", async () => {
    await server.restart();
    return true;
  });
  if (done) window.setStatusBarMessage("Spanfill: the engine was restarted", SAID_MS);
}

async function summarize(
  { server, summaries }: CommandContext,
  { document }: TextEditor,
  range: Range | undefined,
): Promise<void> {
  const { version } = document;
  const covered = range ?? document.validateRange(new Range(0, 0, document.lineCount, 0));
  const result = await answered("Summarizing", async (options) => {
    const { code2ProtocolConverter: convert } = await server.ready();
    const argument: SummarizeRangeArguments = {
      uri: convert.asUri(document.uri),
      version,
      range: convert.asRange(covered),
    };
    return server.execute<SummarizeRangeResult>(SUMMARIZE, argument, options);
  });
  if (result !== undefined) await summaries.show(document, covered, result);
}

/** The active editor when its document is one that the server knows; says so when it is not. */
function proseEditor(): TextEditor | undefined {
  const editor = window.activeTextEditor;
  if (editor === undefined) {
    void window.showWarningMessage("Spanfill: open a text first; there is no active editor.");
    return undefined;
  }
  if (languages.match(SELECTOR, editor.document) > 0) return editor;
  void window.showWarningMessage(
    `Spanfill works in prose, not in ${editor.document.languageId}. Its languages: ${LANGUAGES.join(", ")}. The status bar changes an editor's language.`,
  );
  return undefined;
}

/** What the work gives; undefined when it was cancelled, or failed and the person was told why. */
async function answered<Result>(
  title: string,
  work: Parameters<typeof withPatience<Result>>[1],
): Promise<Result | undefined> {
  try {
    return await withPatience(`Spanfill: ${title}`, work);
  } catch (error) {
    const code = error instanceof ResponseError ? error.code : undefined;
    if (code === LSPErrorCodes.RequestCancelled) return undefined;
    const message =
      code === LSPErrorCodes.ContentModified
        ? "the text changed meanwhile. Run the command again."
        : error instanceof Error
          ? error.message
          : String(error);
    // Not awaited: the notification stays until a person closes it.
    void window.showErrorMessage(`Spanfill: ${message}`, SHOW_LOG).then((choice) => {
      if (choice === SHOW_LOG) void vscodeCommands.executeCommand("spanfill.showLog");
    });
    return undefined;
  }
}

const SHOW_LOG = "Show Log";
