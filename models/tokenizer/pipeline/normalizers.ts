/** Normalizers of tokenizer.json. @see huggingface/tokenizers, src/normalizers */

import { byteText } from "./byte-level.ts";
import { type CharacterMap, readCharacterMap } from "./character-map.ts";
import { flag, inTurn, type Part, partsOf, patternOf, replacer, textField, unsupported } from "./part.ts";

/** A text, normalized. */
export type Normalizer = (text: string) => string;

/**
 * Creates a normalizer.
 * @throws ModelError "tokenizer" that names the part which is not known
 */
export function createNormalizer(part: Part): Normalizer {
  const { type } = part;
  switch (type) {
    case "Sequence": {
      const steps = partsOf(part, "normalizers", "normalizer").map(createNormalizer);
      return inTurn(steps, (text) => text.length, "normalizer");
    }
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD":
      return (text) => text.normalize(type);
    case "Lowercase":
      return lowercase;
    case "Strip":
      return stripper(flag(part, "strip_left", true), flag(part, "strip_right", true));
    case "StripAccents":
      return (text) => text.replace(/\p{M}/gu, "");
    case "Nmt":
      return nmt;
    case "Replace": {
      const pattern = patternOf(part, "normalizer");
      const content = textField(part, "content", "normalizer");
      return replacer(pattern, content, "normalizer");
    }
    case "Prepend": {
      const prepend = textField(part, "prepend", "normalizer");
      return (text) => (text === "" ? text : prepend + text);
    }
    case "Precompiled":
      return precompiled(textField(part, "precompiled_charsmap", "normalizer"));
    case "BertNormalizer": {
      const steps = normalizersOfBert(part);
      return (text) => steps.reduce((normalized, step) => step(normalized), text);
    }
    case "ByteLevel":
      return byteText;
    default:
      throw unsupported(`its normalizer has the type ${String(type)}, which is not known`);
  }
}

/** Each character by itself: the final sigma, which depends on its neighbors, stays an ordinary one. */
function lowercase(text: string): string {
  if (!/[Σİ]/.test(text)) return text.toLowerCase();
  return Array.from(text, (character) => character.toLowerCase()).join("");
}

function stripper(left: boolean, right: boolean): Normalizer {
  return (text) => {
    const begun = left ? text.replace(/^\p{White_Space}+/u, "") : text;
    return right ? begun.slice(0, endOfText(begun)) : begun;
  };
}

/** Where a text's final white space begins; a pattern would take time quadratic in inner white space. */
function endOfText(text: string): number {
  let end = text.length;
  while (end > 0 && /\p{White_Space}/u.test(text.charAt(end - 1))) end -= 1;
  return end;
}

function nmt(text: string): string {
  return text.replace(NMT_REMOVED, "").replace(NMT_SPACES, " ");
}

const NMT_REMOVED = characterClass("0001-0008 000B 000E-001F 007F 008F 009F");
const NMT_SPACES = characterClass("0009 000A 000C 000D 1680 200B-200F 2028 2029 2581 FEFF FFFD");

/** A pattern of code points and ranges of them, in hexadecimal. */
function characterClass(ranges: string): RegExp {
  return new RegExp(`[${ranges.replace(/[0-9A-F]{4}/g, "\\u$&").replaceAll(" ", "")}]`, "g");
}

/** A text in parts, each with what a character map makes of it. */
type Mapped = readonly [from: string, to: string][];

/**
 * A Precompiled part as a function: each grapheme of less than six bytes by the shortest sequence that it begins with,
 * in whole; characters of others one by one.
 * @see Precompiled, src/normalizers/precompiled.rs: "Yes, this is weird"
 */
export function readPrecompiled(base64: string): (text: string) => Mapped {
  if (base64 === "") return (text) => [[text, text]];
  return mappedBy(readCharacterMap(Buffer.from(base64, "base64")));
}

function mappedBy(map: CharacterMap): (text: string) => Mapped {
  const encoder = new TextEncoder();
  const characters = new Map<string, string>();
  const mapped = (text: string): string | undefined => map.find(encoder.encode(text), 0, "shortest")?.text;
  const one = (character: string): [string, string] => {
    let known = characters.get(character);
    if (known === undefined) {
      known = mapped(character) ?? character;
      characters.set(character, known);
    }
    return [character, known];
  };
  const grapheme = (text: string): [string, string][] => {
    const whole = encoder.encode(text).length < 6 ? mapped(text) : undefined;
    return whole === undefined ? Array.from(text, one) : [[text, whole]];
  };
  return (text) => {
    // Below U+0300 nothing joins what precedes it, but for a line feed.
    if (/^[\0-\u02ff]*$/.test(text) && !text.includes("\r\n")) return Array.from(text, one);
    return Array.from(graphemes.segment(text), ({ segment }) => grapheme(segment)).flat();
  };
}

function precompiled(base64: string): Normalizer {
  if (base64 === "") return (text) => text;
  const map = readCharacterMap(Buffer.from(base64, "base64"));
  const read = mappedBy(map);
  const plain = changesAscii(map) ? undefined : /^[ -~]*$/;
  return (text) => {
    if (plain?.test(text)) return text;
    let result = "";
    for (const [, to] of read(text)) result += to;
    return result;
  };
}

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

function changesAscii(map: CharacterMap): boolean {
  return Array.from({ length: 95 }, (_, i) => i + 32).some((byte) => {
    const found = map.find(Uint8Array.of(byte), 0, "shortest");
    return found !== undefined && found.text !== String.fromCharCode(byte);
  });
}

/** The steps of a BertNormalizer, each of which goes by characters. */
export function normalizersOfBert(part: Part): Normalizer[] {
  const lower = flag(part, "lowercase", true);
  const accents = flag(part, "strip_accents", lower);
  const steps: Normalizer[] = [];
  if (flag(part, "clean_text", true))
    steps.push((text) =>
      text
        .replace(/[\t\n\r]/g, " ")
        .replace(/[\0\uFFFD\p{Cc}\p{Cf}\p{Co}]/gu, "")
        .replace(/\p{White_Space}/gu, " "),
    );
  if (flag(part, "handle_chinese_chars", true)) steps.push((text) => text.replace(CHINESE, " $& "));
  if (accents) steps.push((text) => text.normalize("NFD").replace(/\p{Mn}/gu, ""));
  if (lower) steps.push(lowercase);
  return steps;
}

const CHINESE =
  /[\u4E00-\u9FFF\u3400-\u4DBF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\uF900-\uFAFF\u{2F800}-\u{2FA1F}]/gu;
