/** Finds out what typing at the cursor would suggest, or why nothing. */
import { l10n, languages, type TextEditor } from "vscode";
import { defined } from "../../base/defined.ts";
import { commentAt } from "../../protocol/comments.ts";
import type {
  COMMANDS,
  CompleteTextArguments,
  CompleteTextResult,
  ExplainArguments,
  ExplainResult,
} from "../../protocol/requests.ts";
import { PROGRAMS } from "../editor/selector.ts";
import type { LanguageServer, RequestOptions } from "../server/language-client.ts";

const COMPLETE: (typeof COMMANDS)["completeText"] = "spanfill.completeText";
const EXPLAIN: (typeof COMMANDS)["explain"] = "spanfill.explainSuggestion";

/** Asks the server; of a program, which it does not have, with the text of the comment at the cursor. @throws ResponseError */
export async function explanation(
  server: LanguageServer,
  { document, selection }: TextEditor,
  options: RequestOptions,
): Promise<ExplainResult> {
  const { code2ProtocolConverter: to } = await server.ready();
  const uri = to.asUri(document.uri);
  if (languages.match(PROGRAMS, document) === 0) {
    const argument: ExplainArguments = { uri, position: to.asPosition(selection.active) };
    return server.execute<ExplainResult>(EXPLAIN, argument, options);
  }
  const comment = commentAt(document.getText(), document.offsetAt(selection.active), document.languageId);
  if (comment === undefined) return { reason: l10n.t("the cursor is in code") };
  const argument: CompleteTextArguments = { uri, ...comment, explicit: false };
  const { items, reason } = await server.execute<CompleteTextResult>(COMPLETE, argument, options);
  return defined({ suggestion: items[0], reason });
}
