/** Shows summaries beside the text: read-only, to be copied or put into the text by a person, never by itself. */
import {
  CodeLens,
  commands,
  type Disposable,
  EventEmitter,
  l10n,
  languages,
  Range,
  type TextDocument,
  Uri,
  ViewColumn,
  window,
  workspace,
} from "vscode";
import type { SummarizeRangeResult } from "../../protocol/commands/reading.ts";
import { labelText, messageText } from "../../protocol/shown-text.ts";

/** Scheme of the summaries' documents; menus in package.json name it. */
export const SUMMARY_SCHEME = "spanfill-summary";

/** Where summaries are shown. */
export interface SummaryView extends Disposable {
  /** Shows a summary beside the document that it is of; an earlier one of the same document is replaced. */
  show(summary: ShownSummary): Promise<void>;
  /** The summary that a document shows, or the last one made of it; the active editor's document when none is named. */
  find(uri: Uri | undefined): ShownSummary | undefined;
}

/** Registers the documents; what may be done with them are commands. */
export function createSummaryView(): SummaryView {
  const shown = new Map<string, ShownSummary>();
  const changed = new EventEmitter<Uri>();
  const tell = () => void commands.executeCommand("setContext", "spanfill.summaryShown", shown.size > 0);
  const registered = [
    changed,
    workspace.registerTextDocumentContentProvider(SUMMARY_SCHEME, {
      onDidChange: changed.event,
      provideTextDocumentContent: (uri) => contentOf(shown.get(uri.toString())),
    }),
    languages.registerCodeLensProvider({ scheme: SUMMARY_SCHEME }, { provideCodeLenses: ({ uri }) => lenses(uri) }),
    workspace.onDidCloseTextDocument(({ uri }) => {
      if (shown.delete(uri.toString())) tell();
    }),
  ];
  return {
    async show(summary) {
      const { source } = summary;
      const uri = Uri.from({
        scheme: SUMMARY_SCHEME,
        path: `/${labelText(l10n.t("Summary of {0}", nameOf(source)))}`,
        query: source.uri.toString(),
      });
      shown.delete(uri.toString());
      shown.set(uri.toString(), summary);
      tell();
      changed.fire(uri);
      const document = await languages.setTextDocumentLanguage(await workspace.openTextDocument(uri), "markdown");
      const visible = window.visibleTextEditors.find((editor) => editor.document === document);
      const viewColumn = visible?.viewColumn ?? ViewColumn.Beside;
      await window.showTextDocument(document, { viewColumn, preserveFocus: true, preview: true });
    },
    find(asked) {
      const uri = asked ?? window.activeTextEditor?.document.uri;
      const of = (one: ShownSummary) => one.source.uri.toString() === uri?.toString();
      return shown.get(uri?.toString() ?? "") ?? [...shown.values()].findLast(of);
    },
    dispose: () => {
      for (const one of registered) one.dispose();
    },
  };
}

/** A summary that is shown, and what it is of. */
export interface ShownSummary {
  readonly source: TextDocument;
  /** The document's version when the summary was asked for, which the range belongs to. */
  readonly version: number;
  readonly range: Range;
  /** The text as it was when it was summarized, to find it again when lines have moved. */
  readonly text: string;
  readonly result: SummarizeRangeResult;
}

function contentOf(shown: ShownSummary | undefined): string {
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
  return `${result.summary}\n\n${messageText(`— ${lines}, ${parts}, ${read} (${Math.round(ms)} ms, ${model})${notes}`)}\n`;
}

function lenses(uri: Uri): CodeLens[] {
  const top = new Range(0, 0, 0, 0);
  const actions = [
    [`$(copy) ${l10n.t("Copy")}`, "spanfill.copySummary"],
    [`$(arrow-up) ${l10n.t("Insert Above Text")}`, "spanfill.insertSummary"],
    [`$(quote) ${l10n.t("Quote Above")}`, "spanfill.insertSummaryAsComment"],
    [`$(replace) ${l10n.t("Replace Text")}`, "spanfill.replaceWithSummary"],
  ] as const;
  return actions.map(([title, command]) => new CodeLens(top, { title, command, arguments: [uri] }));
}

function nameOf({ uri }: TextDocument): string {
  return uri.path.slice(uri.path.lastIndexOf("/") + 1);
}
