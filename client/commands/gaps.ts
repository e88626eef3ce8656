/** Fills gaps: all at once, or one by one in VS Code's preview of refactorings. */
import {
  extensions,
  l10n,
  type Range,
  type TextDocument,
  Uri,
  WorkspaceEdit,
  type WorkspaceEditEntryMetadata,
  workspace,
} from "vscode";
import { defined } from "../../base/defined.ts";
import { labelText } from "../../protocol/shown-text.ts";
import { warn } from "../editor/messages.ts";
import { inform, remark } from "../editor/notices.ts";
import type { LanguageServer } from "../server/language-client.ts";
import { hasChanged, replaceRanges } from "./edits.ts";
import { answered } from "./prose-editor.ts";

const SAID_MS = 5000;

/** Fills the gaps in parts of a document, everywhere where there are none, as one edit that one undo takes back. */
export async function fillGapsIn(
  server: LanguageServer,
  document: TextDocument,
  parts: readonly Range[],
): Promise<void> {
  const { version } = document;
  const found = await fillsOf(server, document, parts);
  if (found === undefined) return;
  const { fills, notes } = found;
  const filled = fills.filter(({ text, left }) => text !== "" && !left);
  const problem = await replaceRanges(document, version, filled);
  if (problem !== undefined) warn(l10n.t("Spanfill filled no gap: {0}", problem));
  else tell(filled.length, fills.length, notes);
}

/**
 * Shows what would go into the gaps in VS Code's preview, where each can be left out; those that are likely wrong are
 * not ticked. Nothing is written before a person applies it, and VS Code refuses to when the text has changed
 * meanwhile.
 */
export async function previewGapsIn(
  server: LanguageServer,
  document: TextDocument,
  parts: readonly Range[],
): Promise<void> {
  const { version } = document;
  const found = await fillsOf(server, document, parts);
  if (found === undefined) return;
  const { fills, notes } = found;
  const filled = fills.filter(({ text }) => text !== "");
  if (filled.length === 0) {
    tell(0, fills.length, notes);
    return;
  }
  if (hasChanged(document, version)) {
    warn(l10n.t("Spanfill filled no gap: {0}", l10n.t("the text changed meanwhile. Run the command again.")));
    return;
  }
  const edit = new WorkspaceEdit();
  const opener = previewOpener();
  for (const [i, { range, text, confidence, left }] of filled.entries()) {
    const [line, chance] = [range.start.line + 1, Math.round(100 * confidence)];
    const metadata: WorkspaceEditEntryMetadata = {
      label: left
        ? l10n.t("Gap {0}, line {1} ({2}%, not sure)", i + 1, line, chance)
        : l10n.t("Gap {0}, line {1} ({2}%)", i + 1, line, chance),
      description: labelText(text),
      needsConfirmation: left || opener === undefined,
    };
    edit.replace(document.uri, range, text, metadata);
  }
  opener?.(edit);
  // The preview lists edits only.
  if (notes.length > 0) inform(l10n.t("Spanfill: {0}", notes.join("; ")));
  await workspace.applyEdit(edit);
}

/**
 * Makes an edit open the preview with every gap ticked. VS Code opens it only for what needs confirmation, and leaves
 * that unticked: so what needs it here is a file to be created if there is none, which there is, and VS Code does not
 * list it.
 */
function previewOpener(): ((edit: WorkspaceEdit) => void) | undefined {
  const folder = extensions.getExtension("spanfill.spanfill")?.extensionUri;
  if (folder === undefined) return undefined;
  const metadata = { label: l10n.t("Fill Gaps"), needsConfirmation: true };
  return (edit) => edit.createFile(Uri.joinPath(folder, "package.json"), { ignoreIfExists: true }, metadata);
}

/** The fills, and what to know of them. */
interface Found {
  readonly fills: readonly GapFill[];
  readonly notes: readonly string[];
}

interface GapFill {
  readonly range: Range;
  readonly text: string;
  readonly confidence: number;
  /** Whether the gap stays open unless someone wants the text. */
  readonly left: boolean;
}

/** @param parts where to fill; nowhere: everywhere */
async function fillsOf(
  server: LanguageServer,
  document: TextDocument,
  parts: readonly Range[],
): Promise<Found | undefined> {
  const { version } = document;
  const all = parts.slice(1).reduce<Range | undefined>((sum, part) => sum?.union(part), parts[0]);
  const found = await answered(l10n.t("Filling gaps"), async (options) => {
    const { code2ProtocolConverter: to, protocol2CodeConverter: from } = await server.ready();
    const argument = { uri: to.asUri(document.uri), version, ...defined({ range: all && to.asRange(all) }) };
    const { fills, notes } = await server.execute("fillGaps", argument, options);
    return { fills: fills.map((fill) => ({ ...fill, range: from.asRange(fill.range) })), notes };
  });
  if (found === undefined || parts.length < 2) return found;
  return { ...found, fills: found.fills.filter(({ range }) => parts.some((part) => part.contains(range))) };
}

function tell(filled: number, wanted: number, notes: readonly string[]): void {
  if (filled < wanted) {
    const text = l10n.t(
      "Spanfill filled {0} of {1} gaps; for the others no text is likely right. More text around a gap helps, and the preview shows what was thought of.",
      filled,
      wanted,
    );
    warn([text.replace(/\.$/, ""), ...notes].join("; "));
    return;
  }
  const text = filled === 1 ? l10n.t("Spanfill: 1 gap filled") : l10n.t("Spanfill: {0} gaps filled", filled);
  if (notes.length > 0) inform([text, ...notes].join("; "));
  else remark(text, SAID_MS);
}
