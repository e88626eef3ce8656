/** Measures how faithful a summary is to its text and how much of it is only copied; the two must be read together. */
import { isFunctionWord } from "./gaps.ts";
import { porterStem } from "./porter.ts";

/** `found` of `all` occur in the source. */
export interface Share {
  readonly found: number;
  readonly all: number;
}

/** The parts of a summary that also occur in its source. */
export interface Faithfulness {
  /** Words except function words; compared by their stems, ignoring case. */
  readonly contentWords: Share;
  /** Runs of digits with the punctuation inside them (1,000; 3.5), verbatim. */
  readonly numbers: Share;
  /** Words with a capital letter that does not merely begin a sentence; ignoring case. */
  readonly names: Share;
  /** Runs of four words or numbers, ignoring case and punctuation. 1 minus their share is the summary's novelty. */
  readonly fourGrams: Share;
}

/**
 * Measures a summary's faithfulness.
 * @param source everything that the summary's writer could see, including the title
 */
export function faithfulness(source: string, summary: string): Faithfulness {
  const sourceTokens = tokens(source);
  const summaryTokens = tokens(summary);
  const words = new Set(sourceTokens.map(({ text }) => text.toLowerCase()));
  const stems = new Set(sourceTokens.map(({ text }) => stem(text)));
  const grams = new Set(fourGrams(sourceTokens));
  const share = <T>(items: readonly T[], inSource: (item: T) => boolean): Share => ({
    found: items.filter(inSource).length,
    all: items.length,
  });
  return {
    contentWords: share(
      summaryTokens.filter(({ text }) => !isNumber(text) && !isFunctionWord(text)),
      ({ text }) => stems.has(stem(text)),
    ),
    numbers: share(
      summaryTokens.filter(({ text }) => isNumber(text)),
      ({ text }) => words.has(text),
    ),
    names: share(summaryTokens.filter(isName), ({ text }) => words.has(text.toLowerCase())),
    fourGrams: share(fourGrams(summaryTokens), (gram) => grams.has(gram)),
  };
}

interface Token {
  readonly text: string;
  /** Whether it begins the text or follows the end of a sentence. */
  readonly first: boolean;
}

function tokens(text: string): Token[] {
  let end = 0;
  const matches = text.matchAll(/\p{N}+(?:[.,]\p{N}+)*(?![\p{L}\p{N}])|[\p{L}\p{N}]+(?:['’]\p{L}+)*/gu);
  return Array.from(matches, ({ 0: token, index }) => {
    const first = end === 0 || /[.!?:][^\p{L}\p{N}]{0,99}\s|\n/u.test(text.slice(end, index));
    end = index + token.length;
    return { text: token.replaceAll("’", "'"), first };
  });
}

function isNumber(token: string): boolean {
  return /^\p{N}/u.test(token) && !/\p{L}/u.test(token);
}

function isName({ text, first }: Token): boolean {
  return /.\p{Lu}/u.test(text) || (!first && /^\p{Lu}/u.test(text) && !isFunctionWord(text));
}

function stem(word: string): string {
  return porterStem(word.toLowerCase().replace(/'s$/, ""));
}

function fourGrams(tokens: readonly Token[]): string[] {
  const words = tokens.map(({ text }) => text.toLowerCase());
  return words.slice(3).map((_, i) => words.slice(i, i + 4).join(" "));
}
