/** Keeps lines and indentation across the model: vocabularies of the built-in models spell them, T5's own does not. */

/**
 * Text as the built-in models were trained on it: CRLF is LF, and a line's first word follows a space, so that it has the same
 * piece as anywhere else.
 * @see model_text, models/recipes/prepare.py
 */
export function toModelText(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(/\n(?=[^\n])/g, "\n ");
}

/** The text that toModelText made `text` of (LF for CRLF). */
export function fromModelText(text: string): string {
  return text.replaceAll("\n ", "\n");
}

/** `text` on one line, each run of white space one space: what a vocabulary without layout can say. */
export function singleLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
