/** Quotes a text: the sentences that a list or paragraph consists of, and those that replace a model's. */
import { endsSentence } from "../../text/sentences.ts";
import type { WrittenProse } from "../../text/written-prose.ts";
import { ANY_PART } from "./judge.ts";
import { bestOf, chooseSentences } from "./sentences/choose.ts";
import type { SentenceRanks } from "./sentences/rank.ts";
import { type DocumentSentence, isTooLong, showsAddress, wordCount } from "./sentences/sentences.ts";
import type { SummaryStyle } from "./summary-text.ts";

/** A document's sentences with their scores. */
export interface RankedProse extends SentenceRanks {
  readonly prose: WrittenProse;
  readonly sentences: readonly DocumentSentence[];
}

/** Most sentences of a style. */
const MOST = { sentence: 1, paragraph: 3, bullets: 5, title: 1 } as const;
const TITLE_WORDS = 10;

/** A summary in the text's own words; undefined where the text has none to quote. */
export function quoted(ranked: RankedProse, style: SummaryStyle, mostWords?: number): string | undefined {
  if (style === "title") return quotedTitle(ranked, mostWords);
  const { sentences, scores } = ranked;
  if (style === "sentence")
    return limited(bestOf(sentences, scores, mostWords)?.text, mostWords) ?? beginning(ranked, mostWords);
  // A paragraph is made of sentences; a list also of what stands alone.
  const inStyle = style === "paragraph" ? sentences.map(asSentence) : sentences;
  const some = inStyle.some(({ isWhole }) => isWhole) ? inStyle : sentences;
  const chosen = chooseSentences(some, scores, { most: MOST[style], mostWords });
  const texts = chosen.map(({ text }) => text);
  if (texts.length === 0) {
    const best = limited(bestOf(some, scores)?.text, mostWords) ?? beginning(ranked, mostWords);
    if (best === undefined) return undefined;
    texts.push(best);
  }
  if (style === "bullets") return texts.map((text) => `- ${text.replace(/^(?:[-*•]|\d{1,2}[.)])\s+/, "")}`).join("\n");
  return texts
    .map((text) =>
      endsSentence(text) || /[…\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]$/u.test(text) ? text : `${text}.`,
    )
    .reduce((text, next) => text + (/[。！？]$/.test(text) ? "" : " ") + next);
}

/** The document's heading, else the beginning of its best sentence. */
function quotedTitle({ prose, sentences, scores }: RankedProse, mostWords = TITLE_WORDS): string | undefined {
  const headings = prose.blocks.filter(({ kind }) => kind === "heading").map(({ text }) => text);
  const heading = [prose.title, ...headings].find((text) => text !== "" && !ANY_PART.test(text));
  const text = heading ?? clauseOf(bestOf(sentences, scores, mostWords)?.text, mostWords) ?? headings[0];
  return limited(text, mostWords)?.replace(/(?<!\.)\.$/, "");
}

const LEAST_CLAUSE_WORDS = 4;

/** A sentence up to the first mark that parts it, where that leaves enough and few enough words. */
function clauseOf(sentence: string | undefined, mostWords: number): string | undefined {
  if (sentence === undefined || wordCount(sentence) <= mostWords) return sentence;
  for (const { index } of sentence.matchAll(/[,;:](?=\s)|\s[—–-]\s|\s\(/g)) {
    const words = sentence.slice(0, index).split(" ").length;
    if (words >= LEAST_CLAUSE_WORDS && words <= mostWords) return sentence.slice(0, index);
  }
  return sentence;
}

/** The beginning of a text whose sentences are all too long to quote whole; none of what shows an address. */
function beginning({ sentences }: RankedProse, mostWords = BEGINNING_WORDS): string | undefined {
  const long = sentences.find(({ text }) => isTooLong(text) && !showsAddress(text));
  return limited(long?.text, Math.min(mostWords, BEGINNING_WORDS));
}

const BEGINNING_WORDS = 30;

function asSentence(sentence: DocumentSentence): DocumentSentence {
  return endsSentence(sentence.text) ? sentence : { ...sentence, isWhole: false };
}

function limited(text: string | undefined, mostWords = Number.POSITIVE_INFINITY): string | undefined {
  const words = text?.split(" ") ?? [];
  if (text === undefined || words.length <= mostWords) return text;
  const beginning = words.slice(0, mostWords).join(" ");
  return `${beginning.replace(/[\s\p{P}]+$/u, "")}…`;
}
