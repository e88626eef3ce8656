/** Shows summaries beside the text: read-only, to be copied or put into the text by a person, never by itself. */
import {
  CodeLens,
  commands,
  type Disposable,
  EventEmitter,
  env,
  languages,
  Range,
  type TextDocument,
  Uri,
  ViewColumn,
  WorkspaceEdit,
  window,
  workspace,
} from "vscode";
import type { SummarizeRangeResult } from "../protocol/requests.ts";

/** Scheme of the summaries' documents; menus in package.json name it. */
export const SUMMARY_SCHEME = "spanfill-summary";

/** Where summaries are shown. */
export interface SummaryView extends Disposable {
  /** Shows the summary of a range of a document beside it; an earlier one of the same document is replaced. */
  show(source: TextDocument, range: Range, result: SummarizeRangeResult): Promise<void>;
}

/** Registers the documents and the two commands that act on them. */
export function createSummaryView(): SummaryView {
  const shown = new Map<string, Shown>();
  const changed = new EventEmitter<Uri>();
  const find = (uri: Uri | undefined) => shown.get((uri ?? window.activeTextEditor?.document.uri)?.toString() ?? "");
  const registered = [
    changed,
    workspace.registerTextDocumentContentProvider(SUMMARY_SCHEME, {
      onDidChange: changed.event,
      provideTextDocumentContent: (uri) => contentOf(find(uri)),
    }),
    languages.registerCodeLensProvider({ scheme: SUMMARY_SCHEME }, { provideCodeLenses: ({ uri }) => lenses(uri) }),
    workspace.onDidCloseTextDocument(({ uri }) => void shown.delete(uri.toString())),
    commands.registerCommand("spanfill.copySummary", async (uri?: Uri) => {
      const summary = find(uri);
      if (summary === undefined) return;
      await env.clipboard.writeText(summary.result.summary);
      window.setStatusBarMessage("Spanfill: summary copied", 3000);
    }),
    commands.registerCommand("spanfill.insertSummary", async (uri?: Uri) => {
      const summary = find(uri);
      if (summary !== undefined) await insert(summary);
    }),
  ];
  return {
    async show(source, range, result) {
      const uri = Uri.from({
        scheme: SUMMARY_SCHEME,
        path: `/Summary of ${nameOf(source)}`,
        query: source.uri.toString(),
      });
      shown.set(uri.toString(), { source: source.uri, range, text: source.getText(range), result });
      changed.fire(uri);
      const document = await languages.setTextDocumentLanguage(await workspace.openTextDocument(uri), "markdown");
      const visible = window.visibleTextEditors.find((editor) => editor.document === document);
      const viewColumn = visible?.viewColumn ?? ViewColumn.Beside;
      await window.showTextDocument(document, { viewColumn, preserveFocus: true, preview: true });
    },
    dispose: () => {
      for (const one of registered) one.dispose();
    },
  };
}

interface Shown {
  readonly source: Uri;
  readonly range: Range;
  /** What was summarised, to find it again when lines have moved. */
  readonly text: string;
  readonly result: SummarizeRangeResult;
}

function contentOf(shown: Shown | undefined): string {
  if (shown === undefined) return "";
  const { result, range } = shown;
  const { chunks, coverage, ms, model } = result;
  const first = range.start.line + 1;
  // A range that ends before the first character of a line does not hold that line.
  const last = Math.max(first, range.end.character === 0 ? range.end.line : range.end.line + 1);
  const lines = first === last ? `line ${first}` : `lines ${first} to ${last}`;
  const read = coverage >= 1 ? "nothing left out" : `${Math.floor(100 * coverage)}% of the text read`;
  const parts = `in ${chunks} ${chunks === 1 ? "part" : "parts"}, ${read}`;
  return `${result.summary}\n\n— ${lines}, ${parts} (${Math.round(ms)} ms, ${model})\n`;
}

function lenses(uri: Uri): CodeLens[] {
  const top = new Range(0, 0, 0, 0);
  return [
    new CodeLens(top, { command: "spanfill.copySummary", title: "$(copy) Copy", arguments: [uri] }),
    new CodeLens(top, { command: "spanfill.insertSummary", title: "$(insert) Insert Above Text", arguments: [uri] }),
  ];
}

/** Puts the summary on lines of its own above what it is a summary of. */
async function insert({ source, range, text, result }: Shown): Promise<void> {
  const document = await workspace.openTextDocument(source);
  const offset = document.getText(range) === text ? document.offsetAt(range.start) : document.getText().indexOf(text);
  if (offset < 0) {
    void window.showWarningMessage("Spanfill: the text has changed since it was summarised. Copy the summary instead.");
    return;
  }
  const place = document.positionAt(offset).with({ character: 0 });
  const edit = new WorkspaceEdit();
  edit.insert(source, place, `${result.summary}\n\n`);
  await workspace.applyEdit(edit);
  const editor = window.visibleTextEditors.find((one) => one.document === document);
  const viewColumn = editor?.viewColumn ?? ViewColumn.One;
  (await window.showTextDocument(document, { viewColumn })).revealRange(new Range(place, place));
}

function nameOf({ uri }: TextDocument): string {
  return uri.path.slice(uri.path.lastIndexOf("/") + 1);
}
