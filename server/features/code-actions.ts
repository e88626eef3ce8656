/** Says what Spanfill could do with a selected part of a document, without asking the model. */
import { COMMANDS } from "../../protocol/requests.ts";
import type { Settings } from "../../protocol/settings.ts";
import { gapsIn } from "./fill-gaps.ts";

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
  readonly command: typeof COMMANDS.summarizeRange | typeof COMMANDS.fillGaps | typeof COMMANDS.rephrase;
  readonly start: number;
  readonly end: number;
}

/** The kinds of offers, for the server's capabilities. */
export const OFFER_KINDS = [
  "refactor.rewrite.spanfill.fillGaps",
  "refactor.extract.spanfill.summarize",
  "refactor.rewrite.spanfill.rephrase",
] as const;

/** Fill the gaps of the selection, or of the cursor's line; summarise or rephrase the selection. Reads no more than that. */
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
  return offers;
}

/** Words beyond which a selection is rather a text than a phrase. */
const MOST_REPHRASED = 20;

function lineOf(text: string, offset: number): CodeActionParams {
  const end = text.indexOf("\n", offset);
  return { text, start: text.lastIndexOf("\n", offset - 1) + 1, end: end < 0 ? text.length : end };
}
