/**
 * Actions on a summary: copying it, inserting it above the text, also as a comment or quotation, or putting it in the
 * text's place.
 */
import { env, l10n, Range, type TextDocument, ViewColumn, window, workspace } from "vscode";
import { asideOf } from "../../protocol/asides.ts";
import { warn } from "../editor/messages.ts";
import { remark } from "../editor/notices.ts";
import { replaceRanges } from "./edits.ts";
import { placeOf } from "./summaries.ts";
import type { ShownSummary } from "./summary-view.ts";

const SAID_MS = 3000;
const USUAL_WIDTH = 80;

/** Where a summary goes: on separate lines above the text, as it is or as an aside, or in the text's place. */
export type Placement = "above" | "aside" | "instead";

/** Copies a summary. */
export async function copySummaryOf({ result }: ShownSummary): Promise<void> {
  await env.clipboard.writeText(result.summary);
  remark(l10n.t("Spanfill: summary copied"), SAID_MS);
}

/**
 * Puts a summary into the text that it is of, as one edit that one undo takes back; a text that has changed is left
 * alone.
 */
export async function placeSummary(shown: ShownSummary, placement: Placement): Promise<void> {
  const { source, result } = shown;
  const document = await workspace.openTextDocument(source.uri);
  const { version } = document;
  const found = placeOf(shown, document);
  if (found === undefined) {
    warn(l10n.t("Spanfill: the text has changed since. Copy the summary instead."));
    return;
  }
  const target = placement === "instead" ? trimmed(document, found) : above(found);
  const change = { range: target, text: wording(document, found, result.summary, placement) };
  const visible = window.visibleTextEditors.find((one) => one.document === document);
  // A notebook's cell has no editor but the notebook's.
  const editor =
    source.uri.scheme === "vscode-notebook-cell"
      ? visible
      : await window.showTextDocument(document, { viewColumn: visible?.viewColumn ?? ViewColumn.One });
  const problem = await replaceRanges(document, version, [change]);
  if (problem !== undefined) warn(l10n.t("Spanfill inserted nothing: {0}", problem));
  else editor?.revealRange(target);
}

function above({ start }: Range): Range {
  const place = start.with({ character: 0 });
  return new Range(place, place);
}

/** The range without the blank space around it, which stays. */
function trimmed(document: TextDocument, range: Range): Range {
  const text = document.getText(range);
  const start = document.offsetAt(range.start) + text.length - text.trimStart().length;
  const end = document.offsetAt(range.end) - (text.length - text.trimEnd().length);
  return new Range(document.positionAt(start), document.positionAt(Math.max(start, end)));
}

function wording(document: TextDocument, { start }: Range, summary: string, placement: Placement): string {
  if (placement === "instead") return summary;
  if (placement === "above") return `${summary}\n\n`;
  const { languageId } = document;
  const [ruler] = workspace.getConfiguration("editor", document).get<(number | { column: number })[]>("rulers") ?? [];
  const width = typeof ruler === "object" ? ruler.column : (ruler ?? USUAL_WIDTH);
  const [indentation = ""] = /^[ \t]*/.exec(document.lineAt(start.line).text) ?? [];
  // A blank line keeps what follows out of it.
  return `${asideOf(summary, languageId, width, indentation)}\n`;
}
