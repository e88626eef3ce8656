/**
 * Features of a document's sentences, by which a ranker tells how well each would stand for the whole. Training and
 * the product compute them here.
 */
import { endsSentence } from "../../../text/sentences.ts";
import { type DocumentSentence, wordCount } from "./sentences.ts";

/** The inputs that the features need besides the sentences. */
export interface FeatureContext {
  /** The document's title; empty where it has none. */
  readonly title: string;
  /** The rarity of a word's stem: its negative log share of documents. */
  readonly idf: (stem: string) => number;
}

/** Names of the features, in the order of a row. */
export const FEATURES = [
  ..."index share paragraph inParagraph section inSection level words characters item quotation ends colon".split(" "),
  ..."titleShare titleWords headingShare beginsWithTitle centrality centralityShare idf pronoun thisPage isA".split(
    " ",
  ),
  ..."youCan question imperative firstPerson digits capitals code commas sentences overview tokens".split(" "),
] as const;

/** The stems of a text's words that say something. */
export function stemsOf(text: string): string[] {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !STOP_WORDS.has(word)).map(stem);
}

/** The features of a document's sentences, and of what may stand for one. */
export interface SentenceFeatures {
  /** [sentences, FEATURES.length], row by row. */
  readonly rows: Float32Array;
  /** The row of another sentence in the place of one. @param index of the sentence in whose place it stands */
  rowOf(sentence: DocumentSentence, index: number): Float32Array;
}

/** The features of each sentence. */
export function sentenceFeatures(sentences: readonly DocumentSentence[], context: FeatureContext): SentenceFeatures {
  const bags = sentences.map(({ text }) => stemsOf(text));
  const counts = new Map<string, number>();
  for (const word of bags.flat()) counts.set(word, (counts.get(word) ?? 0) + 1);
  const central = bags.map((bag) => centralityOf(bag, counts, context));
  const most = central.reduce((a, b) => Math.max(a, b), 1e-9);
  const title = new Set(stemsOf(context.title));
  const row = (sentence: DocumentSentence, i: number, bag: readonly string[], centrality: number): Feature[] => {
    const stems = new Set(bag);
    const heading = new Set(stemsOf(sentence.heading));
    const rarities = [...stems].map(context.idf);
    return [
      ...placeFeatures(sentence, i, sentences.length),
      endsSentence(sentence.text),
      /[:：]$/.test(sentence.text),
      ...[shared(stems, title) / (title.size + 1), shared(stems, title), shared(stems, heading) / (heading.size + 1)],
      ...[title.has(bag[0] ?? ""), centrality, centrality / most],
      rarities.reduce((sum, rarity) => sum + rarity, 0) / (stems.size + 1),
      ...formFeatures(sentence.text),
      ...[sentences.length, OVERVIEW.test(sentence.heading), stems.size],
    ];
  };
  const rows = new Float32Array(sentences.length * FEATURES.length);
  for (const [i, sentence] of sentences.entries())
    rows.set(row(sentence, i, bags[i] ?? [], central[i] ?? 0).map(Number), i * FEATURES.length);
  return {
    rows,
    rowOf(sentence, index) {
      const bag = stemsOf(sentence.text);
      return Float32Array.from(row(sentence, index, bag, centralityOf(bag, counts, context)).map(Number));
    },
  };
}

type Feature = number | boolean;

function placeFeatures(sentence: DocumentSentence, index: number, count: number): Feature[] {
  const { text, paragraph, inParagraph, section, inSection, level, within } = sentence;
  const place = [index, index / count, paragraph, inParagraph, section, inSection, level];
  return [...place, wordCount(text), text.length, within === "item", within === "quotation"];
}

function formFeatures(text: string): Feature[] {
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  return [
    PRONOUN.test(text),
    THIS_PAGE.test(text),
    /\b(?:is|are) (?:a|an|the|one)\b/i.test(text),
    /\byou (?:can|will|may|learn|need|must|should)\b/i.test(text),
    /\?/.test(text),
    IMPERATIVE.test(text),
    /\b(?:I|we|our|us|my)\b/i.test(text),
    count(/\p{N}/gu),
    count(/\p{Lu}/gu) / Math.max(1, text.length),
    count(/[{}<>|\\_=/()]/g),
    count(/[,、，]/g),
  ];
}

const PRONOUN =
  /^(?:this|these|it|they|he|she|that|those|such|however|but|also|then|and|or|so|here|there|for (?:example|instance)|in (?:this|that) (?:case|example)|see|note|to do|if|when|once|as (?:a result|mentioned)|instead|otherwise|additionally|furthermore|finally|next)\b/i;
const THIS_PAGE =
  /^(?:(?:in|on) )?(?:this|the following) (?:page|guide|article|document|documentation|section|tutorial|topic|chapter|post|example|release|proposal|paper|module|package|repository|project|library)\b/i;
const IMPERATIVE =
  /^(?:to \w[^,]*, )?(?:click|select|run|open|press|install|use|add|create|make|set|choose|enter|type|go|see|check|learn|read|configure|enable|follow|start|copy|download|ensure|try)\b/i;
const OVERVIEW =
  /^(?:\d[\d.]* )?(?:overview|introduction|intro|abstract|about|summary|description|what|background|purpose|motivation|synopsis|goals?)\b/i;

/** How much of what the document repeats a sentence has: the weight of its words, by their mean. */
function centralityOf(bag: readonly string[], counts: ReadonlyMap<string, number>, { idf }: FeatureContext): number {
  const words = [...new Set(bag)];
  const weight = words.reduce((sum, word) => sum + Math.log(1 + (counts.get(word) ?? 0)) * idf(word), 0);
  return weight / (words.length + 3);
}

function shared(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let count = 0;
  for (const word of b) if (a.has(word)) count += 1;
  return count;
}

/** Words of one beginning are mostly forms of one. */
function stem(word: string): string {
  return word.length > 6 ? word.slice(0, 6) : word;
}

const STOP_WORDS: ReadonlySet<string> = new Set(
  (
    "a an the of to in on for and or is are be with by as at from that this it its you your can will how which use used " +
    "using when if not we our into has have more all any"
  ).split(" "),
);
