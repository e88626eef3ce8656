/** Notices text in a language that the model does not know; when in doubt, says nothing. */
import { proseText, readDocument } from "./document.ts";

/**
 * The language of a text's prose that is none of `languages`.
 * @param format a language id or a file's name; told by the content where it is absent
 * @see foreignLanguage
 */
export async function foreignLanguageOf(
  text: string,
  languages: readonly string[],
  format?: string,
): Promise<string | undefined> {
  return foreignLanguage(proseText(await readDocument(text.slice(0, MOST_READ), format)), languages);
}

/**
 * The language of prose that is none of `languages`; undefined when it is one of them, or there is too little to tell.
 * Names do not count; at most the first 1,000 characters of the rest are looked at.
 * @param languages ISO 639-1 codes
 * @returns an ISO 639-1 code
 */
export async function foreignLanguage(text: string, languages: readonly string[]): Promise<string | undefined> {
  const prose = withoutNames(text.slice(0, MOST_READ)).slice(0, MOST_PROSE);
  // Letters of other scripts say more: fewer of them are needed.
  const latin = prose.match(/\p{Script=Latin}/gu)?.length ?? 0;
  const letters = prose.match(/\p{L}/gu)?.length ?? 0;
  const signs = prose.match(WORD_SIGNS)?.length ?? 0;
  const weight = latin + OTHER_SCRIPT * (letters - latin) + (signs > latin ? SIGN * signs : 0);
  if (weight < LEAST_LETTERS) return undefined;
  if (languages.includes("en") && isPlainEnglish(prose)) return undefined;
  // A megabyte of n-grams, rarely needed: English is mostly known without.
  const { eld } = await import("eld/extrasmall");
  const found = eld.detect(prose);
  if (found.language === "" || languages.includes(found.language)) return undefined;
  const scores = found.getScores();
  const known = Math.max(0, ...languages.map((language) => scores[language] ?? 0));
  return known < MOST_LIKELIHOOD * (scores[found.language] ?? 0) ? found.language : undefined;
}

/** A language's name: "de" is "German". @param reader the language of the name */
export function languageName(language: string, reader = "en"): string {
  return new Intl.DisplayNames(reader, { type: "language" }).of(language) ?? language;
}

const MOST_READ = 20_000;
const MOST_PROSE = 1000;
/** On 682 short and 400 long English technical texts none was called foreign from here on (3 of 697 below). */
const LEAST_LETTERS = 40;
const OTHER_SCRIPT = 4;
/** Signs that stand for words and syllables say still more, where there are more of them than of Latin letters. */
const SIGN = 4;
const WORD_SIGNS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;
/** A language that the model knows must be clearly less likely than the one that was found. */
const MOST_LIKELIHOOD = 0.85;

/**
 * Whether one word in eight is among these, which are frequent in English; together they are rare in any other
 * language.
 */
function isPlainEnglish(prose: string): boolean {
  const words = prose.split(" ").length;
  return (prose.match(ENGLISH)?.length ?? 0) * 8 >= words;
}

const ENGLISH =
  /\b(?:the|and|of|to|is|are|this|with|you|that|be|by|from|if|can|your|not|will|when|which|have|has|these|their|they|its|should|must|each|was|were|there|how|what|it|use|used|using|other|more|than|but|our|new)\b/gi;

/** The prose without words that look like names in code. */
function withoutNames(text: string): string {
  const words = text
    // Languages without spaces have the names of others between their words.
    .replace(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+/gu, " $& ")
    .split(/\s+/)
    .filter((word) => !/[\p{N}_/\\=<>{}@#$|]|\p{Ll}\p{Lu}|\p{Lu}{2}/u.test(word));
  return words
    .join(" ")
    .replace(/[^\p{L}\p{M}\s'’.,;:!?-]/gu, "")
    .trim();
}
