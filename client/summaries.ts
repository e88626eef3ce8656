/** Has parts of documents summarized. */
import { l10n, Range, type TextDocument, Uri, window } from "vscode";
import type { COMMANDS, SummarizeRangeArguments, SummarizeRangeResult } from "../protocol/requests.ts";
import type { LanguageServer } from "./language-client.ts";
import { answered, proseEditor } from "./prose-editor.ts";
import { type ShownSummary, SUMMARY_SCHEME, type SummaryView } from "./summary-view.ts";

const SUMMARIZE: (typeof COMMANDS)["summarizeRange"] = "spanfill.summarizeRange";

/** What summaries are made with, and where they are shown. */
export interface SummaryContext {
  readonly server: LanguageServer;
  readonly summaries: SummaryView;
}

/** Shows a summary of a part of a document beside it, of all of it when there is none. */
export async function showSummary(context: SummaryContext, document: TextDocument, part?: Range): Promise<void> {
  const made = await summaryOf(context, document, part);
  if (made !== undefined) await context.summaries.show(document, made.range, made.result);
}

/** The summary that is shown; for a selection that it is not of, one that is made now. */
export async function meantSummary(context: SummaryContext, uri: unknown): Promise<ShownSummary | undefined> {
  const shown = context.summaries.find(uri instanceof Uri ? uri : undefined);
  const editor = window.activeTextEditor;
  if (uri instanceof Uri || editor?.document.uri.scheme === SUMMARY_SCHEME) return shown;
  const [part] = editor === undefined ? [] : editor.selections.filter(({ isEmpty }) => !isEmpty);
  if (part === undefined || shown?.text === editor?.document.getText(part)) return shown;
  const prose = proseEditor();
  return prose && summaryOf(context, prose.document, part);
}

async function summaryOf(
  { server }: SummaryContext,
  document: TextDocument,
  part?: Range,
): Promise<ShownSummary | undefined> {
  const { version } = document;
  const covered = part ?? document.validateRange(new Range(0, 0, document.lineCount, 0));
  if (document.getText(covered).trim() === "") {
    void window.showInformationMessage(l10n.t("Spanfill: there is no text to summarize."));
    return undefined;
  }
  const text = document.getText(covered);
  const result = await answered(l10n.t("Summarizing"), async (options) => {
    const { code2ProtocolConverter: convert } = await server.ready();
    const argument: SummarizeRangeArguments = {
      uri: convert.asUri(document.uri),
      version,
      range: convert.asRange(covered),
    };
    return server.execute<SummarizeRangeResult>(SUMMARIZE, argument, options);
  });
  if (result === undefined) return undefined;
  if (result.summary.trim() !== "") return { source: document.uri, range: covered, text, result };
  void window.showInformationMessage(l10n.t("Spanfill: the model found nothing to say about this text."));
  return undefined;
}
