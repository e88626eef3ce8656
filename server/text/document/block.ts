/**
 * The tree that every reader of a format returns: blocks with their ranges in the source, and prose as a reader would
 * see it.
 */
import { onFirstCall } from "../../../base/once.ts";

/**
 * The kind of a block. Only headings and paragraphs have prose; items, quotations and sections of other names hold
 * further blocks.
 */
export type BlockKind =
  | "heading"
  | "paragraph"
  | "item"
  | "quotation"
  | "table"
  | "code"
  | "math"
  | "comment"
  | "frontMatter"
  | "directive"
  | "note"
  | "data";

/** The kind of a stretch inside a line that is more than words. */
export type RunKind =
  | "emphasis"
  | "code"
  | "link"
  | "image"
  | "address"
  | "math"
  | "tag"
  | "comment"
  | "directive"
  /** A variable, expression or reference: a reader sees words there that the text does not have. */
  | "value";

/** A stretch inside a heading or paragraph, with its marks. Ranges are in UTF-16 units of the source. */
export interface Run {
  readonly kind: RunKind;
  readonly start: number;
  readonly end: number;
  /** The address that a link names, as it is written. */
  readonly target?: string;
}

/** Text as a reader would see it, with the place of each of its characters in the source. */
export interface Prose {
  readonly text: string;
  /** Code, links, formulas and other marked stretches, in the order of their starts; those inside follow theirs. */
  readonly runs: readonly Run[];
  /** Where each character of `text` begins in the source, in UTF-16 units. */
  readonly starts: Uint32Array;
  /** Where each character of `text` ends in the source. */
  readonly ends: Uint32Array;
}

/** A part of a document. Ranges are in UTF-16 units of the source. */
export interface Block {
  readonly kind: BlockKind;
  readonly start: number;
  readonly end: number;
  /** The level of a heading, from 1. */
  readonly level?: number;
  /** The language of code, the name of a directive, the format of front matter. */
  readonly name?: string;
  /** The range between the marks of code, a comment, front matter or a Markdown heading. */
  readonly content?: { readonly start: number; readonly end: number };
  readonly children: readonly Block[];
  /** Whether this is a stretch of a long paragraph, the rest of which was not read. */
  readonly isPart?: boolean;
  /**
   * The text that a person writes in a block that is not part of the document's prose: the cells of a table, a note,
   * the links of a bar.
   */
  readonly inner?: () => readonly Block[];
  /** The prose of a heading or paragraph, made when it is first asked for. */
  readonly prose?: () => Prose;
}

/** The structure of a text. */
export interface Reading {
  readonly text: string;
  /** The blocks at an offset, with those before and after it and what holds them; others may be missing. */
  around(offset: number): readonly Block[];
  /** The headings, without those in lists and quotations. */
  headings(): readonly Block[];
}

/**
 * Collects the prose of a block: white space is joined to one blank, and what a reader does not see leaves no trace.
 */
export class ProseBuilder {
  readonly #parts: string[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #runs: Run[] = [];
  #last = "";
  /** Whether something was left out since the last visible character. */
  #dropped = false;
  /** Whether the last character is a mark that closes only if no word begins with it, as with `.env`. */
  #undecided = false;

  /** Adds source text as it stands. */
  add(source: string, start: number, end: number): void {
    for (let i = start; i < Math.min(end, source.length); i++) this.#push(source[i] ?? "", i, i + 1);
  }

  /** Adds text that stands for a range of the source, such as a decoded entity. */
  replace(text: string, start: number, end: number): void {
    for (const unit of text.split("")) this.#push(unit, start, end);
  }

  /** Leaves out a range; a blank before it goes where punctuation follows. */
  drop(): void {
    this.#dropped = true;
  }

  /** Leaves out a range where a reader sees words that the text does not have. */
  value(start: number, end: number): void {
    this.run("value", start, end);
    this.drop();
  }

  /** Leaves out a note, citation or reference, which counts as a value where a sentence does not end before it. */
  reference(start: number, end: number): void {
    const before = this.#parts.slice(-LONGEST_OPEN).join("");
    this.run(OPEN_END.test(before) ? "value" : "directive", start, end);
    this.drop();
  }

  /** Notes that a range of the source is more than words. */
  run(kind: RunKind, start: number, end: number, target?: string): void {
    if (start < end) this.#runs.push({ kind, start, end, ...(target !== undefined && { target }) });
  }

  /** The prose collected. */
  finish(): Prose {
    this.#decide("");
    let length = this.#parts.length;
    while (length > 0 && this.#parts[length - 1] === " ") length -= 1;
    return {
      text: this.#parts.slice(0, length).join(""),
      runs: this.#runs.sort((a, b) => a.start - b.start || b.end - a.end),
      starts: Uint32Array.from(this.#starts.slice(0, length)),
      ends: Uint32Array.from(this.#ends.slice(0, length)),
    };
  }

  #push(unit: string, start: number, end: number): void {
    if (isInvisible(unit)) return;
    this.#decide(unit);
    if (isBlank(unit)) {
      if (this.#last === "" || this.#last === " ") return;
      this.#append(" ", start, end);
      return;
    }
    if (this.#dropped && this.#last === " " && CLOSES.test(unit)) {
      if (BEGINS.test(unit)) this.#undecided = true;
      else this.#pop();
    }
    if (this.#dropped && unit === ")" && this.#emptyParenthesis()) return;
    this.#dropped = false;
    this.#append(unit, start, end);
  }

  /** Takes out the blank before a mark, once what follows shows that no word begins with it. */
  #decide(next: string): void {
    if (!this.#undecided) return;
    this.#undecided = false;
    if (/[\p{L}\p{N}_]/u.test(next)) return;
    for (const list of [this.#parts, this.#starts, this.#ends]) list.splice(-2, 1);
  }

  /** Takes out "(" where what stood in it was left out. */
  #emptyParenthesis(): boolean {
    let at = this.#parts.length;
    while (at > 0 && /[\s,;]/.test(this.#parts[at - 1] ?? "")) at -= 1;
    if (this.#parts[at - 1] !== "(") return false;
    while (this.#parts.length >= at) this.#pop();
    return true;
  }

  #append(unit: string, start: number, end: number): void {
    this.#parts.push(unit);
    this.#starts.push(start);
    this.#ends.push(end);
    this.#last = unit;
  }

  #pop(): void {
    this.#parts.pop();
    this.#starts.pop();
    this.#ends.pop();
    this.#last = this.#parts.at(-1) ?? "";
  }
}

const CLOSES = /[.,;:!?)\]]/;
/** Those that names begin with, too: `.env`, `:root`, `!important`. */
const BEGINS = /[.:!?]/;

/** Words that something must follow. */
const OPEN_END =
  /(?:^|[\s(])(?:an?|the|and|or|as|at|by|for|from|in|of|on|to|with|see|than|is|are|figs?\.?|figures?|tables?|eqs?\.?|equations?|sections?|sec\.|chapters?|appendix|theorem|lemma|algorithm|part|step|vgl\.|siehe|und|in|von|voir|et|de)\s*$/i;
const LONGEST_OPEN = 16;

function isBlank(unit: string): boolean {
  return (
    unit === " " ||
    unit === "\n" ||
    unit === "\t" ||
    unit === "\r" ||
    unit === "\u00A0" ||
    unit === "\f" ||
    unit === "\v"
  );
}

/** Zero-width characters, soft hyphens, controls of direction; not the joiners that emoji and Indic scripts need. */
function isInvisible(unit: string): boolean {
  if (unit < "\u2000") return unit === "\u00AD";
  if (unit === "\u200B" || unit === "\uFEFF" || unit === "\u2060") return true;
  return (unit >= "\u202A" && unit <= "\u202E") || (unit >= "\u2066" && unit <= "\u2069");
}

/** A block that has prose. The reader `write` is called once, when the prose is first asked for. */
export function proseBlock(block: Omit<Block, "prose" | "children">, write: (builder: ProseBuilder) => void): Block {
  let prose: Prose | undefined;
  return {
    ...block,
    children: [],
    prose: () => {
      if (prose === undefined) {
        const builder = new ProseBuilder();
        write(builder);
        prose = builder.finish();
      }
      return prose;
    },
  };
}

/** A block without prose. */
export function plainBlock(
  kind: BlockKind,
  start: number,
  end: number,
  more: Pick<Block, "name" | "content" | "inner"> & { readonly children?: readonly Block[] } = {},
): Block {
  const { inner } = more;
  return { kind, start, end, children: [], ...more, ...(inner !== undefined && { inner: onFirstCall(inner) }) };
}

/** Text that is not read as prose, in which a person may still write. */
export function wholeBlock(kind: "data" | "table", text: string, start = 0, end = text.length): Block {
  const inner = proseBlock({ kind: "paragraph", start, end }, (builder) => builder.add(text, start, end));
  return plainBlock(kind, start, end, { inner: () => [inner] });
}
