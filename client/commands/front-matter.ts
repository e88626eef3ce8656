/** Writes fields of a document's front matter that a model proposes and a person decides on. */
import { l10n } from "vscode";
import { defined } from "../../base/defined.ts";
import type { WriteFieldArguments } from "../../protocol/commands/writing.ts";
import { warn } from "../editor/messages.ts";
import { askFor } from "../editor/picks.ts";
import type { LanguageServer } from "../server/language-client.ts";
import { replaceRanges } from "./edits.ts";
import { answered, proseEditor } from "./prose-editor.ts";

/** Proposes a field of the active document's front matter; a person may change it before it is written. */
export async function writeField(
  server: LanguageServer,
  field: WriteFieldArguments["field"],
  title: string,
): Promise<void> {
  const editor = proseEditor();
  if (editor === undefined) return;
  const { document } = editor;
  const { version } = document;
  const ask = (value: string | undefined) =>
    answered(title, async (options) => {
      const { code2ProtocolConverter: to, protocol2CodeConverter: from } = await server.ready();
      const argument = { uri: to.asUri(document.uri), version, field, ...defined({ value }) };
      const result = await server.execute("writeField", argument, options);
      return { ...result, range: from.asRange(result.range) };
    });
  const proposed = await ask(undefined);
  if (proposed === undefined) return;
  const value = await askFor({ title, value: proposed.value, prompt: proposed.notes.join("; ") });
  if (value === undefined || value.trim() === "") return;
  const edit = await ask(value);
  if (edit === undefined) return;
  const problem = await replaceRanges(document, version, [{ range: edit.range, text: edit.newText }]);
  if (problem !== undefined) warn(l10n.t("Spanfill wrote nothing: {0}", problem));
}
