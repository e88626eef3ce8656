/** Finds out what typing at the cursor would suggest, or why nothing. */
import { l10n, languages, type TextEditor } from "vscode";
import { defined } from "../../base/defined.ts";
import { commentAt } from "../../programs/comments.ts";
import type { ExplainResult } from "../../protocol/commands/writing.ts";
import { PROGRAMS } from "../editor/selector.ts";
import type { LanguageServer, RequestOptions } from "../server/language-client.ts";

/**
 * Asks the server; for a program, which the server does not have, with the text of the comment at the cursor.
 * @throws ResponseError
 */
export async function explanation(
  server: LanguageServer,
  { document, selection }: TextEditor,
  options: RequestOptions,
): Promise<ExplainResult> {
  const { code2ProtocolConverter: to } = await server.ready();
  const uri = to.asUri(document.uri);
  if (languages.match(PROGRAMS, document) === 0)
    return server.execute("explainSuggestion", { uri, position: to.asPosition(selection.active) }, options);
  const comment = await commentAt(document.getText(), document.offsetAt(selection.active), document.languageId);
  if (comment === undefined) return { reason: l10n.t("the cursor is in code") };
  const { items, reason } = await server.execute("continueText", { uri, ...comment, explicit: false }, options);
  return defined({ suggestion: items[0], reason });
}
