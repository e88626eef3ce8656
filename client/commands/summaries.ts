/** Has parts of documents summarized. */
import { l10n, Range, type TextDocument, Uri, window } from "vscode";
import { inform } from "../editor/notices.ts";
import type { LanguageServer } from "../server/language-client.ts";
import { hasChanged } from "./edits.ts";
import { answered, proseEditor } from "./prose-editor.ts";
import { onlyPlaceOf } from "./same-text.ts";
import { type ShownSummary, SUMMARY_SCHEME, type SummaryView } from "./summary-view.ts";

/** The services that make summaries and show them. */
export interface SummaryContext {
  readonly server: LanguageServer;
  readonly summaries: SummaryView;
}

/** Shows a summary of a part of a document beside it, of all of it when there is none. */
export async function showSummary(context: SummaryContext, document: TextDocument, part?: Range): Promise<void> {
  const made = await summaryOf(context, document, part);
  if (made !== undefined) await context.summaries.show(made);
}

/** The summary that is shown; for a selection that it is not of, one that is made now. */
export async function meantSummary(context: SummaryContext, uri: unknown): Promise<ShownSummary | undefined> {
  const shown = context.summaries.find(uri instanceof Uri ? uri : undefined);
  const editor = window.activeTextEditor;
  if (uri instanceof Uri || editor?.document.uri.scheme === SUMMARY_SCHEME) return shown;
  const [part] = editor === undefined ? [] : editor.selections.filter(({ isEmpty }) => !isEmpty);
  if (part === undefined) return shown;
  if (editor !== undefined && shown !== undefined && placeOf(shown, editor.document)?.isEqual(part)) return shown;
  const prose = proseEditor();
  return prose && summaryOf(context, prose.document, part);
}

/**
 * Where the text of a summary stands now; undefined where it has changed, or where more than one place could be meant.
 */
export function placeOf({ source, version, range, text }: ShownSummary, document: TextDocument): Range | undefined {
  if (source === document && !hasChanged(source, version)) return range;
  const offset = document.uri.toString() === source.uri.toString() ? onlyPlaceOf(text, document.getText()) : undefined;
  if (offset === undefined) return undefined;
  return new Range(document.positionAt(offset), document.positionAt(offset + text.length));
}

async function summaryOf(
  { server }: SummaryContext,
  document: TextDocument,
  part?: Range,
): Promise<ShownSummary | undefined> {
  const { version } = document;
  const covered = part ?? document.validateRange(new Range(0, 0, document.lineCount, 0));
  if (document.getText(covered).trim() === "") {
    inform(l10n.t("Spanfill: there is no text to summarize."));
    return undefined;
  }
  const text = document.getText(covered);
  const result = await answered(l10n.t("Summarizing"), async (options) => {
    const { code2ProtocolConverter: convert } = await server.ready();
    const argument = { uri: convert.asUri(document.uri), version, range: convert.asRange(covered) };
    return server.execute("summarizeRange", argument, options);
  });
  if (result === undefined) return undefined;
  if (result.summary.trim() !== "") return { source: document, version, range: covered, text, result };
  inform(l10n.t("Spanfill: the model found nothing to say about this text."));
  return undefined;
}
