/** Tells whether what a model wrote of a text is worse than the text's own words. */
import type { NgramModel } from "../../../models/words/ngram.ts";
import { endsSentence, sentencesOf } from "../../text/sentences.ts";
import { inventions, stutters } from "../decoding.ts";

/**
 * Whether a summary or title says what its source does not: a name or number, a compound such as a file's name that is
 * not there as a whole, or an address.
 */
export function isInvented(source: string, text: string): boolean {
  if (inventions(source, text).length > 0 || /\bhttps?:/.test(text)) return true;
  const lower = source.toLowerCase();
  return (text.toLowerCase().match(COMPOUND) ?? []).some((name) => !standsAlone(lower, name));
}

/** Names with marks inside: files, options, packages. */
const COMPOUND = /(?<![\p{L}\p{N}_])(?:[\p{L}\p{N}_]+(?:[-./:]+[\p{L}\p{N}_]+)+|[\p{L}\p{N}]+_[\p{L}\p{N}_]+)/gu;

/** Whether a name occurs that is not a part of a longer one. */
function standsAlone(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const isPart =
      /[\p{L}\p{N}_][-./_:]?$/u.test(text.slice(Math.max(0, at - 2), at)) ||
      /^[-./_:]?[\p{L}\p{N}_]/u.test(text.slice(at + name.length, at + name.length + 2));
    if (!isPart) return true;
  }
  return false;
}

/** Where a sentence's words come from: all from the text as they stand there, or some not. */
export type Wording = "copied" | "reworded";

/** The model of English n-grams, loaded when it is first asked for; undefined where there is none. */
export type NgramSource = () => Promise<NgramModel | undefined>;

/**
 * The wording of a sentence that may be trusted; undefined for one that stutters or breaks off, or that has words where
 * neither the text nor English has them. What nearly copies a sentence of the text is not trusted either: a small model
 * that changes one word of it makes "disabled" of "enabled".
 * @param source blocks with blank lines between; a sentence never goes across
 * @param english without it nothing new is trusted
 */
export async function wordingOf(source: string, sentence: string, english?: NgramSource): Promise<Wording | undefined> {
  if (stutters(sentence) || !endsSentence(sentence) || breaksOff(source, sentence)) return undefined;
  const blocks = source.split(/\n\s*\n/);
  const words = wordsOf(sentence);
  const known = new Set(blocks.flatMap((block) => [...runsOf(wordsOf(block), 2), ...runsOf(wordsOf(block), 3)]));
  if (runsOf(words, 2).every((pair) => known.has(pair))) return "copied";
  if (/[.!?] \p{Lu}/u.test(sentence)) return undefined;
  const isNearCopy = blocks.flatMap((block) => sentencesOf(block, "en")).some((other) => isNear(words, wordsOf(other)));
  const ngrams = isNearCopy ? undefined : await english?.();
  if (ngrams === undefined) return undefined;
  const isLikely = (word: string, i: number) => {
    const before = words.slice(Math.max(0, i - 2), i);
    if (i === 0 || known.has([...before, word].join(" "))) return true;
    // Beyond what any words before it say, or it is as likely anywhere.
    return ngrams.probability(before, word) >= Math.max(LIKELY, ngrams.probability([], word));
  };
  return words.every(isLikely) ? "reworded" : undefined;
}

const LIKELY = 1e-3;

/** Each run of so many words. */
function runsOf(words: readonly string[], count: number): string[] {
  return words.slice(count - 1).map((_, i) => words.slice(i, i + count).join(" "));
}

/** Whether two sentences have most of their words in common. */
function isNear(a: readonly string[], b: readonly string[]): boolean {
  const [some, others] = [new Set(a), new Set(b)];
  const shared = [...some].filter((word) => others.has(word)).length;
  return shared / (some.size + others.size - shared) >= NEAR;
}

const NEAR = 0.6;

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
}

/** Whether a sentence's last words go on in the source: with "and", or without a blank as a name does. */
function breaksOff(source: string, sentence: string): boolean {
  const end = sentence
    .toLowerCase()
    .replace(/(?<![.!?…])[.!?…]+["”’)]*\s*$/, "")
    .slice(-LAST_UNITS);
  const lower = source.toLowerCase();
  let at = lower.indexOf(end);
  if (end === "" || at < 0) return false;
  for (; at >= 0; at = lower.indexOf(end, at + 1)) {
    const rest = lower.slice(at + end.length, at + end.length + 12);
    if (!/^(?:,? (?:and|or|nor)\b|[-./_:]+[\p{L}\p{N}]|[\p{L}\p{N}])/u.test(rest)) return false;
  }
  return true;
}

/** Characters at a sentence's end that are looked for in the source. */
const LAST_UNITS = 24;

/** Headings that parts of any document have. */
const ANY_PART =
  /^[\d.\s]*(?:name|introduction|overview|description|background|summary|abstract|notes?|usage|purpose|examples?|prerequisites?|requirements?|installation|getting started|see also|references?|conclusions?|history|restrictions|extra credit|details|synopsis|syntax|remarks|return values?|agenda|speakers|(?:short|long) description|contents|next steps|parameters|options)[:.]?$/i;

/** Headings and labels of the templates of issues, changes and decisions. */
export const LABEL =
  /^(?:describe the (?:bug|issue|problem|solution you'd like)|(?:steps )?to reproduce|steps to reproduce(?: the (?:behaviou?r|issue|bug|problem))?|reproduction(?: steps)?|(?:expected|actual|current|possible) (?:behaviou?r|results?|solution)|screenshots?(?: \(if (?:applicable|appropriate)\))?|additional (?:context|information|notes)|(?:desktop|smartphone|environment)(?: \(please complete the following information\))?|type of change|types of changes|how has this been tested|motivation and context|related issues?|(?:proposed|breaking) changes?|is your feature request related to a problem\?.*|describe alternatives you've considered|context and problem statement|decision drivers|considered options|pros and cons of the options|what happened\??|version|(?:project )?title|what does this (?:mr|pr|change|merge request|pull request) do(?: and why)?|(?:mr |pr )?(?:acceptance |author )?check ?list)[:?]?$/i;

/** Whether a heading is one that parts of any document, or of any template's, have. */
export function namesAnyPart(heading: string): boolean {
  return ANY_PART.test(heading) || LABEL.test(heading);
}

/** Whether a title is one that nobody would give: words that the text lacks, or says twice, or that wait for more. */
export function isPoorTitle(source: string, title: string): boolean {
  const words = wordsOf(title);
  const telling = words.filter((word) => word.length > 2 && !SMALL.has(word));
  const known = new Set(wordsOf(source).map(beginning));
  return (
    telling.length === 0 ||
    namesAnyPart(title) ||
    new Set(telling).size < telling.length ||
    telling.some((word) => !GERUNDS.has(word) && !known.has(beginning(word))) ||
    SMALL.has(words.at(-1) ?? "") ||
    /^\P{L}*[-_:/*.]|[-_:/,(]$|::|\b(?:an?|the) (?:an?|the|[A-Z]{2,})\b/u.test(title) ||
    count(title, "(") !== count(title, ")") ||
    count(title, '"') % 2 === 1
  );
}

/** Words of one beginning are mostly forms of one. */
function beginning(word: string): string {
  return word.replace(/(?<=\p{L}{3})(?:ing|ed|es|s|e)$/u, "").slice(0, 5);
}

function count(text: string, mark: string): number {
  return text.split(mark).length - 1;
}

const SMALL: ReadonlySet<string> = new Set(
  "a an the of to in on for and or with by as at from that this your is are be it its into how what".split(" "),
);

/** Words that titles begin with though their texts have others. */
const GERUNDS: ReadonlySet<string> = new Set(
  "using use working getting create creating add adding configure configuring install installing write writing".split(
    " ",
  ),
);
