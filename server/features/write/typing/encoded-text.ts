/**
 * Chooses how much of the text before a place the encoder reads. The words typed since are given to the decoder, so
 * that one run of the encoder serves many words.
 */
import { LRUCache } from "lru-cache";
import { paragraphAround, type WordPlace } from "./word-place.ts";

/** The text before a place, as the model reads it. */
export interface ModelText {
  /** The encoder's part. */
  readonly before: string;
  /** The words after it, which the decoder is given. */
  readonly given: string;
}

/** Recent encoder states, by document. */
export interface EncodedTexts {
  /** The text before a place: what has been encoded as far as possible. */
  at(document: string, place: Around): ModelText;
  /** A text to encode in idle time, if the words since the last one have become many. */
  next(document: string, place: Around): string | undefined;
  /** Notes that a text before a place was encoded. */
  encoded(document: string, place: Around, before: string): void;
}

type Around = Pick<WordPlace, "before" | "after">;

/** Creates the memory of nothing. */
export function createEncodedTexts(): EncodedTexts {
  const documents = new LRUCache<string, Encoded[]>({ max: MOST_DOCUMENTS });
  const note: EncodedTexts["encoded"] = (document, { after }, before) => {
    const texts = documents.get(document) ?? [];
    documents.set(document, [{ before, around: paragraphAround(before, after) }, ...texts].slice(0, MOST_TEXTS));
  };
  /** The longest encoded text from which few words lead to a place, and those words. */
  const longest = (document: string, { before, after }: Around): ModelText | undefined => {
    let best: ModelText | undefined;
    for (const encoded of documents.get(document) ?? []) {
      const from = encoded.before.length;
      if (from > before.length || from <= (best?.before.length ?? -1)) continue;
      const given = before.slice(from);
      if (given.length > MOST_CHARACTERS || NEW_BLOCK.test(given) || wordsOf(given) > MOST_GIVEN) continue;
      const around = paragraphAround(before.slice(0, from), after);
      if (around.before === encoded.around.before && around.after === encoded.around.after)
        best = { before: encoded.before, given: given.replace(/\s+/g, " ").trim() };
    }
    return best;
  };
  return {
    at(document, place) {
      const known = longest(document, place);
      if (known !== undefined) return known;
      const before = heldBack(place.before);
      note(document, place, before);
      return { before, given: place.before.slice(before.length).replace(/\s+/g, " ").trim() };
    },
    next(document, place) {
      const known = longest(document, place);
      return known === undefined || wordsOf(known.given) < MANY_GIVEN ? undefined : heldBack(place.before);
    },
    encoded: note,
  };
}

interface Encoded {
  readonly before: string;
  readonly around: ReturnType<typeof paragraphAround>;
}

const MOST_DOCUMENTS = 8;
const MOST_TEXTS = 4;
/** Words and characters that are given to the decoder at most; from the lesser number on, the next text is encoded. */
const MOST_GIVEN = 14;
const MANY_GIVEN = 8;
const MOST_CHARACTERS = 200;
/** Words that are not encoded at once: the model predicts a word better with two to four of those before it given. */
const HELD_BACK = 3;
const LAST_WORDS = new RegExp(String.raw`(?:(?<=\s)[\p{L}\p{N}]\S*\s+){1,${HELD_BACK}}$`, "u");
/** A blank line, or a line that does not go on with words. */
const NEW_BLOCK = /\n[^\S\n]*(?:\n|[^\p{L}\p{N}\s])/u;

function wordsOf(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

/** A text without its last words, as far as they stand on one line. */
function heldBack(before: string): string {
  const near = before.slice(-MOST_CHARACTERS);
  const held = LAST_WORDS.exec(near.slice(near.lastIndexOf("\n") + 1));
  return held === null ? before : before.slice(0, before.length - held[0].length);
}
