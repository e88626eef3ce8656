/**
 * The characters of a normalized text that stand at the text's start: a Metaspace may put its character only there.
 * @see alignments in huggingface/tokenizers, src/tokenizer/normalizer.rs
 */
import { createNormalizer, type Normalizer, normalizersOfBert, readPrecompiled } from "./normalizers.ts";
import { type Part, partsOf, patternOf, textField } from "./part.ts";

/** The text after a step, and how many characters at its beginning are aligned with the first one of the whole text. */
interface Begun {
  readonly text: string;
  readonly length: number;
}
type Step = (begun: Begun) => Begun;

/**
 * Returns how many characters of the normalized text come from a text's first character, with those put before it; 0 if
 * nothing of it is left where the normalized text begins.
 */
export function createStartLength(part: Part): (text: string) => number {
  const step = createStep(part);
  return (text) => {
    const begun = text.slice(0, LOOKED_AT);
    return step({ text: begun, length: firstOf(begun).length }).length;
  };
}

/** More than any character becomes, with what it is joined with. */
const LOOKED_AT = 64;

function createStep(part: Part): Step {
  switch (part["type"]) {
    case "Sequence":
      return inOrder(partsOf(part, "normalizers", "normalizer").map(createStep));
    case "BertNormalizer":
      return inOrder(normalizersOfBert(part).map(byCharacter));
    case "NFC":
    case "NFKC":
      return joining(createNormalizer(part));
    case "Strip":
      return stripping(createNormalizer({ ...part, strip_right: false }));
    case "Prepend": {
      const { length: added } = textField(part, "prepend", "normalizer");
      const prepend = createNormalizer(part);
      return ({ text, length }) => ({ text: prepend(text), length: length === 0 ? 0 : length + added });
    }
    case "Replace":
      return replacing(patternOf(part, "normalizer"), textField(part, "content", "normalizer"));
    case "Precompiled":
      return mapping(readPrecompiled(textField(part, "precompiled_charsmap", "normalizer")));
    default:
      return byCharacter(createNormalizer(part));
  }
}

function inOrder(steps: readonly Step[]): Step {
  return (begun) => steps.reduce((after, step) => step(after), begun);
}

/** Each character becomes others, or nothing. */
function byCharacter(normalize: Normalizer): Step {
  return ({ text, length }) => ({ text: normalize(text), length: normalize(text.slice(0, length)).length });
}

/** Characters that are joined stand where the first of them stood. */
function joining(normalize: Normalizer): Step {
  return ({ text, length }) => {
    const [whole, rest] = [normalize(text), normalize(text.slice(length))];
    let shared = 0; // at the end: what the other characters become
    while (shared < rest.length && rest.at(-1 - shared) === whole.at(-1 - shared)) shared += 1;
    return { text: whole, length: whole.length - shared };
  };
}

function stripping(normalize: Normalizer): Step {
  return ({ text, length }) => {
    const left = normalize(text);
    return { text: left, length: Math.max(0, length - (text.length - left.length)) };
  };
}

/** A replacement stands where the last character of what it replaces stood. */
function replacing(pattern: RegExp, content: string): Step {
  return ({ text, length }) => {
    let [result, end, atStart] = ["", 0, 0];
    const keep = (to: number) => {
      result += text.slice(end, to);
      atStart += Math.max(0, Math.min(to, length) - end);
    };
    for (const match of text.matchAll(pattern)) {
      keep(match.index);
      end = match.index + match[0].length;
      result += content;
      if (end <= length) atStart += content.length;
    }
    keep(text.length);
    return { text: result, length: atStart };
  };
}

/**
 * A character map that shortens the text counts what it takes with the character before; at the start there is none, so
 * that those after it are counted from there.
 * @see replace in src/normalizers/precompiled.rs
 */
function mapping(read: ReturnType<typeof readPrecompiled>): Step {
  return ({ text, length }) => {
    const changes: { readonly character: string; taken: number }[] = [];
    for (const [from, to] of read(text)) {
      const [before, after] = [Array.from(from), Array.from(to)];
      for (const [i, character] of after.entries()) changes.push({ character, taken: i < before.length ? 1 : 0 });
      const last = changes.at(-1);
      if (last !== undefined && after.length < before.length) last.taken += before.length - after.length;
    }
    const old = Array.from(text);
    let [next, place, atStart] = [0, 0, 0];
    for (const { character, taken } of changes) {
      if (taken === 0 ? place <= length : place < length) atStart += character.length;
      for (const one of old.slice(next, next + taken)) place += one.length;
      next += taken;
    }
    return { text: changes.map(({ character }) => character).join(""), length: atStart };
  };
}

function firstOf(text: string): string {
  return text === "" ? "" : String.fromCodePoint(text.codePointAt(0) ?? 0);
}
