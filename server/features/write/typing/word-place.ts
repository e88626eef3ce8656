/** Finds the word that is being typed. */

/** A place where a word is begun or under way. */
export interface WordPlace {
  /** The text before the word. */
  readonly before: string;
  /** The letters that stand before the cursor already; empty if the word is not begun. */
  readonly typed: string;
  /** The text after the cursor. */
  readonly after: string;
}

/** The word that ends at an offset, or could begin there; undefined where no word can: in one, in a name or address. */
export function wordPlaceAt(text: string, offset: number): WordPlace | undefined {
  const near = text.slice(Math.max(0, offset - MOST_LETTERS), offset);
  const [typed = ""] = UNDER_WAY.exec(near) ?? [];
  const before = text.slice(0, offset - typed.length);
  const after = text.slice(offset);
  if (/^[\p{L}\p{M}\p{N}_]/u.test(after) && typed !== "") return undefined;
  return typed.length < MOST_LETTERS && BORDER.test(before.slice(-2)) ? { before, typed, after } : undefined;
}

const MOST_LETTERS = 60;
const UNDER_WAY = /\p{L}[\p{L}\p{M}\p{N}_]*(?:['’-][\p{L}\p{M}\p{N}_]+)*['’-]?$/u;
/** What may precede a word. */
const BORDER = /(?:^|[\s([{"'“‘«*_~—–>])$/u;
