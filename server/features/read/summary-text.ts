/** Puts what the model said of a text's parts into the style and the length that were asked for. */
import { sentencesOf } from "../../text/sentences.ts";

/** `sentence`: one. `paragraph`: a few. `bullets`: lines that begin with "- ". `title`: a heading for the text. */
export type SummaryStyle = "sentence" | "paragraph" | "bullets" | "title";

/** Most part summaries that stand side by side. */
export const MOST_PARTS = { sentence: 1, paragraph: 5, bullets: 8, title: 1 } as const;

/** The summaries of a text's parts as the style wants them, within a limit of words (bullet marks not counted). */
export function shape(
  parts: readonly string[],
  style: SummaryStyle,
  limit = Number.POSITIVE_INFINITY,
  locale?: string,
): string {
  const sentences = distinct(
    parts.flatMap((part) => sentencesOf(part, locale)),
    itself,
  );
  if (style === "title") return firstWords((parts[0] ?? "").split("\n")[0] ?? "", limit).replace(/(?<!\.)\.$/, "");
  if (style === "sentence") return firstWords(sentences[0] ?? "", limit);
  if (style === "paragraph") return withinWords(sentences, limit).join(" ");
  const lines =
    sentences.length <= MOST_PARTS.bullets ? sentences : parts.map((part) => sentencesOf(part, locale)[0] ?? "");
  return withinWords(distinct(lines, itself), limit)
    .map((line) => `- ${line.replace(/^[-*•]\s+/, "")}`)
    .join("\n");
}

/** As many whole sentences as the limit allows; of the first one as many words. */
function withinWords(sentences: readonly string[], limit: number): string[] {
  const kept: string[] = [];
  let words = 0;
  for (const sentence of sentences) {
    words += wordsOf(sentence).length;
    if (words > limit) break;
    kept.push(sentence);
  }
  return kept.length > 0 || sentences[0] === undefined ? kept : [firstWords(sentences[0], limit)];
}

function firstWords(sentence: string, limit: number): string {
  const words = wordsOf(sentence);
  if (words.length <= limit) return sentence;
  return `${words
    .slice(0, limit)
    .join(" ")
    .replace(/(?<![\s\p{P}])[\s\p{P}]+$/u, "")}…`;
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}

/** Without those whose texts are empty, or say the same as an earlier one but for case, spaces and punctuation. */
export function distinct<T>(items: readonly T[], textOf: (item: T) => string): T[] {
  const seen = new Set([""]);
  return items.filter((item) => {
    const key = textOf(item)
      .toLowerCase()
      .replace(/[\s\p{P}]+/gu, "");
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** On one line, each run of white space one space. */
export function tidy(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function itself(text: string): string {
  return text;
}
