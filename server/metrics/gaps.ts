/** Cuts words, short phrases and sentences out of prose, so that a model's fills can be compared with the original. */
import { seededRandom, seededSample } from "../../models/random.ts";
import { sentenceSpans } from "../text/sentences.ts";

/** The kind of a gap: a content word, a function word, two to five words, or a sentence of 5 to 30 words. */
export type GapKind = (typeof gapKinds)[number];

/** In the order in which they are cut. */
const gapKinds = ["content", "function", "phrase", "sentence"] as const;

/** A passage with one gap: `before` + `fill` + `after`. */
export interface Gap {
  readonly kind: GapKind;
  readonly before: string;
  readonly fill: string;
  readonly after: string;
}

/** One gap of each kind that a document's prose allows, chosen with the seed. */
export function cutGaps(text: string, seed: number): Gap[] {
  const blocks = proseBlocks(text);
  const random = seededRandom(seed);
  const gaps: Gap[] = [];
  for (const kind of gapKinds) {
    // A few blocks may lack a word of the kind.
    for (const block of seededSample(blocks, 5, random)) {
      const candidates = placesOf(block.text, kind, random);
      const [cut] = seededSample(candidates, 1, random);
      if (cut === undefined) continue;
      const from = block.start + cut.start;
      gaps.push({
        kind,
        before: before(text, from, block.start),
        fill: cut.text,
        after: after(text, from + cut.text.length, block.start + block.text.length),
      });
      break;
    }
  }
  return gaps;
}

/** Whether a word is one of English's function words (articles, prepositions, pronouns, auxiliaries, conjunctions). */
export function isFunctionWord(word: string): boolean {
  return functionWords.has(word.toLowerCase());
}

/** Maximum number of characters on each side of a gap; whole paragraphs if they fit. */
const contextCharacters = 800;

const functionWords: ReadonlySet<string> = new Set(
  (
    "a about above across after again against all along also although always am among an and another any are around as at " +
    "away back be because been before being below between both but by can cannot could did do does doing done down during " +
    "each either else even ever every few for from further had has have having he her here hers him his how however i if in " +
    "instead into is it its itself just least less like many may me might more most much must my neither never no nor not " +
    "now of off often on once one only onto or other our out over own per rather same shall she should since so some still " +
    "such than that the their them then there these they this those through thus to together too toward under until up upon " +
    "us very via was we were what whatever when where whether which while who whom whose why will with within without would " +
    "yet you your yours yourself"
  ).split(" "),
);

interface Place {
  readonly text: string;
  readonly start: number;
}

/** Paragraphs of running text, without headings, lists, tables, code, or markup. */
function proseBlocks(text: string): Place[] {
  const blocks: Place[] = [];
  let fenced = false;
  for (const { 0: block, index } of text.matchAll(/(?<=^|\n)[^\n]*\S(?:[^\n]|\n(?!\s*\n))*/g)) {
    const fences = block.match(/^[ \t]*(?:```|~~~|:::)/gm)?.length ?? 0;
    const prose = !fenced && fences === 0 && /^[A-Z"“(]/.test(block) && !/[|{}<>=]|^[ \t]*[-*#:]/m.test(block);
    if (prose && block.length >= 80 && /[.!?:]["”)]?\s*$/.test(block)) blocks.push({ text: block, start: index });
    if (fences % 2 === 1) fenced = !fenced;
  }
  return blocks;
}

function placesOf(block: string, kind: GapKind, random: () => number): Place[] {
  if (kind === "phrase") return phrases(block, random);
  return kind === "sentence" ? sentences(block) : words(block, kind);
}

/** Sentences that share a line with others. Strict, because an apparent end may be an abbreviation's period. */
function sentences(block: string): Place[] {
  return [...sentenceSpans(block, "en")]
    .map(({ start, end }) => ({ text: block.slice(start, end).trimEnd(), start }))
    .filter(({ text }) => {
      const length = text.split(/\s+/).length;
      const whole = /^["“(]?\p{Lu}.*\p{L}{3}[”")]*[.!?][”")]*$/u.test(text);
      return whole && length >= 5 && length <= 30 && text !== block.trim();
    });
}

function words(block: string, kind: "content" | "function"): Place[] {
  return [...block.matchAll(/(?<=\s|^)\p{L}+(?=[\s.,;:!?)]|$)/gu)]
    .map((match) => ({ text: match[0], start: match.index }))
    .filter(({ text }) => isFunctionWord(text) === (kind === "function") && (kind === "function" || text.length > 2));
}

/** Runs of two to five words on one line, separated by single spaces. */
function phrases(block: string, random: () => number): Place[] {
  const count = 2 + Math.floor(random() * 4);
  const run = new RegExp(`(?<=\\s|^)(?=((?:\\p{L}+ ){${count - 1}}\\p{L}+)(?=[\\s.,;:!?)]|$))`, "gu");
  return [...block.matchAll(run)].map((match) => ({ text: match[1] ?? "", start: match.index }));
}

/** The text before a gap, from the start of the earliest paragraph that still fits. */
function before(text: string, end: number, blockStart: number): string {
  let start = blockStart;
  for (;;) {
    const earlier = text.slice(0, start).trimEnd().lastIndexOf("\n\n");
    const next = earlier < 0 ? 0 : earlier + 2;
    if (next >= start || end - next > contextCharacters) break;
    start = next;
  }
  return text.slice(Math.max(start, end - 2 * contextCharacters), end);
}

function after(text: string, start: number, blockEnd: number): string {
  let end = blockEnd;
  for (;;) {
    const paragraphEnd = text.indexOf("\n\n", end + 1);
    const next = paragraphEnd < 0 ? text.trimEnd().length : paragraphEnd;
    if (next <= end || next - start > contextCharacters) break;
    end = next;
  }
  return text.slice(start, Math.min(end, start + 2 * contextCharacters));
}
