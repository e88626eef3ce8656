/** Whether a fill says again what stands beside it. */

/**
 * Whether a fill begins with the word before it or ends with the word after it, holds a content word that stands
 * within three words of it, is a pronoun after a preposition that stands there too, or holds two words in a row that
 * stand within eight of it in the same sentence. The text before includes the fills of earlier gaps.
 */
export function repeatsNeighbors(before: string, fill: string, after: string): boolean {
  const words = wordsOf(fill);
  if (words.length === 0) return false;
  const left = wordsOf(before.slice(-REACH).split(SENTENCE_END).at(-1) ?? "").slice(-WIDE);
  const right = wordsOf(after.slice(0, REACH).split(SENTENCE_END)[0] ?? "").slice(0, WIDE);
  if (words[0] === left.at(-1) || words.at(-1) === right[0]) return true;
  const near = new Set([...left.slice(-NEAR), ...right.slice(0, NEAR)]);
  const [first = ""] = words;
  if (words.length === 1 && OBJECTS.has(first) && near.has(first) && PREPOSITIONS.has(left.at(-1) ?? "")) return true;
  if (words.some((word) => word.length >= CONTENT_LETTERS && near.has(word))) return true;
  const pairs = new Set([...pairsOf(left), ...pairsOf(right)]);
  return pairsOf(words).some((pair) => pairs.has(pair));
}

/** "It on it". */
const OBJECTS = new Set(["it", "this", "that", "them", "you", "us"]);
const PREPOSITIONS = new Set("about at by for from in into of on to with".split(" "));
const REACH = 120;
const WIDE = 8;
const NEAR = 3;
const CONTENT_LETTERS = 5;
const SENTENCE_END = /[.!?:;]\s|\n\s*\n|\n\s*[-*#]/u;

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu) ?? [];
}

function pairsOf(words: readonly string[]): string[] {
  return words.slice(1).map((word, i) => `${words[i]} ${word}`);
}
