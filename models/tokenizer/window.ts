/** Selects what the model sees of a text with gaps in one pass: the gaps, and as much text on both sides as fits. */
import { encodeInput } from "./parts.ts";
import { type LengthHint, spanInput } from "./spans.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Gaps and the texts around them; the outer two may be much longer than a window. */
export interface SpanWindow {
  /** The n + 1 texts around the n gaps. */
  readonly texts: readonly string[];
  /** The n gaps' lengths. */
  readonly hints: readonly (LengthHint | undefined)[];
  /** Task prefix, for models trained with one. */
  readonly prefix?: string | undefined;
  /** Size of the encoder's window in tokens. */
  readonly maxTokens: number;
}

/** More characters than a token has on average; text further away need not be considered. */
export const CHARACTERS_A_TOKEN = 10;

/**
 * Token ids of the encoder's input, including eos: the gaps as sentinels, the texts between them in full, and up to
 * half of the window for each of the texts before and after them, or more if the other side needs less.
 */
export function encodeWindow(tokenizer: Tokenizer, { texts, hints, prefix, maxTokens }: SpanWindow): number[] {
  const limit = maxTokens * CHARACTERS_A_TOKEN;
  const left = (texts[0] ?? "").slice(-limit);
  const right = (texts.at(-1) ?? "").slice(0, limit);
  const encode = (before: string, after: string): number[] => {
    const parts = spanInput([before, ...texts.slice(1, -1), after], hints, tokenizer.lengthMarks, prefix);
    return encodeInput(tokenizer, parts);
  };
  if (left.length + right.length < maxTokens * USUAL_CHARACTERS_A_TOKEN) {
    const whole = encode(left, right);
    if (whole.length <= maxTokens) return whole;
  }

  const least = encode("", "");
  // Nearest to the gaps first, no more than the window can hold. Separate pieces do not add up exactly, so the room
  // shrinks as needed.
  let room = maxTokens - least.length;
  const before = counted(tokenizer, piecesOf(left.slice(-Math.max(limit / 2, limit - right.length))).reverse(), room);
  const after = counted(tokenizer, piecesOf(right.slice(0, Math.max(limit / 2, limit - left.length))), room);
  while (room > 0) {
    const leftRoom = Math.min(before.total, Math.max(Math.floor(room / 2), room - after.total));
    const ids = encode(
      fitting(before.pieces, leftRoom).reverse().join("").trimStart(),
      fitting(after.pieces, room - leftRoom).join(""),
    );
    if (ids.length <= maxTokens) return ids;
    room -= ids.length - maxTokens;
  }
  return least;
}

/** Longer texts are unlikely to fit as a whole. */
const USUAL_CHARACTERS_A_TOKEN = 5;

interface Piece {
  readonly text: string;
  readonly tokens: number;
}

/**
 * Splits the text into pieces for counting tokens: up to four words with their leading white space, since single
 * words take longer and fill the window hardly better; long words separately, and long runs without white space in
 * pieces.
 */
function piecesOf(text: string): string[] {
  return text.match(/(?:\s{0,16}\S{1,12}(?!\S)){1,4}|\s{0,16}\S{1,48}|\s{1,16}/gu) ?? [];
}

/** The first pieces with their token counts, up to the one that reaches `room`. */
function counted(tokenizer: Tokenizer, texts: readonly string[], room: number): { pieces: Piece[]; total: number } {
  const pieces: Piece[] = [];
  let total = 0;
  for (const text of texts) {
    if (total >= room) break;
    const tokens = tokenizer.encode(text).length;
    pieces.push({ text, tokens });
    total += tokens;
  }
  return { pieces, total };
}

/** The texts of the first pieces that together have at most `room` tokens. */
function fitting(pieces: readonly Piece[], room: number): string[] {
  let total = 0;
  const over = pieces.findIndex(({ tokens }) => {
    total += tokens;
    return total > room;
  });
  return pieces.slice(0, over < 0 ? pieces.length : over).map(({ text }) => text);
}
