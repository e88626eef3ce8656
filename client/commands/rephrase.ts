/** Offers other words for a part of a text: each is shown where it would stand, and only the chosen one is written. */
import {
  l10n,
  type Range,
  type TextEditor,
  type TextEditorDecorationType,
  TextEditorRevealType,
  ThemeColor,
  window,
} from "vscode";
import { labelText } from "../../protocol/shown-text.ts";
import { warn } from "../editor/messages.ts";
import { inform } from "../editor/notices.ts";
import { type Choice, createPick } from "../editor/picks.ts";
import type { LanguageServer } from "../server/language-client.ts";
import { hasChanged, replaceRanges } from "./edits.ts";
import { answered } from "./prose-editor.ts";

/** Less likely words are noise. */
const LEAST_SHOWN = 0.01;
/** Lines at the top of an editor that the list hides. */
const HIDDEN_LINES = 8;

/** Offers other words for a part of a text; the chosen ones replace it, and one undo brings it back. */
export async function offerOtherWords(server: LanguageServer, editor: TextEditor, part: Range): Promise<void> {
  const { document } = editor;
  const { version } = document;
  const made = await answered(l10n.t("Looking for other words"), async (options) => {
    const { code2ProtocolConverter: to, protocol2CodeConverter: from } = await server.ready();
    const argument = { uri: to.asUri(document.uri), version, range: to.asRange(part) };
    const result = await server.execute("rephrase", argument, options);
    return { ...result, range: from.asRange(result.range) };
  });
  if (made === undefined) return;
  if (hasChanged(document, version)) {
    warn(l10n.t("Spanfill: the text changed meanwhile. Run the command again."));
    return;
  }
  const isWord = /^\S+$/.test(document.getText(made.range));
  const alternatives = made.alternatives.filter(({ confidence }) => !isWord || confidence >= LEAST_SHOWN);
  if (alternatives.length === 0) {
    inform(l10n.t("Spanfill: the model knows no other words for this."));
    return;
  }
  const note = l10n.t("{0}; nothing is written until you choose", made.model);
  const chosen = await pickAlternative(editor, made.range, alternatives, note);
  if (chosen === undefined) return;
  const problem = await replaceRanges(document, version, [{ range: made.range, text: chosen.text }]);
  if (problem !== undefined) warn(l10n.t("Spanfill replaced nothing: {0}", problem));
}

/** An alternative and how sure the model is of it. */
interface Alternative {
  readonly text: string;
  /** 0 to 1. */
  readonly confidence: number;
}

/** Lets a person choose among alternatives for a range. @returns undefined when none was chosen */
async function pickAlternative(
  editor: TextEditor,
  range: Range,
  alternatives: readonly Alternative[],
  note: string,
): Promise<Alternative | undefined> {
  const pick = createPick<Choice & { readonly alternative: Alternative }>({
    title: l10n.t("Rephrase"),
    placeHolder: note,
  });
  const preview = previewIn(editor, range);
  pick.offer(
    alternatives.map((alternative) => ({
      label: alternative.text.replaceAll(/(?<!\s)\s*\n\s*/g, " ⏎ "),
      description: l10n.t("{0}%", Math.round(100 * alternative.confidence)),
      alternative,
    })),
  );
  try {
    return await new Promise((resolve) => {
      pick.onActive((active) => preview.show(active?.alternative.text));
      pick.onAccept(() => resolve(pick.active?.alternative));
      pick.onHide(() => resolve(undefined));
      pick.show();
    });
  } finally {
    pick.dispose();
    preview.dispose();
  }
}

interface Preview {
  show(text: string | undefined): void;
  dispose(): void;
}

/**
 * Shows text in a range's place without writing it: what stands there fades, and the text follows it like ghost text.
 */
function previewIn(editor: TextEditor, range: Range): Preview {
  let shown: TextEditorDecorationType | undefined;
  const top = editor.visibleRanges[0]?.start.line ?? 0;
  const hidden = range.start.line < top + HIDDEN_LINES;
  editor.revealRange(range, hidden ? TextEditorRevealType.InCenter : TextEditorRevealType.Default);
  return {
    show(text) {
      shown?.dispose();
      shown = undefined;
      if (text === undefined) return;
      shown = window.createTextEditorDecorationType({
        opacity: "0.5",
        textDecoration: "line-through",
        after: {
          // A decoration is one line, and blanks at its ends are dropped.
          contentText: `\u00a0${labelText(text.replaceAll(/(?<!\s)\s*\n\s*/g, " ⏎ "))}`,
          // Ghost text does not have a separate color in high contrast.
          color: new ThemeColor("descriptionForeground"),
          fontStyle: "italic",
        },
      });
      editor.setDecorations(shown, [range]);
    },
    dispose: () => shown?.dispose(),
  };
}
