/**
 * Sentence borders: Unicode's, by Intl.Segmenter, corrected for abbreviations, initials, numbers, names of files and
 * products, parentheses and ellipses. Every part of the program that splits sentences asks here.
 */

/** A sentence with the white space after it: code units `start`..`end`. */
export interface SentenceSpan {
  readonly start: number;
  readonly end: number;
}

/** The sentences of a text, trimmed, without empty ones. */
export function sentencesOf(text: string, locale?: string): string[] {
  const sentences: string[] = [];
  for (const { start, end } of sentenceSpans(text, locale)) {
    const sentence = text.slice(start, end).trim();
    if (sentence !== "") sentences.push(sentence);
  }
  return sentences;
}

/**
 * Back-to-back spans that are the whole text, a sentence each. A line break ends a sentence: join soft ones before, as
 * the document model's prose does.
 * @param locale BCP 47 tag; the system's when absent
 */
export function* sentenceSpans(text: string, locale?: string): Iterable<SentenceSpan> {
  let start = 0;
  let openParentheses = 0;
  for (const { start: from, end: to } of unicodeSentences(text, segmenterOf(locale))) {
    const end = /[。！？][「『（【]$/.test(text.slice(from, to)) ? to - 1 : to;
    openParentheses += parenthesesIn(text.slice(from, end));
    if (end === text.length || !isBorder(text, { start, end, openParentheses })) continue;
    yield* atBullets(text, start, end);
    start = end;
    openParentheses = 0;
  }
  if (start < text.length) yield* atBullets(text, start, text.length);
}

/** Whether a text ends as a sentence does, in any script. */
export function endsSentence(text: string): boolean {
  return /[.!?…。！？．｡।॥؟۔።។။༎][\p{Pe}\p{Pf}"'’”*_`]*\s*$/u.test(text);
}

const segmenters = new Map<string | undefined, Intl.Segmenter>();

/** Segmenters are costly to make and hold no state. */
function segmenterOf(locale: string | undefined): Intl.Segmenter {
  const segmenter = segmenters.get(locale) ?? new Intl.Segmenter(locale, { granularity: "sentence" });
  segmenters.set(locale, segmenter);
  return segmenter;
}

/** Characters segmented at once: the segmenter's time grows with the square of the sentences that it is given. */
const WINDOW = 2048;

/** Unicode's sentences of a text of any length, in linear time. */
function* unicodeSentences(text: string, segmenter: Intl.Segmenter): Iterable<SentenceSpan> {
  let size = WINDOW;
  for (let from = 0; from < text.length; ) {
    const window = text.slice(from, from + size);
    const isLast = from + size >= text.length;
    let done = 0;
    for (const { index, segment } of segmenter.segment(window)) {
      // The window cuts its last sentence, which begins the next window.
      if (!isLast && index + segment.length === window.length) break;
      done = index + segment.length;
      yield { start: from + index, end: from + done };
    }
    from += done;
    size = done === 0 ? size * 2 : WINDOW;
    if (isLast) return;
  }
}

interface Border extends SentenceSpan {
  /** Parentheses that the sentence has opened and not closed. */
  readonly openParentheses: number;
}

/** Characters that are looked at on either side of a border. */
const LOOK = 80;

/** Whether what Unicode takes for a sentence's end is one. */
function isBorder(text: string, { start, end, openParentheses }: Border): boolean {
  const whole = text.slice(Math.max(start, end - LOOK), end);
  if (/[\n\r\u2028\u2029]$/.test(whole)) return true;
  const before = whole.trimEnd();
  const after = text.slice(end, end + LOOK);
  // Names of files, addresses and products: ".NET", "Yahoo!Mail", "System.Text".
  if (before.length === whole.length && /[.!?]$/.test(before)) return false;
  if (/^\p{Ll}/u.test(after)) return false;
  // Speech that a Japanese sentence goes on after; a mark that opens or closes speech goes with it.
  if (/[。！？][」』]$/.test(before) && /^\p{sc=Hiragana}/u.test(after)) return false;
  if (/^[」』]|^[»›”](?:[\s.,;:!?)]|$)/.test(after)) return false;
  // The mark of a list's item: "1." or "• 9.)".
  const fromStart = end - start <= LOOK;
  if (fromStart && /^\s*(?:\p{N}{1,3}|\p{L})[.)]{1,2}$/u.test(before)) return false;
  if (/(?:^|\s)[•⁃]\s*(?:\p{N}{1,3}|\p{L})[.)]{1,2}$/u.test(before)) return false;
  if (openParentheses > 0 && /^[^()\n]{0,70}\)\s*[\p{Ll}.,;:]/u.test(after)) return false;
  // An omission, unless a fourth dot ends the sentence; a source in parentheses.
  if (/[^.\s]\s\. ?\. ?\.$/.test(before) || /^\(\p{Lu}[^()\n]{0,60}\d\)[.,;]/u.test(after)) return false;
  if (GERMAN_DATE.test(before) && /^(?:Ja|Fe|Mä|Ap|Ma|Ju|Au|Se|Ok|No|De)\p{Ll}+/u.test(after)) return false;
  return !isAbbreviated(before, after);
}

const GERMAN_DATE = /\b(?:am|vom|zum|bis|ab|der|den|dem|des|im) \p{N}{1,2}\.$/iu;

/** Whether the period that ends `before` belongs to an abbreviation or initial, and `after` goes on. */
function isAbbreviated(before: string, after: string): boolean {
  const found = /(?:^|[\s([{"'“‘«/-])((?:\p{L}+\.(?: (?=\p{L}{1,2}\.))?){0,9}\p{L}+|N°)\.$/u.exec(before);
  const word = found?.[1];
  if (word === undefined) return false;
  const plain = word.replaceAll(". ", ".");
  const lower = plain.toLowerCase();
  if (NEVER_LAST.has(lower)) return true;
  if (BEFORE_NUMBER.has(lower)) return /^(?:\p{N}|[IVX]+\b|\p{Lu}(?:[.:)\d]|\p{Lu}*\d))/u.test(after);
  const starts = STARTERS.has(/^["'“‘(]*([\p{L}’']+)/u.exec(after)?.[1]?.replace(/[’'].*/, "") ?? "");
  if (MAY_BE_LAST.has(lower) || /^(?:\p{Lu}\p{Ll}?\.)+\p{Lu}\p{Ll}?$/u.test(plain)) return !starts;
  // "J. R. R. Tolkien", "z. B."
  if (/^\p{L}$/u.test(plain) && /^\p{L}\.(?:\s|\p{L}\.)/u.test(after)) return true;
  return !starts && /^\p{Lu}$/u.test(plain) && isInitial(before);
}

/** Whether the single letter at the end is a person's: it follows a name, another initial, or nothing. */
function isInitial(before: string): boolean {
  return (
    /(?:^|[(“"]|\b(?:by|à|de|par|et|avec) |\p{Lu}\p{Ll}+ |\p{Lu}\. ?)\p{Lu}\.$/u.test(before) &&
    !/(?:^|\s)(?:Plan|Option|Step|Part|Appendix|Figure|Table|Type|Class|Vitamin|Team|Group|Section|Case) \p{Lu}\.$/iu.test(
      before,
    )
  );
}

/** Opening parentheses less closing ones. */
function parenthesesIn(text: string): number {
  let open = 0;
  for (const mark of text.match(/[()]/g) ?? []) open += mark === "(" ? 1 : -1;
  return open;
}

/** Parts at bullets and "(b)", which no sentence goes across, and after an ellipsis that ends a word. */
function* atBullets(text: string, start: number, end: number): Iterable<SentenceSpan> {
  let from = start;
  for (const { index } of text.slice(start, end).matchAll(UNSEEN)) {
    yield { start: from, end: start + index };
    from = start + index;
  }
  yield { start: from, end };
}

const UNSEEN =
  /(?<=\S\s)(?=[•⁃]\s?\S)|(?<=[^\s.]…["”’)]?\s)(?=\p{Lu})|(?<=[.!?%]\s)(?=\((?:[a-z]|[ivx]{1,4}|\d{1,2})\) \p{Lu})/gu;

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** A name, number or explanation follows these. */
const NEVER_LAST = words(
  "mr mrs ms messrs mx dr prof rev fr hon st mt ft gen col capt lt sgt maj cmdr adm gov sen rep pres supt e.g i.e eg ie " +
    "vs cf viz approx incl excl resp a.k.a w.r.t i.a esp z.b d.h u.a bzw inkl ggf evtl mio mrd fa sog vgl u p.ex env mme mlle dott sig sra dra",
);

/** These end a sentence unless a number follows. */
const BEFORE_NUMBER = words(
  "no nos nr n° núm p pp pag pág fig figs eq eqs sec sect ch chap vol vols v ver art para ex ca est min max ref rfc tab sp ss jan feb " +
    "mar apr jun jul aug sep sept oct nov dec",
);

/** These end a sentence if the next word usually begins one. */
const MAY_BE_LAST = words("co inc ltd corp llc jr sr bros dept univ assn al a.m p.m ave blvd rd ph.d m.d b.a m.a u.co");

/** Words that begin a sentence rather than go on with a name. */
const STARTERS = words(
  "A After All Also An And Any Are As At Because Before Both But By Can Did Do Does Each Even Every Finally First For From " +
    "He Her Here His How However I If In Instead Is It Its Let Many Most My No Not Now On Once One Only Or Other Our She " +
    "Since So Some Such Than Thanks That The Their Then There These They This Those Though Thus To Until We Were What When " +
    "Where Which While Who Why Will With You Your",
);
