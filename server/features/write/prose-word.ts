/**
 * Finds the word of prose at a place: nothing in code, links, addresses, formulas or markup, whose words are not the
 * writer's to exchange.
 */
import { COMMENTED_LANGUAGES } from "../../../protocol/comments.ts";
import type { Prose } from "../../text/document.ts";
import { placeOf } from "../../text/place.ts";
import type { WrittenDocument } from "../../text/reading.ts";

/**
 * The word at an offset, in UTF-16 units; undefined where there is none, or none of prose.
 * @param text the document's text when the question was asked, if it may have changed since
 */
export async function proseWordAt(
  document: WrittenDocument,
  offset: number,
  text = document.text,
): Promise<{ readonly start: number; readonly end: number } | undefined> {
  if (Object.hasOwn(COMMENTED_LANGUAGES, document.languageId)) return undefined;
  const place = await placeOf(document, offset, text);
  if (!place.isProse || place.prose === undefined) return undefined;
  return wordIn(place.prose, text, offset);
}

/** The word of a paragraph at an offset of the source, if it stands there as a reader sees it. */
function wordIn(prose: Prose, text: string, offset: number): { start: number; end: number } | undefined {
  // The first character that is not before the place; the word may end there.
  const at = lowerBound(prose.starts, offset);
  const from = Math.max(0, at - MOST_AROUND);
  const near = prose.text.slice(from, at + MOST_AROUND);
  for (const { index, 0: word } of near.matchAll(WORD)) {
    const first = from + index;
    const last = first + word.length - 1;
    const [start, end] = [prose.starts[first] ?? 0, prose.ends[last] ?? 0];
    if (offset < start || offset > end) continue;
    const isMarked = prose.runs.some((run) => run.kind !== "emphasis" && run.start < end && start < run.end);
    return isMarked || text.slice(start, end) !== word || isSymbol(prose.text, first, last + 1)
      ? undefined
      : { start, end };
  }
  return undefined;
}

function lowerBound(sorted: Uint32Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A word of letters, with apostrophes and hyphens inside. */
const WORD = /(?<![\p{L}\p{M}\p{N}_])\p{L}[\p{L}\p{M}]*(?:['’-][\p{L}\p{M}]+)*(?![\p{L}\p{M}\p{N}_])/gu;

const MOST_AROUND = 200;

/** Whether what stands around a word makes it a part of an address, a path or a name. */
function isSymbol(text: string, start: number, end: number): boolean {
  let [from, to] = [start, end];
  while (from > 0 && start - from < MOST_AROUND && /\S/.test(text.charAt(from - 1))) from -= 1;
  while (to < text.length && to - end < MOST_AROUND && /\S/.test(text.charAt(to))) to += 1;
  const chunk = text.slice(from, to).replace(/^[^\p{L}\p{N}]+|(?<![^\p{L}\p{N}])[^\p{L}\p{N}]+$/gu, "");
  return (
    text[end] === "(" || /[/\\@=<>{}]|\w[.:]\w|\w_\w|::|\d/.test(chunk) || /\p{Ll}\p{Lu}/u.test(text.slice(start, end))
  );
}
