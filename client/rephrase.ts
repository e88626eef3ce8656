/** Offers other words for a part of a text: each is shown where it would stand, and only the chosen one is written. */
import {
  l10n,
  type QuickPickItem,
  type Range,
  type TextEditor,
  type TextEditorDecorationType,
  ThemeColor,
  window,
} from "vscode";

/** An alternative and how sure the model is of it. */
export interface Alternative {
  readonly text: string;
  /** 0 to 1. */
  readonly confidence: number;
}

/** Lets a person choose among alternatives for a range. @returns undefined when none was chosen */
export async function pickAlternative(
  editor: TextEditor,
  range: Range,
  alternatives: readonly Alternative[],
  note: string,
): Promise<Alternative | undefined> {
  const pick = window.createQuickPick<QuickPickItem & { readonly alternative: Alternative }>();
  const preview = previewIn(editor, range);
  pick.title = l10n.t("Rephrase");
  pick.placeholder = note;
  pick.items = alternatives.map((alternative) => ({
    label: alternative.text.replaceAll(/\s*\n\s*/g, " ⏎ "),
    description: l10n.t("{0}%", Math.round(100 * alternative.confidence)),
    alternative,
  }));
  try {
    return await new Promise((resolve) => {
      pick.onDidChangeActive(([active]) => preview.show(active?.alternative.text));
      pick.onDidAccept(() => resolve(pick.activeItems[0]?.alternative));
      pick.onDidHide(() => resolve(undefined));
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

/** Shows text in a range's place without writing it: what stands there fades, and the text follows it like ghost text. */
function previewIn(editor: TextEditor, range: Range): Preview {
  let shown: TextEditorDecorationType | undefined;
  editor.revealRange(range);
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
          contentText: `\u00a0${text.replaceAll(/\s*\n\s*/g, " ⏎ ")}`,
          // Ghost text has no colour of its own in high contrast.
          color: new ThemeColor("descriptionForeground"),
          fontStyle: "italic",
        },
      });
      editor.setDecorations(shown, [range]);
    },
    dispose: () => shown?.dispose(),
  };
}
