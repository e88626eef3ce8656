/** Rules that tell whether a summary is whole and true as far as rules can; whether it reads well is for people. */
import { faithfulness } from "../../server/metrics/faithfulness.ts";
import { endsSentence } from "../../server/text/sentences.ts";
import type { Verdict } from "./likelihood.ts";

/** Left-over markup of any format, and what only a broken sentence has. */
const BROKEN = [
  /\]\(|\[\[|\]\[|!\[|\*\*|(?<!\w)__\S.*\S__(?!\w)|~~|<\/?[a-z][^>]*>|<[^>]*$|&[a-z]+;|\{\{|\}\}|\{%|%\}|\{[#@]/i,
  /\\[a-z]+\b|``|''|:[a-z]+:`|`_|\|\s*\||::(?:\s|$)|^\s*[#=|>]/im,
  // A mark without the words that it belonged to.
  /[,;:]\s*[.,;:)]|\(\s*[.,;:]|\s[,.;:!?](?:\s|$)|(?:^|\s)\(\s*\)|\band \.|[,;:—–-]$/,
  // A word said twice in a row, unless English does that.
  /\b(?!that\b|had\b)(\p{L}{2,}) \1\b/iu,
];

/**
 * Whether a summary is whole: every line begins as a sentence does and ends as one, with no broken mark.
 * @param title whether it is a title, which does not end as a sentence does
 */
export function isWhole(summary: string, title = false): boolean {
  const lines = summary.split("\n").map((line) => line.replace(/^\s*(?:[-*•]|\d+\.)\s+/, "").trim());
  return lines.some((line) => line !== "") && lines.every((line) => line === "" || isWholeLine(line, title));
}

/** Whether all names and numbers of a summary stand in the text. @param source everything that its writer could see */
export function isFaithful(source: string, summary: string): boolean {
  const { names, numbers } = faithfulness(source, summary);
  return names.found === names.all && numbers.found === numbers.all;
}

/**
 * Nats a token of the least likely three neighbors, above which a sentence does not read as English: the border that
 * separates best the 110 sentences of bench/data/grammar.json, which a person read (86% rightly, and each by the border
 * of the others 84%).
 */
const MOST_SURPRISING = 6.54;

/** Whether a summary reads as English to the judge. */
export function isGrammatical({ worst }: Verdict): boolean {
  return worst <= MOST_SURPRISING;
}

const PAIRS = ["()", "[]", "{}", "“”", '""', "``"] as const;

function isWholeLine(line: string, title: boolean): boolean {
  if (!title && !endsSentence(line)) return false;
  if (title && /\b(?:a|an|the|and|or|of|to|in|for|with|on|at|by|from|as|is|are)$/i.test(line)) return false;
  // `npm install` may begin a sentence; a word in small letters begins the middle of one.
  if (/^[\p{Ll},;:.)\]]/u.test(line) && !/^[\p{Ll}\d]*[\p{Lu}\d._/-]/u.test(line)) return false;
  if (BROKEN.some((pattern) => pattern.test(line))) return false;
  return PAIRS.every(([open = "", close = ""]) => {
    const count = (mark: string) => line.split(mark).length - 1;
    return open === close ? count(open) % 2 === 0 : count(open) === count(close);
  });
}
