/** Counts a document's own words and what follows them; a change is counted by the lines that it touches. */

/** The words of one document, or of several. */
export interface DocumentWords {
  /** Takes another state of the document; what did not change is not counted again. */
  update(text: string): void;
  /** Counts another text as well; no update takes it away. */
  add(text: string): void;
  /** The chance of a word by how often it stands in the document. */
  ofWord(word: string): number;
  /** The chance of a word by how often it follows another there, or stands there at all. */
  ofPair(previous: string, word: string): number;
  /** The words that follow another. */
  after(previous: string): Iterable<string>;
  /** The words that follow another most often. */
  likelyAfter(previous: string, count: number): readonly string[];
  /** The most frequent words of three letters or more. */
  frequent(count: number): readonly string[];
  /** Words that begin as typed, the most frequent first. */
  beginning(prefix: string, count: number): readonly string[];
}

/** Words with the hyphens and apostrophes inside them, numbers, and single marks. */
export function documentTokens(text: string): readonly string[] {
  return text.match(TOKEN) ?? [];
}

/** Creates the words of an empty document. */
export function createDocumentWords(): DocumentWords {
  const words = new Map<string, number>();
  const pairs = new Map<string, Followers>();
  let current = "";
  let total = 0;

  const add = (text: string, sign: 1 | -1) => {
    for (const line of text.split("\n")) {
      let previous = "";
      for (const token of documentTokens(line)) {
        if (isWord(token)) {
          total += sign;
          change(words, token, sign);
          const followers = pairs.get(previous) ?? { all: 0, counts: new Map<string, number>() };
          pairs.set(previous, followers);
          followers.all += sign;
          change(followers.counts, token, sign);
        }
        previous = token;
      }
    }
  };
  const ofWord = (word: string) => (words.get(word) ?? 0) / (total + UNSEEN);
  const ranked = (keep: (word: string) => boolean, count: number) => mostFrequent(words, keep, count);
  return {
    add: (text) => add(text, 1),
    update(text) {
      const same = commonStart(current, text);
      const start = same === 0 ? 0 : text.lastIndexOf("\n", same - 1) + 1;
      const tail = commonEnd(current, text, start);
      const lineEnd = (whole: string) => {
        const end = whole.indexOf("\n", whole.length - tail);
        return end < 0 ? whole.length : end;
      };
      if (current === text) return;
      add(current.slice(start, lineEnd(current)), -1);
      add(text.slice(start, lineEnd(text)), 1);
      current = text;
    },
    ofWord,
    ofPair(previous, word) {
      const { all, counts } = pairs.get(previous) ?? NO_FOLLOWERS;
      const own = all === 0 ? 0 : (counts.get(word) ?? 0) / all;
      const trust = all / (all + FEW_FOLLOWERS);
      return trust * own + (1 - trust) * ofWord(word);
    },
    after: (previous) => (pairs.get(previous) ?? NO_FOLLOWERS).counts.keys(),
    likelyAfter: (previous, count) => mostFrequent((pairs.get(previous) ?? NO_FOLLOWERS).counts, () => true, count),
    frequent: (count) => ranked((word) => word.length >= 3, count),
    beginning: (prefix, count) => ranked((word) => word.length > prefix.length && word.startsWith(prefix), count),
  };
}

const TOKEN =
  /\p{L}[\p{L}\p{M}\p{N}_]*(?:['’-][\p{L}\p{M}\p{N}_]+)*(?:\.\p{L}{2,4}(?![\p{L}\p{M}\p{N}_]))?|\p{N}+|[^\s\p{L}\p{N}]/gu;
/** Words that a document is taken to have besides those in it. */
const UNSEEN = 50;
/** From this number of followers on they count more than the document's words as a whole. */
const FEW_FOLLOWERS = 2;

/** The words that followed another, and how often. */
interface Followers {
  all: number;
  readonly counts: Map<string, number>;
}

const NO_FOLLOWERS: Followers = { all: 0, counts: new Map() };

function mostFrequent(counts: ReadonlyMap<string, number>, keep: (word: string) => boolean, count: number): string[] {
  return [...counts]
    .filter(([word]) => keep(word))
    .sort((a, b) => b[1] - a[1])
    .slice(0, count)
    .map(([word]) => word);
}

function isWord(token: string): boolean {
  return /^\p{L}/u.test(token);
}

function change(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

function commonStart(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length += 1;
  return length;
}

/** The number of equal characters at the ends, none of them before `start`. */
function commonEnd(a: string, b: string, start: number): number {
  const most = Math.min(a.length, b.length) - start;
  let length = 0;
  while (length < most && a.charCodeAt(a.length - 1 - length) === b.charCodeAt(b.length - 1 - length)) length += 1;
  return length;
}
