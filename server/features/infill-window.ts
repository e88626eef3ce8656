/** What the model gets to see of a document in one pass: some gaps, and as much text on both sides as its window holds. */
import { fillLength, type LengthHint, spanInput } from "../../models/tokenizer/spans.ts";
import type { LoadedModel } from "../engine/engine.ts";

/** A document with gaps, and the fills so far. */
export interface GappedDocument {
  /** The n + 1 texts around the n gaps. */
  readonly texts: readonly string[];
  /** The n gaps' lengths. */
  readonly hints: readonly (LengthHint | undefined)[];
  /** The n gaps' fills; undefined as long as there is none. */
  readonly fills: (string | undefined)[];
}

/**
 * How many gaps from `first` on one pass should fill: at most 25, fewer where sentinels, the window or the output set a limit.
 * @param maxTokens the encoder's window
 * @returns the index after the last gap
 */
export async function endOfPass(
  model: LoadedModel,
  document: GappedDocument,
  first: number,
  maxTokens: number,
): Promise<number> {
  const most = Math.max(1, Math.min(MOST_GAPS, model.info.sentinelIds.length - 1, document.hints.length - first));
  if (most === 1) return first + 1;
  const between = document.texts
    .slice(first + 1, first + most)
    .map((text) => text.slice(0, maxTokens * CHARACTERS_A_TOKEN));
  const counts = await model.encodeAll(between);
  let input = 2;
  let output = fillLength(document.hints[first]).maxTokens;
  let end = first + 1;
  for (; end < first + most; end++) {
    input += (counts[end - first - 1]?.length ?? 0) + 2;
    output += fillLength(document.hints[end]).maxTokens;
    if (input > MOST_BETWEEN * maxTokens || output > MOST_OUTPUT_TOKENS) break;
  }
  return end;
}

/**
 * Token ids of the encoder's input, eos included, for gaps [first, end): the gaps as sentinels, and the text before and after them
 * with its fills, each side up to half of the window, or more where the other side needs less. Later gaps without a fill are left out.
 */
export async function encodeWindow(
  model: LoadedModel,
  document: GappedDocument,
  first: number,
  end: number,
  maxTokens: number,
): Promise<number[]> {
  const { info } = model;
  const limit = maxTokens * CHARACTERS_A_TOKEN;
  const left = textBefore(document, first, limit);
  const right = textAfter(document, end, limit);
  const encode = async (before: string, after: string): Promise<number[]> => {
    const texts = [before, ...document.texts.slice(first + 1, end), after];
    const parts = spanInput(texts, document.hints.slice(first, end), info.lengthMarks, info.prefixes.infill);
    return [...(await model.encode(parts)), info.config.eosTokenId];
  };
  if (left.length + right.length < maxTokens * USUAL_CHARACTERS_A_TOKEN) {
    const whole = await encode(left, right);
    if (whole.length <= maxTokens) return whole;
  }

  const reach = (other: string) => Math.max(limit / 2, limit - other.length);
  const pieces = [piecesOf(left.slice(-reach(right))).reverse(), piecesOf(right.slice(0, reach(left)))] as const;
  const [least, counted] = await Promise.all([encode("", ""), model.encodeAll(pieces.flat())]);
  const counts = counted.map((ids) => ids.length);
  const needs = [sum(counts.slice(0, pieces[0].length)), sum(counts.slice(pieces[0].length))] as const;
  let ids = least;
  let room = maxTokens - ids.length;
  while (room > 0) {
    const leftRoom = Math.min(needs[0], Math.max(Math.floor(room / 2), room - needs[1]));
    const before = pieces[0].slice(0, fitting(counts, leftRoom)).reverse().join("").trimStart();
    const after = pieces[1].slice(0, fitting(counts.slice(pieces[0].length), room - leftRoom)).join("");
    const made = await encode(before, after);
    if (made.length <= maxTokens) {
      ids = made;
      break;
    }
    room -= made.length - maxTokens;
  }
  return ids;
}

/** Beyond about 27 sentinels in one input T5's fills get worse. */
const MOST_GAPS = 25;
/** Tokens that one pass may produce. */
const MOST_OUTPUT_TOKENS = 512;
/** The text between the gaps of a pass takes at most this share of the window. */
const MOST_BETWEEN = 0.6;
/** More than tokens are long, on average: text beyond needs no counting. */
const CHARACTERS_A_TOKEN = 10;
/** What is longer than so will hardly fit as a whole. */
const USUAL_CHARACTERS_A_TOKEN = 5;

/** The end of the text before a gap, fills included. */
function textBefore({ texts, fills }: GappedDocument, gap: number, limit: number): string {
  let text = "";
  for (let i = gap; i >= 0 && text.length < limit; i--)
    text = (texts[i] ?? "") + (i < gap ? (fills[i] ?? "") : "") + text;
  return text.slice(-limit);
}

/** The beginning of the text after the gaps up to `end`, fills included. */
function textAfter({ texts, fills }: GappedDocument, end: number, limit: number): string {
  let text = "";
  for (let i = end; i < texts.length && text.length < limit; i++) text += (texts[i] ?? "") + (fills[i] ?? "");
  return text.slice(0, limit);
}

/**
 * The text in pieces whose tokens are counted: up to four words with the white space before them, since to count each alone takes
 * longer and fills the window hardly better; long words alone, and long runs without white space in pieces.
 */
function piecesOf(text: string): string[] {
  return text.match(/(?:\s{0,16}\S{1,12}(?!\S)){1,4}|\s{0,16}\S{1,48}|\s{1,16}/gu) ?? [];
}

/** How many of the first counts add up to at most `room`. */
function fitting(counts: readonly number[], room: number): number {
  let total = 0;
  const over = counts.findIndex((count) => {
    total += count;
    return total > room;
  });
  return over < 0 ? counts.length : over;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
