/** Finds the lines of metadata that some texts begin with: Pelican's, MultiMarkdown's, Python's proposals'. */
import { type Block, plainBlock } from "./block.ts";

/** Longer beginnings are not looked at. */
const MOST_UNITS = 8000;

/** Fields below each other, of which the first is one that documents have. */
const METADATA =
  /^(?=(?:title|pep|authors?|date|category|layout|slug|status|template)[ \t]*:)(?:[a-z][\w -]{0,30}:(?:[ \t].*)?\n(?:[ \t]+\S.*\n)*){2,60}(?=\s*(?:\n|$))/i;

/** The metadata that a normalized text begins with, up to a blank line; undefined where there is none. */
export function metadataOf(text: string): Block | undefined {
  const found = METADATA.exec(`${text.slice(0, MOST_UNITS)}\n`)?.[0];
  return found === undefined ? undefined : plainBlock("directive", 0, found.length - 1, { name: "metadata" });
}

/** The title that metadata has; empty without one. */
export function titleIn(metadata: string): string {
  return /^title[ \t]*:[ \t]*(.*)$/im.exec(metadata)?.[1]?.trim() ?? "";
}
