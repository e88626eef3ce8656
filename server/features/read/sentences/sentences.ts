/** The sentences of a document's prose, each with its place: what a summary quotes, and what a ranker compares. */
import { endsSentence, sentenceSpans } from "../../../text/sentences.ts";
import type { WrittenBlock } from "../../../text/written-prose.ts";

/** A sentence and where it stands. Numbers of paragraphs, sections and places begin at 0. */
export interface DocumentSentence {
  /** On one line, word for word as the prose has it. */
  readonly text: string;
  /** Code units of the written prose. */
  readonly start: number;
  readonly end: number;
  readonly paragraph: number;
  readonly inParagraph: number;
  readonly section: number;
  readonly inSection: number;
  /** The nearest heading above it; empty without one. */
  readonly heading: string;
  readonly level: number;
  readonly within?: "item" | "quotation";
  /** Whether it is a sentence by its form, or at least all of its paragraph or item. */
  readonly isWhole: boolean;
  /** Present on a line without a stop that says below the title what the document is about, as READMEs have it. */
  readonly isTagline?: true;
}

/** Most sentences that are ranked, some thousand kilobytes: later ones hardly tell what a document is about. */
export const MOST_SENTENCES = 10_000;

/**
 * The sentences of a document's paragraphs and items that have enough words to say something, in order, the first
 * {@link MOST_SENTENCES}; where none has enough, the shorter ones.
 */
export function documentSentences(blocks: readonly WrittenBlock[], locale?: string): DocumentSentence[] {
  const sentences = sentencesFrom(blocks, LEAST_WORDS, locale);
  return sentences.some(({ isWhole }) => isWhole) ? sentences : sentencesFrom(blocks, 2, locale);
}

function sentencesFrom(
  blocks: readonly WrittenBlock[],
  leastWords: number,
  locale: string | undefined,
): DocumentSentence[] {
  const sentences: DocumentSentence[] = [];
  const tagline = blocks.find(({ kind }) => kind !== "heading");
  const isTitled = blocks[0]?.kind === "heading" && blocks[0].level === 1 && blocks[1] === tagline;
  const isAbove = blocks[0] === tagline && blocks.some(({ kind }) => kind === "heading");
  let [section, inSection, paragraph, heading, level] = [0, 0, 0, "", 0];
  for (const block of blocks) {
    if (block.kind === "heading") {
      [section, inSection, heading, level] = [section + 1, 0, block.text, block.level];
      continue;
    }
    if (sentences.length >= MOST_SENTENCES) break;
    const spans = [...sentenceSpans(block.text, locale)];
    for (const [inParagraph, { start, end }] of spans.entries()) {
      const text = block.text.slice(start, end).trim();
      if (wordCount(text) < leastWords) continue;
      const from = block.start + start;
      sentences.push({
        ...{ text, start: from, end: from + text.length, paragraph, inParagraph, section, inSection, heading, level },
        ...(block.within !== undefined && { within: block.within }),
        ...(block === tagline && (isTitled || isAbove) && spans.length === 1 && isTagline(block) && TAGLINE),
        // A sentence that lacks its formula is none.
        isWhole: isWhole(text, spans.length) && !block.holes.some((hole) => hole >= start && hole < end),
      });
      inSection += 1;
    }
    paragraph += 1;
  }
  return sentences;
}

const TAGLINE = { isTagline: true } as const;
const MOST_TAGLINE_WORDS = 30;
/** Lines at a document's top that say something of the document, or lead elsewhere. */
const NO_TAGLINE =
  /[|•·»›]|[^\p{L}\p{N})\]"”’'+]$|^\P{L}{6}|^[\p{L} ]{1,24}: |\b(?:19|20)\d\d\b|^(?:by|table of|back to|see (?:also|the)|read (?:the|more|this)|home ?page|build (?:status|passing)|version \P{L}|draft (?:for|of|version)|(?:last )?(?:updated|changed|published|posted|modified))\b/iu;

function isTagline({ text, within, kind }: WrittenBlock): boolean {
  const words = wordCount(text);
  if (kind !== "paragraph" || within !== undefined || words < LEAST_WORDS || words > MOST_TAGLINE_WORDS) return false;
  return !endsSentence(text) && !NO_TAGLINE.test(text) && !showsAddress(text);
}

/** Words between blanks; in scripts that have none, about two characters each. */
export function wordCount(sentence: string): number {
  const unspaced = sentence.match(UNSPACED)?.length ?? 0;
  return sentence.split(" ").length + unspaced / 2;
}

const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/gu;
const LEAST_WORDS = 4;
/** Longer sentences are mostly lists or tables that lost their marks. */
const MOST_WORDS = 80;
const ADDRESS = /\b(?:https?|ftp|mailto|file):\S/i;

/** Whether a sentence is too long to be quoted whole. */
export function isTooLong(text: string): boolean {
  return wordCount(text) > MOST_WORDS;
}

/** Whether a text shows an address, which is not to be quoted. */
export function showsAddress(text: string): boolean {
  return ADDRESS.test(text);
}

/** Sentences that send the reader elsewhere, bylines, licenses, and what says where a package is to be had. */
const POINTERS = [
  /^(?:for|to)\b[^.:,]{0,80}, (?:please )?(?:see|refer to|visit|consult)\b/i,
  /^for (?:more|further|additional|other|another)\b[^.:,]{0,80} (?:see|refer to|visit)\b/i,
  /^(?:please )?(?:see|refer to|visit|consult|read more|learn more)\b/i,
  /^(?:click|tap) here\b/i,
  /^you (?:probably|may|might) (?:also |rather |really )?(?:want|prefer|like|need|be looking for)\b/i,
  /\b[Ww]ritten by \p{Lu}/u,
  /\b(?:licen[cs]ed|released|distributed|published|available) under (?:the |an? )?(?:terms|conditions|MIT|ISC|BSD|Apache|L?GPL|AGPL|MPL|CC[ -]|[\w.-]+ (?:v?[\d.]+ )?licen[cs]e)/i,
  /\bavailable (?:through|on|from|via|in|at) (?:the )?(?:npm|PyPI|crates\.io|Maven Central|RubyGems|NuGet|Packagist|CRAN|conda-forge|Hex)\b/i,
  /\bbecome a (?:sponsor|backer)\b/i,
  /\b(?:maintainers|us|me|our|my|(?:this|the) project)\b[^.]{0,120}\b(?:Tidelift|Open Collective|Patreon|GitHub Sponsors)\b/i,
];

/**
 * A sentence ends as one; what stands alone, such as an item, need not, unless something must follow it. What shows an
 * address is not to be quoted.
 */
function isWhole(text: string, inParagraph: number): boolean {
  // "(a)" begins one part of an answer or list.
  if (isTooLong(text) || showsAddress(text) || /^[,;:)\]}|…-]|^\p{Ll}+[)\]]|^\([a-z\d]{1,3}\)/u.test(text))
    return false;
  if (POINTERS.some((pattern) => pattern.test(text))) return false;
  return endsSentence(text) || (inParagraph === 1 && !/[,;:：、，([{-]$/u.test(text));
}
