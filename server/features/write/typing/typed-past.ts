/** Remembers what was shown at a place and not meant there, so that it is not shown there again. */
import { LRUCache } from "lru-cache";
import type { WordPlace } from "./word-place.ts";

/** Suggestions that writers rejected by typing on. */
export interface TypedPast {
  /** Notices where the writer is now: words shown at the last place that do not stand there were not meant. */
  notice(document: string, text: string, place: WordPlace): void;
  /** Remembers that a word was shown. */
  shown(document: string, place: WordPlace, word: string): void;
  /** Whether a word is shown at this place, or was before other letters were typed. */
  isShown(document: string, place: WordPlace, word: string): boolean;
  /** Whether a word was shown at this place before and another one was typed. */
  has(document: string, place: WordPlace, word: string): boolean;
}

/** Creates the memory of nothing. */
export function createTypedPast(): TypedPast {
  const last = new LRUCache<string, { readonly start: number; readonly near: string; readonly words: Set<string> }>({
    max: MOST_DOCUMENTS,
  });
  const past = new LRUCache<string, Set<string>>({ max: MOST_PLACES });
  const nearOf = ({ before }: WordPlace) => before.slice(-NEAR);
  const lastAt = (document: string, place: WordPlace) => {
    const here = last.get(document);
    return here?.start === place.before.length && here.near === nearOf(place) ? here : undefined;
  };
  const keyOf = (document: string, near: string) => `${document}\0${near}`;
  return {
    notice(document, text, place) {
      const here = last.get(document);
      if (here === undefined || here.start === place.before.length) return;
      last.delete(document);
      if (text.slice(Math.max(0, here.start - NEAR), here.start) !== here.near) return;
      const [typed = ""] = /^[\p{L}\p{M}\p{N}_'’-]+|^[^\s]/u.exec(text.slice(here.start, here.start + NEAR)) ?? [];
      const key = keyOf(document, here.near);
      const words = past.get(key) ?? new Set();
      for (const word of here.words) if (typed !== "" && typed !== word) words.add(word);
      if (words.size > 0) past.set(key, words);
    },
    shown(document, place, word) {
      const here = lastAt(document, place);
      if (here !== undefined) here.words.add(word);
      else last.set(document, { start: place.before.length, near: nearOf(place), words: new Set([word]) });
    },
    isShown: (document, place, word) => lastAt(document, place)?.words.has(word) ?? false,
    has: (document, place, word) => past.get(keyOf(document, nearOf(place)))?.has(word) ?? false,
  };
}

const MOST_DOCUMENTS = 8;
const MOST_PLACES = 500;
/** Characters that identify a place. */
const NEAR = 100;
