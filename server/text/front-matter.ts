/** Finds the front matter of a Markdown text. */

/**
 * The YAML between the lines of dashes at a text's beginning, and where the text goes on after it; undefined where
 * there is none.
 */
export function frontMatterOf(text: string): { start: number; end: number; bodyStart: number } | undefined {
  const [opening] = /^\uFEFF?---[ \t]*\r?\n/.exec(text) ?? [];
  if (opening === undefined) return undefined;
  const closing = /^(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/m.exec(text.slice(opening.length));
  if (closing === null) return undefined;
  const end = opening.length + closing.index;
  return { start: opening.length, end, bodyStart: end + closing[0].length };
}
