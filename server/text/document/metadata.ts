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

/** Where the value of a field stands in metadata; undefined without the field. */
export function valueIn(metadata: string, key: string): { readonly start: number; readonly end: number } | undefined {
  const field = new RegExp(`^${key}[ \\t]*:[ \\t]*([^\\r\\n]*(?:\\r?\\n[ \\t]+\\S[^\\r\\n]*)*)`, "dim").exec(metadata);
  const [start, end] = field?.indices?.[1] ?? [];
  return start === undefined || end === undefined ? undefined : { start, end };
}

/** The title that metadata has; empty without one. */
export function titleIn(metadata: string): string {
  const { start = 0, end = 0 } = valueIn(metadata, "title") ?? {};
  return metadata.slice(start, end).replace(/\s+/g, " ").trim();
}
