/** Tells a gap from a part of a name, such as `my___var`, `OPT___A`, or `TODO` in `TODO.md`. */
import type { Gap } from "../../../models/tokenizer/spans.ts";

/** Whether a marker is a part of a longer name. */
export function isPartOfName(text: string, { start, end }: Gap): boolean {
  const marker = text.slice(start, end);
  const before = /(?<!\S)\S*$/.exec(text.slice(Math.max(0, start - MOST_NAME), start))?.[0] ?? "";
  const after = /^[^\s]*/.exec(text.slice(end, end + MOST_NAME))?.[0] ?? "";
  if (/^[\p{L}\p{N}]+$/u.test(marker))
    return /[\p{L}\p{N}_.#@/-]$/u.test(before) || /^([\p{L}\p{N}_]|[.\-/:][\p{L}\p{N}_])/u.test(after);
  if (!/^_+$/.test(marker)) return false;
  const left = /(?<![\p{L}\p{N}])[\p{L}\p{N}]+$/u.exec(before)?.[0] ?? "";
  const right = /^[\p{L}\p{N}]+/u.exec(after)?.[0] ?? "";
  if (left === "" || right === "" || UNSPACED.test(left.slice(-1)) || UNSPACED.test(right.slice(0, 1))) return false;
  return !(PREFIXES.test(left) || SUFFIXES.test(right));
}

/** Whether a gap stands for a part of a word, or in a script without spaces: nothing parts it from what follows. */
export function isInWord(text: string, { start, end }: Gap): boolean {
  const right = /^[\p{L}\p{N}]+/u.exec(text.slice(end, end + MOST_NAME))?.[0] ?? "";
  if (right === "") return false;
  if (UNSPACED.test(right.slice(0, 1)) || SUFFIXES.test(right)) return true;
  return /[\p{L}\p{N}]$/u.test(text.slice(Math.max(0, start - 2), start));
}

const MOST_NAME = 100;

/** Scripts that set no space between words. */
const UNSPACED =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\p{sc=Hangul}]/u;

/** Beginnings and endings of words: a gap beside one stands for the word's stem. */
const PREFIXES =
  /^(a|an|anti|auto|be|bi|co|counter|de|dis|en|ex|extra|fore|hyper|il|im|in|inter|ir|micro|mid|mini|mis|mono|multi|non|out|over|post|pre|pro|pseudo|re|self|semi|sub|super|tele|trans|tri|ultra|un|under|up)$/i;
const SUFFIXES =
  /^(s|es|ed|d|ing|er|ers|or|ors|est|ly|ness|less|ful|fully|able|ably|ible|ibly|al|ally|ial|ic|ical|ically|ion|ions|tion|tions|ation|ations|sion|ity|ities|ive|ize|izes|ized|izing|ise|ised|ment|ments|ous|ously|ship|ward|wards|wise|y)$/;
