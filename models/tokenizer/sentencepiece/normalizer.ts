/** Normalization of a text as SentencePiece does it. @see Normalizer::Normalize, sentencepiece normalizer.cc */
import type { CharacterMap } from "../pipeline/character-map.ts";
import { escaped } from "../pipeline/part.ts";
import { WORD_START } from "../unigram.ts";

/** The options of a SentencePiece model that concern normalization. */
export interface NormalizerOptions {
  readonly map: CharacterMap | undefined;
  readonly addDummyPrefix: boolean;
  readonly removeExtraWhitespaces: boolean;
  readonly escapeWhitespaces: boolean;
  readonly whitespaceAsSuffix: boolean;
  /** User-defined symbols, which stay as they are. */
  readonly symbols: readonly string[];
}

/**
 * Creates the normalizer.
 * @returns a function of a text, and of whether a space is put before it (or behind it) where the model says so
 */
export function createSentencePieceNormalizer(options: NormalizerOptions): (text: string, prefixes: boolean) => string {
  const { map, removeExtraWhitespaces: trims, whitespaceAsSuffix } = options;
  const space = options.escapeWhitespaces ? WORD_START : " ";
  const { prefix, keepsAscii } = mappedPrefixes(map, options.symbols);
  const mappedText = (text: string): string | undefined => {
    const pieces: string[] = [];
    let at = 0;
    if (trims) {
      while (at < text.length) {
        const { length, mapped } = prefix(text, at);
        if (mapped !== " ") break;
        at += length;
      }
    }
    if (at >= text.length) return undefined;
    let afterSpace = trims;
    while (at < text.length) {
      const { length, mapped } = prefix(text, at);
      at += length;
      const shown = afterSpace ? mapped.replace(/^ +/, "") : mapped;
      if (shown !== "") {
        pieces.push(shown);
        afterSpace = shown.endsWith(" ");
      }
      if (!trims) afterSpace = false;
    }
    return pieces.join("");
  };
  return (text, prefixes) => {
    const mapped = /^[ -~]*$/.test(text) && keepsAscii() ? asciiText(text, trims) : mappedText(text);
    if (mapped === undefined) return "";
    const dummy = prefixes && options.addDummyPrefix ? space : "";
    let whole = mapped.replaceAll(" ", space);
    if (!whitespaceAsSuffix) whole = dummy + whole;
    if (trims) {
      let end = whole.length;
      while (end > 0 && whole.startsWith(space, end - space.length)) end -= space.length;
      whole = whole.slice(0, end);
    }
    return whitespaceAsSuffix ? whole + dummy : whole;
  };
}

/** A text that no character map changes, with white space as a map would leave it; undefined if nothing is left. */
function asciiText(text: string, trims: boolean): string | undefined {
  const left = trims ? text.replace(/ {2,}/g, " ").replace(/^ /, "") : text;
  return left === "" ? undefined : left;
}

interface Prefix {
  /** UTF-16 units of the text. */
  readonly length: number;
  readonly mapped: string;
}

/**
 * A reader of what a text begins with (a symbol, the longest sequence of the map, a character), and whether printable
 * characters of ASCII stay as they are.
 */
function mappedPrefixes(map: CharacterMap | undefined, symbols: readonly string[]) {
  const symbol =
    symbols.length === 0
      ? undefined
      : new RegExp(
          [...symbols]
            .sort((a, b) => b.length - a.length)
            .map(escaped)
            .join("|"),
          "y",
        );
  const firsts = new Set(symbols.map((text) => text.charCodeAt(0)));
  const known = new Map<number, { readonly prefix: Prefix; readonly following: ReadonlySet<number> }>();
  const character = (point: number) => {
    let entry = known.get(point);
    if (entry === undefined) {
      const text = String.fromCodePoint(point);
      const following = map?.following(encoder.encode(text)) ?? new Set<number>();
      entry = { prefix: longest(map, text), following };
      known.set(point, entry);
    }
    return entry;
  };
  let ascii: boolean | undefined;
  const isKept = (point: number) => {
    const { prefix, following } = character(point);
    return prefix.mapped === String.fromCharCode(point) && ![...following].some((byte) => byte >= 32 && byte < 127);
  };
  const keepsAscii = (): boolean => {
    ascii ??= symbols.length === 0 && Array.from({ length: 95 }, (_, i) => 32 + i).every(isKept);
    return ascii;
  };
  const prefix = (text: string, at: number): Prefix => {
    if (symbol !== undefined && firsts.has(text.charCodeAt(at))) {
      symbol.lastIndex = at;
      const match = symbol.exec(text);
      if (match !== null) return { length: match[0].length, mapped: match[0] };
    }
    const { prefix, following } = character(text.codePointAt(at) ?? 0);
    const next = at + prefix.length;
    if (following.size === 0 || next >= text.length || !following.has(firstByte(text.charCodeAt(next)))) return prefix;
    return longest(map, text.slice(at, at + MOST_UNITS));
  };
  return { prefix, keepsAscii };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function longest(map: CharacterMap | undefined, text: string): Prefix {
  const bytes = encoder.encode(text);
  const found = map?.find(bytes, 0, "longest");
  if (found !== undefined && found.length > 0)
    return { length: decoder.decode(bytes.subarray(0, found.length)).length, mapped: found.text };
  const character = String.fromCodePoint(text.codePointAt(0) ?? 0);
  return { length: character.length, mapped: /\p{Cs}/u.test(character) ? "\uFFFD" : character };
}

/** The first byte, in UTF-8, of the character that begins with a UTF-16 unit. */
function firstByte(unit: number): number {
  if (unit < 0x80) return unit;
  if (unit < 0x800) return 0xc0 | (unit >> 6);
  return unit >= 0xd800 && unit < 0xdc00 ? 0xf0 | ((unit - 0xd7c0) >> 8) : 0xe0 | (unit >> 12);
}

/** UTF-16 units of the longest sequence in a map; those of nmt_nfkc have fewer. */
const MOST_UNITS = 24;
