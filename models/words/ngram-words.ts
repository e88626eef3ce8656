/** A text as the words that n-grams count. */

/** The word at the beginning of each paragraph, list item and heading. */
export const PARAGRAPH = "\n\n";

/**
 * Words, numbers and single marks; a paragraph break, or a line break before the mark of a list item, heading or
 * quotation together with that mark, is PARAGRAPH. Of a number of several digits only the length counts; backticks,
 * asterisks and underscores are passed over.
 */
export function ngramWords(text: string): string[] {
  return text.match(WORD)?.map(shapeOf) ?? [];
}

/** The last words of a text before a gap, and the first ones of a text after it, as many as n-grams look at. */
export function lastWords(text: string): string[] {
  const words = ngramWords(text.length < REACH ? `${PARAGRAPH}${text}` : text.slice(-REACH));
  return words.slice(-NEIGHBORS);
}

/** @see lastWords */
export function firstWords(text: string): string[] {
  const words = ngramWords(text.length < REACH ? `${text}${PARAGRAPH}` : text.slice(0, REACH));
  return words.slice(0, NEIGHBORS);
}

const MARK = String.raw`(?:[-*+>]|#{1,6}|\p{N}{1,3}[.)])`;
const WORD = new RegExp(
  String.raw`\p{L}+(?:['’]\p{L}+)*|\p{N}+|\n\s*(?:${MARK}[ \t]+)+|\n\s*\n|[^\s\p{L}\p{N}_${"`"}*]`,
  "gu",
);
const REACH = 200;
const NEIGHBORS = 3;

function shapeOf(word: string): string {
  if (word.startsWith("\n")) return PARAGRAPH;
  return word.length > 1 && /^\p{N}/u.test(word) ? "0".repeat(Math.min(word.length, 5)) : word;
}
