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
const UNDER_WAY = /(?<![\p{L}\p{M}\p{N}_]['’-]?)\p{L}[\p{L}\p{M}\p{N}_]*(?:['’-][\p{L}\p{M}\p{N}_]+)*['’-]?$/u;
/** Characters that may precede a word. */
const BORDER = /(?:^|[\s([{"'“‘«*_~—–>])$/u;

/** The paragraph around a place, and some more where it is short: what changes elsewhere hardly changes its words. */
export function paragraphAround(before: string, after: string): Pick<WordPlace, "before" | "after"> {
  const start = before.lastIndexOf("\n\n", before.length - LEAST_AROUND);
  const end = after.indexOf("\n\n");
  return {
    before: before.slice(Math.max(start, before.length - MOST_AROUND, 0)),
    after: after.slice(0, end < 0 ? MOST_AROUND : Math.min(MOST_AROUND, Math.max(LEAST_AROUND, end))),
  };
}

/** Characters on each side, at least and at most. */
const LEAST_AROUND = 100;
const MOST_AROUND = 2000;
