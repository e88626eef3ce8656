/** Offers what Spanfill can do with a part of a document, without running the model. */
import { english, type Translate } from "../../base/translate.ts";
import type { CommandName } from "../../protocol/commands.ts";
import type { Settings } from "../../protocol/settings.ts";
import { gapsOf, MOST_GAPS } from "../features/write/gaps.ts";
import type { WrittenDocument } from "../text/reading.ts";

/** A document and its selection; start equals end for a cursor. Offsets in UTF-16 units. */
export interface CodeActionParams {
  readonly document: WrittenDocument;
  readonly start: number;
  readonly end: number;
}

/** An action for a part of the document. */
export interface Offer {
  readonly title: string;
  /** The LSP kind: names separated by dots, from general to specific. */
  readonly kind: string;
  readonly command: Extract<CommandName, "summarizeRange" | "fillGaps" | "rephrase" | "classifyRange">;
  readonly start: number;
  readonly end: number;
}

/** The kinds of offers, for the server's capabilities. */
export const OFFER_KINDS = [
  "refactor.rewrite.spanfill.fillGaps",
  "refactor.extract.spanfill.summarize",
  "refactor.rewrite.spanfill.rephrase",
  "refactor.extract.spanfill.classify",
  "source.spanfill.continue",
  "source.spanfill.writeTitle",
  "source.spanfill.writeDescription",
] as const;

/** An action at a cursor, for editors that have no other way to trigger it; `argument` is added to the document's. */
export interface CursorOffer {
  readonly title: string;
  readonly kind: (typeof OFFER_KINDS)[4 | 5 | 6];
  readonly command: Extract<CommandName, "continueHere" | "writeField">;
  readonly argument: { readonly field?: "title" | "description" };
}

/** Languages whose front matter has a title and a description; package.json's palette lists them, too. */
const WITH_FRONT_MATTER = new Set(["markdown", "quarto", "mdx", "rmd", "markdoc"]);

/**
 * Offers to continue at the cursor and to write front matter. Source actions, which VS Code shows in a separate menu
 * and not at every cursor.
 */
export function cursorActions(languageId: string, t: Translate = english): CursorOffer[] {
  const [, , , , continueKind, title, description] = OFFER_KINDS;
  const command = "writeField";
  const offers: CursorOffer[] = [
    { title: t("Continue here"), kind: continueKind, command: "continueHere", argument: {} },
  ];
  if (WITH_FRONT_MATTER.has(languageId)) {
    offers.push({ title: t("Write title"), kind: title, command, argument: { field: "title" } });
    offers.push({ title: t("Write description"), kind: description, command, argument: { field: "description" } });
  }
  return offers;
}

/**
 * Offers to fill the gaps of the selection or of the cursor's line; to summarize or rephrase the selection; and to
 * classify it if a model was chosen for that. Reads nothing else.
 */
export async function codeActions(
  { settings, t = english }: { readonly settings: Settings; readonly t?: Translate },
  { document, start, end }: CodeActionParams,
): Promise<Offer[]> {
  const { text } = document;
  const offers: Offer[] = [];
  const part = start < end ? { start, end } : lineOf(text, start);
  const found = await gapsOf(document, settings.gapMarker, { part, text, most: MOST_GAPS });
  const gaps = found.gaps.length;
  if (gaps > 0) {
    const title = gaps === 1 ? t("Fill gap") : t("Fill gaps ({0})", found.isMore ? `${gaps}+` : gaps);
    offers.push({ title, kind: OFFER_KINDS[0], command: "fillGaps", start: part.start, end: part.end });
  }
  if (text.slice(start, end).trim() !== "") {
    offers.push({ title: t("Summarize selection"), kind: OFFER_KINDS[1], command: "summarizeRange", start, end });
  }
  const words = text
    .slice(start, end)
    .split(/\s+/)
    .filter((word) => word !== "").length;
  if (gaps === 0 && words > 0 && words <= MOST_REPHRASED) {
    offers.push({ title: t("Rephrase selection"), kind: OFFER_KINDS[2], command: "rephrase", start, end });
  }
  if (settings["models.classify"] !== "" && words > 0) {
    offers.push({ title: t("Classify selection"), kind: OFFER_KINDS[3], command: "classifyRange", start, end });
  }
  return offers;
}

/** Maximum number of words that count as a phrase. */
const MOST_REPHRASED = 20;

function lineOf(text: string, offset: number): { readonly start: number; readonly end: number } {
  const end = text.indexOf("\n", offset);
  return { start: text.lastIndexOf("\n", offset - 1) + 1, end: end < 0 ? text.length : end };
}
