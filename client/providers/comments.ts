/** Ghost text in the comments and docstrings of programs, which the language server is not told of. */
import {
  type Disposable,
  InlineCompletionItem,
  InlineCompletionTriggerKind,
  languages,
  Range,
  workspace,
} from "vscode";
import { COMMENTED_LANGUAGES, commentAt } from "../../protocol/comments.ts";
import type { COMMANDS, CompleteTextArguments, CompleteTextResult } from "../../protocol/requests.ts";
import type { Pause } from "../editor/pause.ts";
import { SCHEMES } from "../editor/selector.ts";
import type { LanguageServer } from "../server/language-client.ts";

const COMPLETE: (typeof COMMANDS)["completeText"] = "spanfill.completeText";

/** Suggests in comments; in code nothing is done, and the server is not even started. */
export function suggestInComments(server: () => Promise<LanguageServer>, pause: Pause): Disposable {
  const selector = Object.keys(COMMENTED_LANGUAGES).flatMap((language) =>
    SCHEMES.map((scheme) => ({ language, scheme })),
  );
  return languages.registerInlineCompletionItemProvider(selector, {
    async provideInlineCompletionItems(document, position, { triggerKind, selectedCompletionInfo }, token) {
      const explicit = triggerKind === InlineCompletionTriggerKind.Invoke;
      const enabled = workspace.getConfiguration("spanfill.inlineCompletion", document).get<boolean>("comments");
      if (selectedCompletionInfo !== undefined || (!explicit && (pause.paused || !enabled))) return [];
      const comment = commentAt(document.getText(), document.offsetAt(position), document.languageId);
      if (comment === undefined) return [];
      const argument: CompleteTextArguments = { uri: document.uri.toString(), ...comment, explicit };
      const made = await (await server()).execute<CompleteTextResult>(COMPLETE, argument, {
        token,
        report: () => undefined,
      });
      return made.items.map((text) => new InlineCompletionItem(text, new Range(position, position)));
    },
  });
}
