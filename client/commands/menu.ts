/** The entries of *More...*: every command of the palette, so that none is left out. */
import { extensions, l10n } from "vscode";
import type { Choice } from "../editor/picks.ts";

/** An entry, and the command that it runs. */
export interface MenuItem extends Choice {
  readonly command: string;
  readonly given: readonly string[];
}

/** The commands that package.json declares, in its order and by VS Code in the reader's language, and the settings. */
export function menuItems(paused: boolean): MenuItem[] {
  const manifest = extensions.getExtension("spanfill.spanfill")?.packageJSON;
  const declared: readonly { readonly command: string; readonly title: Title }[] = manifest.contributes.commands;
  const pause = paused
    ? { icon: "play", label: l10n.t("Resume Suggestions") }
    : { icon: "debug-pause", label: l10n.t("Pause Suggestions") };
  const settings = { icon: "gear", label: l10n.t("Settings"), command: "workbench.action.openSettings" };
  return [
    { ...pause, command: PAUSE, given: [] },
    ...declared
      .filter(({ command }) => command !== PAUSE && command !== "spanfill.showMenu")
      .map(({ command, title }) => ({
        icon: ICONS[command] ?? "sparkle",
        label: shownTitle(title),
        command,
        given: [],
      })),
    { ...settings, given: ["@ext:spanfill.spanfill"] },
  ];
}

/** A title as VS Code gives it: text in English, and in a display language the translation beside the original. */
type Title = string | { readonly value: string; readonly original: string };

function shownTitle(title: Title): string {
  return typeof title === "string" ? title : title.value;
}

const PAUSE = "spanfill.pauseSuggestions";

const ICONS: Readonly<Record<string, string>> = {
  "spanfill.summarizeSelection": "list-selection",
  "spanfill.summarizeFile": "list-flat",
  "spanfill.summarizeThisFolder": "folder",
  "spanfill.fillGapsInSelection": "edit-sparkle",
  "spanfill.fillGapsWithPreview": "diff",
  "spanfill.continueAtCursor": "text-size",
  "spanfill.rephraseSelection": "replace-all",
  "spanfill.askSelection": "comment-discussion",
  "spanfill.nextAnswer": "arrow-down",
  "spanfill.previousAnswer": "arrow-up",
  "spanfill.classifySelection": "tag",
  "spanfill.writeTitle": "edit",
  "spanfill.writeDescription": "note",
  "spanfill.explainSuggestionHere": "question",
  "spanfill.openPanel": "table",
  "spanfill.chooseModel": "symbol-misc",
  "spanfill.fineTune": "mortar-board",
  "spanfill.showRuns": "graph",
  "spanfill.freeMemory": "trash",
  "spanfill.forgetAllSummaries": "clear-all",
  "spanfill.restart": "refresh",
  "spanfill.showLog": "output",
  "spanfill.copySummary": "copy",
  "spanfill.insertSummary": "insert",
  "spanfill.insertSummaryAsComment": "quote",
  "spanfill.replaceWithSummary": "replace",
  "spanfill.openSample": "file",
};
