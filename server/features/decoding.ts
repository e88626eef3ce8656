/** How summaries and fills are decoded: what the model's makers measured to be best, unless a caller says otherwise. */
import type { GeneratedSequence, GenerateRequest, ModelInfo } from "../engine/engine.ts";
import { endsSentence } from "../text/sentences.ts";

/** Choices that a caller may make; measurements do. */
export interface Decoding extends Pick<GenerateRequest, "shortlist" | "copyBias"> {
  /** 1 is greedy. Fills have their own number. */
  readonly beams?: number;
  /**
   * Whether, of several beams, the one is taken that claims the fewest names and numbers beyond the source. Default
   * true.
   */
  readonly faithful?: boolean;
  /** Weight of the n-grams in gaps of one English word; 0 leaves the model alone. */
  readonly ngrams?: number;
}

/** The caller's options, completed with the model's own defaults for this kind of text. */
export function decodingOf(
  { decoding: { shortlist, ...writing } = {} }: ModelInfo,
  kind: "summary" | "title" | "fill",
  chosen: Decoding = {},
): Decoding {
  const own = writing[kind];
  return { ...(shortlist === undefined ? {} : { shortlist }), ...own, ...chosen };
}

/**
 * The sequence to take of several: the likeliest of those with the fewest names and numbers that the source lacks, no
 * stutter, and a sentence's end where one is wanted.
 * @param sequences best first
 */
export function mostFaithful(
  source: string,
  sequences: readonly GeneratedSequence[],
  wholeSentence = false,
): GeneratedSequence | undefined {
  const known = knownWords(source);
  const counts = sequences.map(({ text }) => {
    const isCut = wholeSentence && !endsSentence(text);
    return 2 * invented(text, known).length + (stutters(text) ? 2 : 0) + (isCut ? 1 : 0);
  });
  return sequences[counts.indexOf(Math.min(...counts))];
}

/** The names and numbers of a text that its source lacks. */
export function inventions(source: string, text: string): string[] {
  return invented(text, knownWords(source));
}

function knownWords(source: string): Set<string> {
  return new Set(words(source).map(plain));
}

function invented(text: string, known: ReadonlySet<string>): string[] {
  return claims(text).filter((word) => !known.has(plain(word)));
}

/** In lower case, without a possessive's or a plural's ending. */
function plain(word: string): string {
  return word
    .toLowerCase()
    .replaceAll("’", "'")
    .replace(/(?<=\p{L}{2})(?:'s|s)$/u, "");
}

/**
 * Whether a word follows itself, in whatever form: what a small model writes where it has lost its way, however sure it
 * is of it.
 */
export function stutters(text: string): boolean {
  return /(?<!\p{L})(\p{L}{5})\p{L}*\s+\1/iu.test(text);
}

/** Numbers, and words with a capital letter, except where one begins the text or a sentence. */
function claims(text: string): string[] {
  const found = text.matchAll(/[\p{L}\p{N}]+(?:[.,'’]\p{N}+)*/gu);
  return Array.from(found).flatMap(({ 0: word, index }) => {
    const [between = ""] = /(?<![^\p{L}\p{N}])[^\p{L}\p{N}]*$/u.exec(text.slice(0, index)) ?? [];
    const begins = between.length === index || /[.!?:]/.test(between);
    return /\p{N}|.\p{Lu}/u.test(word) || (!begins && /^\p{Lu}/u.test(word)) ? [word] : [];
  });
}

function words(text: string): string[] {
  return text.match(/[\p{L}\p{N}]+(?:[.,'’]\p{N}+)*/gu) ?? [];
}
