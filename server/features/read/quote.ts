/** Quotes a text: the sentences that a list or paragraph consists of, and those that replace a model's. */
import { endsSentence } from "../../text/sentences.ts";
import type { WrittenProse } from "../../text/written-prose.ts";
import { namesAnyPart } from "./judge.ts";
import { bestOf, chooseSentences } from "./sentences/choose.ts";
import type { SentenceRanks } from "./sentences/rank.ts";
import { type DocumentSentence, isTooLong, showsAddress, wordCount } from "./sentences/sentences.ts";
import type { SummaryStyle } from "./summary-text.ts";
import { TITLE_WORDS, titleFrom } from "./title.ts";

/** A document's sentences with their scores. */
export interface RankedProse extends SentenceRanks {
  readonly prose: WrittenProse;
  readonly sentences: readonly DocumentSentence[];
}

/** Most sentences of a style. */
const MOST = { sentence: 1, paragraph: 3, bullets: 5, title: 1 } as const;

/** A summary in the text's own words; undefined where the text has none to quote. */
export function quoted(ranked: RankedProse, style: SummaryStyle, mostWords?: number): string | undefined {
  if (style === "title") return quotedTitle(ranked, mostWords);
  const { sentences, scores } = ranked;
  // A list also quotes what stands alone.
  const inStyle = style === "bullets" ? sentences : asSentences(sentences);
  const some = inStyle.some(({ isWhole }) => isWhole) ? inStyle : sentences;
  if (style === "sentence")
    return limited(shownText(bestOf(some, scores, mostWords)), mostWords) ?? beginning(ranked, mostWords);
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

/** A sentence as it is quoted alone: a tagline with the stop that it lacks. */
function shownText(sentence: DocumentSentence | undefined): string | undefined {
  return sentence?.isTagline ? `${sentence.text}.` : sentence?.text;
}

/** The document's title, else what its best sentence is about. */
function quotedTitle({ prose, sentences, scores }: RankedProse, mostWords = TITLE_WORDS): string | undefined {
  const best = bestOf(sentences, scores);
  const text = titleOf(prose) ?? (best === undefined ? headingsOf(prose)[0] : titleFrom(best, mostWords));
  return limited(text, mostWords)?.replace(/(?<!\.)\.$/, "");
}

/** The heading that stands first, or alone on the highest level; undefined where it says nothing about the text. */
export function titleOf({ title, blocks }: WrittenProse): string | undefined {
  const highest = blocks.filter(({ level }) => level === 1);
  const text = title !== "" ? title : highest.length === 1 ? (highest[0]?.text ?? "") : "";
  return text === "" || namesAnyPart(text) ? undefined : text;
}

/** Whether a title is the heading of a part. */
export function isPart(prose: WrittenProse, title: string): boolean {
  return headingsOf(prose).some((heading) => heading.toLowerCase() === title.toLowerCase());
}

function headingsOf({ blocks }: WrittenProse): string[] {
  return blocks.filter(({ kind }) => kind === "heading").map(({ text }) => text);
}

/** The beginning of a text whose sentences are all too long to quote whole; none of what shows an address. */
function beginning({ sentences }: RankedProse, mostWords = BEGINNING_WORDS): string | undefined {
  const long = sentences.find(({ text }) => isTooLong(text) && !showsAddress(text));
  return limited(long?.text, Math.min(mostWords, BEGINNING_WORDS));
}

const BEGINNING_WORDS = 30;

/**
 * The sentences with those alone whole that end as such. Paragraphs may lack the stop where none of them has one, as
 * descriptions in settings do.
 */
function asSentences(sentences: readonly DocumentSentence[]): DocumentSentence[] {
  const isEnding = sentences.some(({ text, within, isWhole }) => within === undefined && isWhole && endsSentence(text));
  return sentences.map((sentence) => {
    const isStatement =
      !isEnding &&
      sentence.within === undefined &&
      wordCount(sentence.text) >= LEAST_STATEMENT &&
      !/[?:]$/.test(sentence.text);
    return endsSentence(sentence.text) || isStatement || sentence.isTagline
      ? sentence
      : { ...sentence, isWhole: false };
  });
}

/** Words of a sentence without a stop. */
const LEAST_STATEMENT = 5;

function limited(text: string | undefined, mostWords = Number.POSITIVE_INFINITY): string | undefined {
  const words = text?.split(" ") ?? [];
  if (text === undefined || words.length <= mostWords) return text;
  const beginning = words.slice(0, mostWords).join(" ");
  return `${beginning.replace(/(?<![\s\p{P}])[\s\p{P}]+$/u, "")}…`;
}
