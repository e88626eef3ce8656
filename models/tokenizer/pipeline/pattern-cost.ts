/**
 * Tells which patterns of a tokenizer.json are safe to run: JavaScript's engine goes back over a text as often as a
 * pattern allows, for hours with `(a+)+$`. Linear engines have no lookahead, which published patterns need.
 */

/** How a pattern, or a part of one, repeats. */
interface Cost {
  /** Repetitions of more than one character that follow one another; infinite inside another or of alternatives. */
  readonly repeats: number;
  /** Parts that may be left out. */
  readonly options: number;
}

const FREE: Cost = { repeats: 0, options: 0 };
const ENDLESS: Cost = { repeats: Number.POSITIVE_INFINITY, options: 0 };

/**
 * Why a pattern may take more than quadratic time; undefined if it does not, or is one of the published ones that are
 * known to be fast.
 * @param published as the tokenizer.json has it
 * @param source as JavaScript takes it, valid with the flags "gu"
 */
export function slowBecause(published: string, source: string): string | undefined {
  if (KNOWN.has(published)) return undefined;
  if (source.length > MOST_CHARACTERS) return `is longer than ${MOST_CHARACTERS} characters`;
  const { repeats, options } = new PatternReader(source).alternatives();
  if (repeats === Number.POSITIVE_INFINITY) return "repeats what repeats or has alternatives";
  if (repeats > 1) return "has repetitions one after another";
  return options > MOST_OPTIONS ? `has more than ${MOST_OPTIONS} optional parts` : undefined;
}

const MOST_CHARACTERS = 1000;
/** Each doubles the ways to match. */
const MOST_OPTIONS = 6;

/** The patterns of Llama 3 and cl100k, of Qwen 2, and of o200k: fast, though repetitions follow one another. */
const KNOWN: ReadonlySet<string> = new Set([
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
]);

/** Reads a valid pattern from left to right. */
class PatternReader {
  private readonly source: string;
  private at = 0;

  constructor(source: string) {
    this.source = source;
  }

  /** The cost of alternatives up to a bracket or the end. */
  alternatives(): Cost {
    let most = FREE;
    let sequence = FREE;
    for (; this.at < this.source.length && this.source[this.at] !== ")"; ) {
      if (this.source[this.at] === "|") {
        this.at += 1;
        most = larger(most, sequence);
        sequence = FREE;
      } else {
        const part = this.part();
        sequence = { repeats: sequence.repeats + part.repeats, options: sequence.options + part.options };
      }
    }
    return larger(most, sequence);
  }

  /** One character, class, group or assertion with its quantifier. */
  private part(): Cost {
    const from = this.at;
    const isGroup = this.source[from] === "(";
    const inner = isGroup ? this.group() : this.single();
    if (inner === ENDLESS) return ENDLESS;
    const quantifier = /[*+?]\??|\{\d+(,\d*)?\}\??/y;
    quantifier.lastIndex = this.at;
    const [found] = quantifier.exec(this.source) ?? [];
    if (found === undefined) return inner;
    this.at += found.length;
    if (found.startsWith("?")) return { ...inner, options: inner.options + 1 };
    const isVaried = inner.repeats + inner.options > 0 || (isGroup && this.source.slice(from, this.at).includes("|"));
    return isVaried ? ENDLESS : { repeats: 1, options: 0 };
  }

  private group(): Cost {
    const opening = /\((\?(<?[=!]|<[^>]*>|[a-z-]*:))?/y;
    opening.lastIndex = this.at;
    this.at += opening.exec(this.source)?.[0].length ?? 1;
    const inner = this.alternatives();
    this.at += 1;
    return inner;
  }

  private single(): Cost {
    const one =
      /\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[A-Za-z]|[\s\S])|\[(?:\\[\s\S]|[^\]\\])*\]|[\s\S]/uy;
    one.lastIndex = this.at;
    const [found = " "] = one.exec(this.source) ?? [];
    this.at += found.length;
    return /^\\[1-9k]/.test(found) ? ENDLESS : FREE; // what a reference repeats may have any length
  }
}

function larger(a: Cost, b: Cost): Cost {
  return { repeats: Math.max(a.repeats, b.repeats), options: Math.max(a.options, b.options) };
}
