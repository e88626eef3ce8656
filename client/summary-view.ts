/** Shows summaries beside the text: read-only, to be copied or put into the text by a person, never by itself. */
import {
  CodeLens,
  commands,
  type Disposable,
  EventEmitter,
  env,
  l10n,
  languages,
  Range,
  type TextDocument,
  Uri,
  ViewColumn,
  window,
  workspace,
} from "vscode";
import type { SummarizeRangeResult } from "../protocol/requests.ts";
import { replaceRanges } from "./edits.ts";

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
      window.setStatusBarMessage(l10n.t("Spanfill: summary copied"), 3000);
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
        path: `/${l10n.t("Summary of {0}", nameOf(source))}`,
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
  const lines = first === last ? l10n.t("line {0}", first) : l10n.t("lines {0} to {1}", first, last);
  const read = coverage >= 1 ? l10n.t("nothing left out") : l10n.t("{0}% of the text read", Math.floor(100 * coverage));
  const parts = chunks === 1 ? l10n.t("in 1 part") : l10n.t("in {0} parts", chunks);
  const notes = result.notes.map((note) => `; ${note}`).join("");
  return `${result.summary}\n\n— ${lines}, ${parts}, ${read} (${Math.round(ms)} ms, ${model})${notes}\n`;
}

function lenses(uri: Uri): CodeLens[] {
  const top = new Range(0, 0, 0, 0);
  return [
    new CodeLens(top, { command: "spanfill.copySummary", title: `$(copy) ${l10n.t("Copy")}`, arguments: [uri] }),
    new CodeLens(top, {
      command: "spanfill.insertSummary",
      title: `$(arrow-up) ${l10n.t("Insert Above Text")}`,
      arguments: [uri],
    }),
  ];
}

/** Puts the summary on lines of its own above what it is a summary of. */
async function insert({ source, range, text, result }: Shown): Promise<void> {
  const document = await workspace.openTextDocument(source);
  const offset = document.getText(range) === text ? document.offsetAt(range.start) : document.getText().indexOf(text);
  if (offset < 0) {
    void window.showWarningMessage(l10n.t("Spanfill: the text has changed since. Copy the summary instead."));
    return;
  }
  const place = document.positionAt(offset).with({ character: 0 });
  const shown = window.visibleTextEditors.find((one) => one.document === document);
  // A notebook's cell has no editor but the notebook's.
  const editor =
    source.scheme === "vscode-notebook-cell"
      ? shown
      : await window.showTextDocument(document, { viewColumn: shown?.viewColumn ?? ViewColumn.One });
  const target = new Range(place, place);
  const problem = await replaceRanges(document, document.version, [{ range: target, text: `${result.summary}\n\n` }]);
  if (problem !== undefined) void window.showWarningMessage(l10n.t("Spanfill inserted nothing: {0}", problem));
  else editor?.revealRange(target);
}

function nameOf({ uri }: TextDocument): string {
  return uri.path.slice(uri.path.lastIndexOf("/") + 1);
}
