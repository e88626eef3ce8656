/** Titles in a text's own words, for texts that have none: what its best sentence is about. */
import { type DocumentSentence, wordCount } from "./sentences/sentences.ts";

/** Most words of a title. */
export const TITLE_WORDS = 10;

/**
 * A title from a sentence: its subject, else what it says the text describes, else its beginning. Of 260 validation
 * documents without their titles (ROUGE-L with those): subjects 46 (of 53 documents; what the model wrote there 26),
 * beginnings 20, first headings 10, since those are the titles of parts. What is shown went from 20.4 to 27.9.
 */
export function titleFrom({ text }: DocumentSentence, mostWords = TITLE_WORDS): string {
  return subjectOf(text) ?? contentOf(text, mostWords) ?? clauseOf(text, mostWords);
}

/** The subject of a definition: the words before its verb, where they are a name or several words. English. */
export function subjectOf(sentence: string): string | undefined {
  const subject = DEFINITION.exec(sentence)?.[1];
  if (subject === undefined) return undefined;
  const words = wordsOf(subject);
  const isName = words.length > 1 || /[A-Z0-9_]/.test(subject.slice(1));
  const isVague =
    NOT_FIRST.has(words[0] ?? "") ||
    words.some((word) => NOWHERE.has(word)) ||
    /ly$|^(?:and|or|to|of|an?|the|last|first|next|new|same|other|each|every)$/.test(words.at(-1) ?? "ly");
  return isName && !isVague ? capitalized(subject) : undefined;
}

/** The subject of a text that a sentence such as "This guide shows how to ..." announces. English. */
function contentOf(sentence: string, mostWords: number): string | undefined {
  const content = ANNOUNCEMENT.exec(sentence)?.[1];
  const clause = content
    ?.split(/[,;:.](?=\s|$)|\s[—–]\s|\s\(|\b(?:that|which|so that|in order to|because|when|if|and how)\b/)[0]
    ?.replace(/^(?:the|an?) /i, "")
    .trim();
  if (clause === undefined || wordCount(clause) < 2 || wordCount(clause) > mostWords) return undefined;
  return capitalized(clause);
}

/** A sentence up to the first mark that parts it, where that leaves enough and few enough words. */
function clauseOf(sentence: string, mostWords: number): string {
  if (wordCount(sentence) <= mostWords) return sentence;
  for (const { index } of sentence.matchAll(/[,;:](?=\s)|\s[—–-]\s|\s\(/g)) {
    const words = sentence.slice(0, index).split(" ").length;
    if (words >= LEAST_CLAUSE_WORDS && words <= mostWords) return sentence.slice(0, index);
  }
  return sentence;
}

const LEAST_CLAUSE_WORDS = 4;

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
}

/** With a capital, unless the first word is spelled as an identifier is. */
function capitalized(text: string): string {
  return /^\p{Ll}+(?![\p{L}\p{N}_.-])/u.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

const VERBS =
  "is are was were can will has have provides? allows? lets? enables? offers? helps? defines? describes? supports? contains? gives? makes? retrieves? sets? adds? removes? returns? specif(?:y|ies) indicates? represents? determines? causes? creates? controls? uses? informs? explains? shows? aims? works? sends? receives? generates? runs? manages? handles? includes? prevents? connects? converts? checks? computes? calculates? writes? reads? wraps? implements? exposes? executes? manipulates? encodes? rewrites? transforms? tracks? stores? lists?"
    .split(" ")
    .join("|");
const DEFINITION = new RegExp(`^(?:The |An? )?((?:[\\w.+#@/’'()-]{1,40} ){0,5}?[\\w.+#@/’'()-]{1,40}) (?:${VERBS})\\b`);

/** "This guide shows how to ...", "In this tutorial, you will learn ...". */
const ANNOUNCEMENT = new RegExp(
  [
    "^(?:(?:In|Use|With) )?(?:this|the following) (?:[\\w-]{1,30} ){0,2}?",
    "(?:article|guide|tutorial|page|document|section|chapter|topic|post|quickstart|book|example|lesson|module|recipe|walkthrough|how-to|lab|unit|overview|specification|paper|report|manual|note|readme),? ",
    "(?:describes|explains|shows(?: you)?|covers|discusses|provides|introduces|details|outlines|lists|explores|contains|gives|demonstrates|walks you through|helps you|teaches you|documents|presents|is about|will show(?: you)?|you(?:'ll|’ll| will)?(?: learn)?|we(?:'ll|’ll| will)?|to)",
    "(?: (?:how to|how you can|about|an overview of|information (?:about|on)|the steps to))? (.+)",
  ].join(""),
  "i",
);

/** Words that name nothing, wherever they stand in a subject. */
const NOWHERE = setOf(
  "this it you we there these that they i here he she what if when our your my how why while since once after before which where who its their see also however but because although not only",
);
/** Words that a subject does not begin with. */
const NOT_FIRST = new Set([
  ...NOWHERE,
  ...setOf(
    "in for on to as at by with and or so of from one two three some many most all each every any both no such several first next last another other use note following",
  ),
]);

function setOf(words: string): ReadonlySet<string> {
  return new Set(words.split(" "));
}
