/** Pre-tokenizers of tokenizer.json. @see huggingface/tokenizers, src/pre_tokenizers and NormalizedString::split */
import { byteText } from "./byte-level.ts";
import { flag, inTurn, literal, numberField, type Part, partsOf, patternOf, textField, unsupported } from "./part.ts";

/** A stretch of a text. */
export interface Stretch {
  readonly text: string;
  /** Number of characters at its beginning that come from the first character of the whole text. */
  readonly startLength: number;
  /** Whether it follows earlier text without white space, so that nothing is put before it. */
  readonly continues: boolean;
}

/** Splits stretches further. */
export type PreTokenizer = (stretches: readonly Stretch[]) => readonly Stretch[];

/**
 * Creates a pre-tokenizer.
 * @throws ModelError "tokenizer" that names the part which is not known
 */
export function createPreTokenizer(part: Part): PreTokenizer {
  const { type } = part;
  switch (type) {
    case "Sequence": {
      const steps = partsOf(part, "pretokenizers", "pre-tokenizer").map(createPreTokenizer);
      return inTurn(steps, charactersOf, "pre-tokenizer");
    }
    case "Metaspace":
      return metaspace(part);
    case "WhitespaceSplit":
      return splitAtWhiteSpace;
    case "Whitespace":
      return splitter(new RegExp(`[${WORD}]+|[^${WORD}\\p{White_Space}]+`, "gu"), "Removed", true);
    case "BertPreTokenizer": {
      const punctuation = splitter(PUNCTUATION, "Isolated");
      return (stretches) => punctuation(splitAtWhiteSpace(stretches));
    }
    case "Punctuation":
      return splitter(PUNCTUATION, behaviorOf(part["behavior"] ?? "Isolated"));
    case "Digits":
      return splitter(/\p{N}/gu, flag(part, "individual_digits", false) ? "Isolated" : "Contiguous");
    case "CharDelimiterSplit":
      return splitter(literal(textField(part, "delimiter", "pre-tokenizer")), "Removed");
    case "Split":
      return splitter(patternOf(part, "pre-tokenizer"), behaviorOf(part["behavior"]), flag(part, "invert", false));
    case "FixedLength": {
      const length = numberField(part, "length", "pre-tokenizer", 5);
      return splitter(new RegExp(`[\\s\\S]{1,${length}}`, "gu"), "Isolated");
    }
    case "ByteLevel":
      return byteLevel(flag(part, "add_prefix_space", true), flag(part, "use_regex", true));
    default:
      throw unsupported(`its pre-tokenizer has the type ${String(type)}, which is not known`);
  }
}

function charactersOf(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, { text }) => sum + text.length, 0);
}

/** Characters of words. @see \w of the crate regex */
export const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";
const PUNCTUATION = /[\p{P}!-/:-@[-`{-~]/gu;
const BYTE_LEVEL =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

type Behavior = "Removed" | "Isolated" | "MergedWithPrevious" | "MergedWithNext" | "Contiguous";

function behaviorOf(value: unknown): Behavior {
  switch (value) {
    case "Removed":
    case "Isolated":
    case "MergedWithPrevious":
    case "MergedWithNext":
    case "Contiguous":
      return value;
    default:
      throw unsupported(`its pre-tokenizer splits with the behavior ${String(value)}, which is not known`);
  }
}

/** @param inverted whether what does not match is the delimiter */
function splitter(pattern: RegExp, behavior: Behavior, inverted = false): PreTokenizer {
  return (stretches) =>
    stretches.flatMap(({ text, startLength, continues }) =>
      split(text, pattern, behavior, inverted).map(([from, to]) => ({
        text: text.slice(from, to),
        startLength: Math.max(0, startLength - from),
        continues: continues && from === 0,
      })),
    );
}

/** Splits at white space, as most vocabularies do first, without the objects that other splits take for every match. */
function splitAtWhiteSpace(stretches: readonly Stretch[]): Stretch[] {
  const words: Stretch[] = [];
  for (const { text, startLength, continues } of stretches) {
    let from = 0;
    for (const word of text.split(/\p{White_Space}/u)) {
      if (word !== "")
        words.push({
          text: word,
          startLength: Math.max(0, startLength - from),
          continues: continues && from === 0,
        });
      from += word.length + 1;
    }
  }
  return words;
}

type Range = [from: number, to: number];

/** The ranges that a text is split into, none of them empty. */
function split(text: string, pattern: RegExp, behavior: Behavior, inverted: boolean): Range[] {
  const parts = matches(text, pattern).map(([from, to, matched]): [number, number, boolean] => [
    from,
    to,
    matched !== inverted,
  ]);
  const ranges: Range[] = [];
  const extend = (joins: boolean, from: number, to: number) => {
    const last = ranges.at(-1);
    if (joins && last !== undefined) last[1] = to;
    else ranges.push([from, to]);
  };
  if (behavior === "MergedWithNext") {
    // From the end, as a delimiter belongs to what follows it.
    let previous = false;
    for (const [from, to, delimiter] of parts.toReversed()) {
      const last = ranges[0];
      if (delimiter && !previous && last !== undefined) last[0] = from;
      else ranges.unshift([from, to]);
      previous = delimiter;
    }
  } else {
    let previous = false;
    for (const [from, to, delimiter] of parts) {
      if (behavior === "Removed") {
        if (!delimiter) ranges.push([from, to]);
      } else if (behavior === "Contiguous") extend(delimiter === previous, from, to);
      else extend(behavior === "MergedWithPrevious" && delimiter && !previous, from, to);
      previous = delimiter;
    }
  }
  return ranges.filter(([from, to]) => to > from);
}

/** The text in parts: [from, to, whether the pattern matches]. */
function matches(text: string, pattern: RegExp): [from: number, to: number, matched: boolean][] {
  const parts: [number, number, boolean][] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) parts.push([end, match.index, false]);
    end = match.index + match[0].length;
    parts.push([match.index, end, true]);
  }
  if (end < text.length) parts.push([end, text.length, false]);
  return parts;
}

function metaspace(part: Part): PreTokenizer {
  const replacement = textField(part, "replacement", "pre-tokenizer", "▁");
  const scheme = prependScheme(part);
  const splits = flag(part, "split", true);
  const words = new RegExp(
    `${literal(replacement).source}[^${literal(replacement).source}]*|[^${literal(replacement).source}]+`,
    "gu",
  );
  return (stretches) => {
    const result: Stretch[] = [];
    for (const { text, startLength, continues } of stretches) {
      const spelled = text.replaceAll(" ", replacement);
      const prepends = !continues && (scheme === "always" || (scheme === "first" && startLength > 0));
      const prefix = prepends && !spelled.startsWith(replacement) ? replacement : "";
      const whole = prefix + spelled;
      if (!splits || whole.indexOf(replacement, 1) < 0) {
        result.push({ text: whole, startLength: startLength > 0 ? startLength + prefix.length : 0, continues });
        continue;
      }
      let left = startLength > 0 ? startLength + prefix.length : 0;
      for (const [i, word] of (whole.match(words) ?? []).entries()) {
        result.push({ text: word, startLength: Math.max(0, left), continues: continues && i === 0 });
        left -= word.length;
      }
    }
    return result;
  };
}

/** When a Metaspace puts its character before a text. */
export function prependScheme(part: Part): "always" | "first" | "never" {
  const { prepend_scheme: scheme, add_prefix_space: older } = part;
  if (scheme === undefined) return older === false ? "never" : "always";
  if (scheme === "always" || scheme === "first" || scheme === "never") return scheme;
  throw unsupported(`its Metaspace has the prepend_scheme ${String(scheme)}, which is not known`);
}

function byteLevel(prefixesSpace: boolean, usesPattern: boolean): PreTokenizer {
  const words = splitter(BYTE_LEVEL, "Isolated");
  return (stretches) => {
    const begun = prefixesSpace
      ? stretches.map((one) => (one.continues || one.text.startsWith(" ") ? one : { ...one, text: ` ${one.text}` }))
      : stretches;
    return (usesPattern ? words(begun) : begun).map((one) => ({ ...one, text: byteText(one.text) }));
  };
}
