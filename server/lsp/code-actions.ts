/** Says what Spanfill could do with a selected part of a document, without asking the model. */
import { COMMANDS } from "../../protocol/requests.ts";
import type { Settings } from "../../protocol/settings.ts";
import { gapsIn } from "../features/write/fill-gaps.ts";

/** A document and what is selected; start equals end for a cursor. Offsets in UTF-16 units. */
export interface CodeActionParams {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Something that could be done with a part of the document. */
export interface Offer {
  readonly title: string;
  /** As in LSP: names with dots, from the general to the special. */
  readonly kind: string;
  readonly command:
    | typeof COMMANDS.summarizeRange
    | typeof COMMANDS.fillGaps
    | typeof COMMANDS.rephrase
    | typeof COMMANDS.classify;
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

/** Something that could be done at a cursor, for editors that have no other way to it; `argument` besides the document's. */
export interface CursorOffer {
  readonly title: string;
  readonly kind: (typeof OFFER_KINDS)[4 | 5 | 6];
  readonly command: typeof COMMANDS.completeHere | typeof COMMANDS.writeField;
  readonly argument: { readonly field?: "title" | "description" };
}

/** Go on at the cursor; write front matter. Source actions: VS Code shows those in a menu of their own, and not at every cursor. */
export function cursorActions(languageId: string): CursorOffer[] {
  const [, , , , go, title, description] = OFFER_KINDS;
  const { completeHere, writeField: command } = COMMANDS;
  const offers: CursorOffer[] = [{ title: "Continue here", kind: go, command: completeHere, argument: {} }];
  if (languageId === "markdown" || languageId === "quarto") {
    offers.push({ title: "Write title", kind: title, command, argument: { field: "title" } });
    offers.push({ title: "Write description", kind: description, command, argument: { field: "description" } });
  }
  return offers;
}

/**
 * Fill the gaps of the selection, or of the cursor's line; summarise or rephrase the selection, or classify it where a model was
 * chosen for that. Reads no more than that.
 */
export function codeActions({ settings }: { readonly settings: Settings }, params: CodeActionParams): Offer[] {
  const { text, start, end } = params;
  const offers: Offer[] = [];
  const part = start < end ? params : lineOf(text, start);
  const gaps = gapsIn(part, settings.gapMarker).length;
  if (gaps > 0) {
    const title = gaps === 1 ? "Fill gap" : `Fill gaps (${gaps})`;
    offers.push({ title, kind: OFFER_KINDS[0], command: COMMANDS.fillGaps, start: part.start, end: part.end });
  }
  if (text.slice(start, end).trim() !== "") {
    offers.push({ title: "Summarize selection", kind: OFFER_KINDS[1], command: COMMANDS.summarizeRange, start, end });
  }
  const words = text
    .slice(start, end)
    .split(/\s+/)
    .filter((word) => word !== "").length;
  if (gaps === 0 && words > 0 && words <= MOST_REPHRASED) {
    offers.push({ title: "Rephrase selection", kind: OFFER_KINDS[2], command: COMMANDS.rephrase, start, end });
  }
  if (settings["models.classify"] !== "" && words > 0) {
    offers.push({ title: "Classify selection", kind: OFFER_KINDS[3], command: COMMANDS.classify, start, end });
  }
  return offers;
}

/** Words beyond which a selection is rather a text than a phrase. */
const MOST_REPHRASED = 20;

function lineOf(text: string, offset: number): CodeActionParams {
  const end = text.indexOf("\n", offset);
  return { text, start: text.lastIndexOf("\n", offset - 1) + 1, end: end < 0 ? text.length : end };
}
