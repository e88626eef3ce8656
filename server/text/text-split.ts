/** Cuts a text of any length into back-to-back spans that fit a window of tokens, so that nothing is left out. */
import { sentenceSpans } from "./sentences.ts";

/** Tokens of each text alone. */
export type CountTokens = (texts: readonly string[]) => Promise<readonly number[]>;

/** A piece of a text: code units `start`..`end`, and about how many tokens it is. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /** Sum of its pieces' tokens; the whole encoded at once may differ by a few. */
  readonly tokens: number;
}

/** The options of the cutting. */
export interface SplitOptions {
  readonly countTokens: CountTokens;
  /** BCP 47 tag for sentence borders; the system's when absent. */
  readonly locale?: string;
  /** Where headings begin, ascending; a span ends before one that comes in its second half. */
  readonly headings?: readonly number[];
  readonly signal?: AbortSignal;
}

/**
 * Spans that follow one another and together are the whole text: cut before headings and at blank lines, else between
 * sentences, else between words, else inside a word (never inside a surrogate pair). Every piece is counted once, so
 * the time is linear in the text.
 * @param windowTokens most tokens of a span, at least 1
 * @returns spans of at most windowTokens, save a single character that needs more; fewer when the signal aborts
 */
export async function splitText(text: string, windowTokens: number, options: SplitOptions): Promise<Span[]> {
  const spans: Span[] = [];
  await pack({ text, windowTokens, options, spans }, 0, text.length, 0);
  return spans;
}

/** Characters of a piece that is cut further without asking the tokenizer: no window holds so much. */
const LARGEST_PIECE = 16_384;
const BATCH_PIECES = 256;
const BATCH_CHARACTERS = 65_536;
const SLICE_CHARACTERS = 16;

interface Packing {
  readonly text: string;
  readonly windowTokens: number;
  readonly options: SplitOptions;
  readonly spans: Span[];
}

/** Packs the pieces of one level greedily into spans; a piece too large for a window is packed by the next level. */
async function pack(packing: Packing, start: number, end: number, level: number): Promise<void> {
  const { text, windowTokens, options, spans } = packing;
  let open: Span | undefined;
  const close = () => {
    if (open !== undefined) spans.push(open);
    open = undefined;
  };
  for (const batch of batches(piecesOf(text, start, end, level, options))) {
    if (options.signal?.aborted) break;
    // What is all of a piece that was too large one level up needs no counting again.
    const whole = (piece: Piece) => level > 0 && piece.start === start && piece.end === end;
    const small = batch.filter((piece) => piece.end - piece.start <= LARGEST_PIECE && !whole(piece));
    const counts = await options.countTokens(small.map((piece) => text.slice(piece.start, piece.end)));
    let counted = 0;
    for (const piece of batch) {
      const tokens = small[counted] === piece ? (counts[counted++] ?? 0) : Number.POSITIVE_INFINITY;
      if (tokens > windowTokens && piece.end - piece.start > 1 && level < LEVELS.length - 1) {
        close();
        await pack(packing, piece.start, piece.end, level + 1);
        continue;
      }
      if (tokens > windowTokens && piece.end - piece.start > 2) {
        close();
        await halve(packing, piece.start, piece.end);
        continue;
      }
      const full = open !== undefined && open.tokens + tokens > windowTokens;
      const turn = open !== undefined && piece.heading && open.tokens > windowTokens / 2;
      if (full || turn) close();
      open = { start: open?.start ?? piece.start, end: piece.end, tokens: (open?.tokens ?? 0) + tokens };
    }
  }
  close();
}

/** The last resort: a slice of a few characters that normalizes to more tokens than a window. */
async function halve(packing: Packing, start: number, end: number): Promise<void> {
  const { text, windowTokens, options, spans } = packing;
  const middle = borderBefore(text, start + Math.ceil((end - start) / 2), start);
  for (const [from, to] of [
    [start, middle],
    [middle, end],
  ] as const) {
    const [tokens = 0] = await options.countTokens([text.slice(from, to)]);
    if (tokens > windowTokens && to - from > 2) await halve(packing, from, to);
    else if (to > from) spans.push({ start: from, end: to, tokens });
  }
}

interface Piece {
  readonly start: number;
  readonly end: number;
  readonly heading?: boolean;
}

type Level = (text: string, start: number, end: number, options: SplitOptions) => Iterable<Piece>;
const LEVELS: readonly Level[] = [blocks, sentences, words, slices];

function piecesOf(text: string, start: number, end: number, level: number, options: SplitOptions) {
  return (LEVELS[level] ?? slices)(text, start, end, options);
}

/** Paragraphs with the blank lines after them; a heading starts a new one. */
function* blocks(text: string, start: number, end: number, { headings = [] }: SplitOptions): Iterable<Piece> {
  const blankLines = /\n[ \t\r]*\n\s*/g;
  blankLines.lastIndex = start;
  const starts = new Set(headings);
  let next = headings.findIndex((heading) => heading > start);
  let from = start;
  for (let match = blankLines.exec(text); ; match = blankLines.exec(text)) {
    // Blank lines belong to the block before them, the next line's indentation to that line.
    const after =
      match === null || match.index >= end ? end : text.lastIndexOf("\n", match.index + match[0].length - 1) + 1;
    for (; next >= 0 && (headings[next] ?? end) < after; next++) {
      const heading = headings[next] ?? end;
      if (heading <= from) continue;
      yield { start: from, end: heading, heading: starts.has(from) };
      from = heading;
    }
    if (from < after) yield { start: from, end: after, heading: starts.has(from) };
    from = after;
    if (after >= end) return;
    blankLines.lastIndex = after;
  }
}

function* sentences(text: string, start: number, end: number, { locale }: SplitOptions): Iterable<Piece> {
  // By lines, or by runs where a line is long: a piece of text that has no sentences stays small.
  for (const run of runs(text, start, end)) {
    for (const span of sentenceSpans(text.slice(run.start, run.end), locale)) {
      yield { start: run.start + span.start, end: run.start + span.end };
    }
  }
}

function* words(text: string, start: number, end: number): Iterable<Piece> {
  const word = /\s*\S+\s*|\s+/g;
  word.lastIndex = start;
  for (let match = word.exec(text); match !== null && match.index < end; match = word.exec(text)) {
    const stop = Math.min(match.index + match[0].length, end);
    yield { start: match.index, end: stop };
    if (stop === end) return;
  }
}

function* slices(text: string, start: number, end: number): Iterable<Piece> {
  for (let from = start; from < end; ) {
    const to = from + SLICE_CHARACTERS >= end ? end : borderBefore(text, from + SLICE_CHARACTERS, from);
    yield { start: from, end: to };
    from = to;
  }
}

/** Stretches of at most LARGEST_PIECE characters, ending after white space where there is some. */
function* runs(text: string, start: number, end: number): Iterable<Piece> {
  for (let from = start; from < end; ) {
    let to = Math.min(from + LARGEST_PIECE, end);
    if (to < end) {
      const space = Math.max(text.lastIndexOf("\n", to - 1), text.lastIndexOf(" ", to - 1)) + 1;
      to = space > from ? space : borderBefore(text, to, from);
    }
    yield { start: from, end: to };
    from = to;
  }
}

/** `at`, or one less where that would part a surrogate pair (and still leave something after `low`). */
function borderBefore(text: string, at: number, low: number): number {
  const code = text.charCodeAt(at);
  const inside = code >= 0xdc00 && code <= 0xdfff && at - 1 > low;
  return inside ? at - 1 : at;
}

function* batches(pieces: Iterable<Piece>): Iterable<Piece[]> {
  let batch: Piece[] = [];
  let characters = 0;
  for (const piece of pieces) {
    batch.push(piece);
    characters += piece.end - piece.start;
    if (batch.length < BATCH_PIECES && characters < BATCH_CHARACTERS) continue;
    yield batch;
    batch = [];
    characters = 0;
  }
  if (batch.length > 0) yield batch;
}
