/** Preserves lines and indentation: the built-in models' vocabularies have pieces for them, T5's own does not. */

/**
 * Text as in the built-in models' training: LF for CRLF, and a space before a line's first word, so that it has the
 * same piece as elsewhere.
 * @see model_text, models/recipes/prepare.py
 */
export function toModelText(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(/\n(?=[^\n])/g, "\n ");
}

/** The text from which toModelText produced `text` (with LF for CRLF). */
export function fromModelText(text: string): string {
  return text.replaceAll("\n ", "\n");
}

/** `text` on one line, each run of white space replaced by a space, for vocabularies without layout. */
export function singleLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
