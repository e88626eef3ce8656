/** Ghost text in the comments and docstrings of programs, which VS Code does not send to the language server. */
import {
  type Disposable,
  InlineCompletionItem,
  InlineCompletionTriggerKind,
  languages,
  Range,
  workspace,
} from "vscode";
import { commentAt } from "../../programs/comments.ts";
import { sayNone } from "../editor/notices.ts";
import type { Pause } from "../editor/pause.ts";
import { PROGRAMS } from "../editor/selector.ts";
import type { LanguageServer } from "../server/language-client.ts";

/** Suggests in comments; in code nothing is done, and the server is not even started. */
export function suggestInComments(server: () => Promise<LanguageServer>, pause: Pause): Disposable {
  return languages.registerInlineCompletionItemProvider(PROGRAMS, {
    async provideInlineCompletionItems(document, position, { triggerKind, selectedCompletionInfo }, token) {
      const explicit = triggerKind === InlineCompletionTriggerKind.Invoke;
      const enabled = workspace.getConfiguration("spanfill.inlineCompletion", document).get<boolean>("comments");
      if (selectedCompletionInfo !== undefined || (!explicit && (pause.paused || !enabled))) return [];
      const comment = await commentAt(document.getText(), document.offsetAt(position), document.languageId, document);
      if (comment === undefined) {
        if (explicit) sayNone();
        return [];
      }
      const argument = { uri: document.uri.toString(), ...comment, explicit };
      const options = { token, report: () => undefined };
      const { items } = await (await server()).execute("continueText", argument, options);
      if (explicit && items.length === 0 && !token.isCancellationRequested) sayNone();
      return items.map((text) => new InlineCompletionItem(text, new Range(position, position)));
    },
  });
}
