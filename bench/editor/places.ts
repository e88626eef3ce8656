/** Positions in real prose where a person might be writing, and the key that they press there. */
import { seededRandom } from "../../models/random.ts";
import { readDocuments } from "../support/kept-out.ts";

/** A document in the middle of being written. */
export interface Place {
  /** The text up to a line's end, as if the rest were yet to be written. */
  readonly text: string;
  /** The cursor, in UTF-16 units: the end of a line. */
  readonly offset: number;
  /** A letter that ends a word, or the space after it. */
  readonly key: string;
}

/** Seeded places, each in a separate document as far as there are enough: repositories that training never saw. */
export function drawPlaces(count: number): Place[] {
  const random = seededRandom(5);
  const draw = (below: number) => Math.floor(random() * below);
  const documents = readDocuments().flatMap(({ text }) => {
    const ends = wordEnds(text);
    return ends.length === 0 ? [] : [{ text, ends }];
  });
  for (let i = documents.length - 1; i > 0; i--) {
    const j = draw(i + 1);
    const [a, b] = [documents[i], documents[j]];
    if (a !== undefined && b !== undefined) [documents[i], documents[j]] = [b, a];
  }
  return Array.from({ length: count }, (_, i) => {
    const { text, ends } = documents[i % documents.length] ?? { text: "", ends: [] };
    const end = ends[draw(ends.length)] ?? 0;
    const offset = i % 2 === 0 ? end : end - 1;
    const newline = text.indexOf("\n", offset);
    return {
      text: text.slice(0, offset) + (newline < 0 ? "" : text.slice(newline)),
      offset,
      key: text.charAt(offset),
    };
  });
}

/** Where words end that have one word of their line at least before them, and one after. */
function wordEnds(text: string): number[] {
  return Array.from(text.matchAll(/^\p{Lu}\p{Ll}* .*$/gmu)).flatMap(({ 0: line, index: start }) =>
    Array.from(line.matchAll(/ \p{Ll}*[a-z](?= \p{Ll})/gu), ({ 0: word, index }) => start + index + word.length),
  );
}
