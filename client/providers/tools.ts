/** Offers the model to chat agents in VS Code as tools, each use of which a person confirms. */
import {
  type Disposable,
  LanguageModelTextPart,
  type LanguageModelTool,
  LanguageModelToolResult,
  l10n,
  lm,
} from "vscode";
import type { CommandName, Commands } from "../../protocol/commands.ts";
import type { FillGapsInTextInput, SummarizeTextInput } from "../../protocol/tools.ts";
import type { LanguageServer } from "../server/language-client.ts";

/** Registers the tools of package.json. @param server starts the language server when a tool is first used */
export function registerTools(server: () => Promise<LanguageServer>): Disposable[] {
  const run = async <Name extends CommandName>(
    name: Name,
    input: Commands[Name]["arguments"],
    token: Parameters<LanguageModelTool<object>["invoke"]>[1],
  ) => (await server()).execute(name, input, { token, report: () => undefined });
  const confirm = (title: string, text: string) => ({
    invocationMessage: title,
    confirmationMessages: {
      title,
      message: l10n.t("On this machine, with {0} characters of text: nothing is sent anywhere.", text.length),
    },
  });
  return [
    lm.registerTool<SummarizeTextInput>("spanfill_summarize_text", {
      prepareInvocation: ({ input }) => confirm(l10n.t("Summarize with Spanfill"), input.text),
      invoke: async ({ input }, token) => {
        const { summary, notes } = await run("summarizeText", input, token);
        return result(`${summary}\n\n(${notes.join("; ")})`);
      },
    }),
    lm.registerTool<FillGapsInTextInput>("spanfill_fill_gaps_in_text", {
      prepareInvocation: ({ input }) => confirm(l10n.t("Fill gaps with Spanfill"), input.text),
      invoke: async ({ input }, token) => result((await run("fillGapsInText", input, token)).text),
    }),
  ];
}

function result(text: string): LanguageModelToolResult {
  return new LanguageModelToolResult([new LanguageModelTextPart(text)]);
}
