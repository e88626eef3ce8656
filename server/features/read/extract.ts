/**
 * Finds the sentence of a text that stands best for all of it, for when the model's own words are not to be trusted.
 */
import { isFunctionWord } from "../../metrics/gaps.ts";
import { sentencesOf } from "../../text/sentences.ts";
import { tidy } from "./summary-text.ts";

/**
 * The best sentence of a text's prose, as {@link proseOf} writes it: early, of readable length, and with the words that
 * the text repeats. Headings and lists have none.
 * @returns one line; undefined when there is no whole sentence
 */
export function bestSentence(text: string, locale?: string): string | undefined {
  const sentences = proseSentences(text.slice(0, MOST_READ), locale);
  const counts = new Map<string, number>();
  for (const word of sentences.flatMap(contentWords)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const centrality = sentences.map((sentence) => {
    const words = new Set(contentWords(sentence));
    return [...words].reduce((sum, word) => sum + (counts.get(word) ?? 0), 0) / Math.sqrt(words.size || 1);
  });
  const most = Math.max(1, ...centrality);
  const scores = sentences.map((sentence, i) => {
    const length = sentence.split(" ").length;
    const readable = length >= 8 && length <= 40 ? 1 : 0.6;
    return (0.5 + (centrality[i] ?? 0) / most) * readable * 0.5 ** i;
  });
  return sentences[scores.indexOf(Math.max(...scores))];
}

/** Later sentences have no chance anyway. */
const MOST_READ = 20_000;
const LEAST_WORDS = 5;

/** Whole sentences of the paragraphs, each on one line. */
function proseSentences(text: string, locale: string | undefined): string[] {
  const paragraphs = text.split(/\n\s*\n/).filter((block) => !/^(#{1,6}|-) /.test(block));
  return paragraphs
    .flatMap((block) => sentencesOf(tidy(block), locale))
    .filter((sentence) => wordCount(sentence) >= LEAST_WORDS && /[.!?。！？।؟][\s\S]{0,3}$/u.test(sentence));
}

/** Words between blanks; in scripts that have none, about two characters each. */
function wordCount(sentence: string): number {
  const unspaced =
    sentence.match(/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}]/gu)?.length ?? 0;
  return sentence.split(" ").length + unspaced / 2;
}

function contentWords(sentence: string): string[] {
  return (sentence.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !isFunctionWord(word));
}
