/**
 * Reads LaTeX. A reader of our own: @unified-latex takes seconds for 75 kB and overflows the stack at nested
 * environments, and what a reader of prose sees needs no knowledge of most commands: their braces tell.
 */
import { type Block, plainBlock, proseBlock } from "../block.ts";
import { ENVIRONMENTS, HEADINGS, QUOTATIONS, SILENT } from "./commands.ts";
import { closingBrace, macrosOf, skipArguments, skipOptional, skipOverlay } from "./groups.ts";
import { writeLatex } from "./inline.ts";
import { primitiveEnd } from "./primitives.ts";

/**
 * The blocks of a normalized LaTeX document, its macros without arguments expanded. Never throws; linear in its length.
 */
export function latexBlocks(text: string): Block[] {
  const reader = new LatexReader(text);
  reader.read();
  return reader.blocks;
}

/** The level of a slide's title, as of \frametitle. */
const SLIDE = 3;

class LatexReader {
  readonly blocks: Block[] = [];
  readonly #text: string;
  /** Macros of the document that take no arguments, and what they stand for. */
  readonly #macros: ReadonlyMap<string, string>;
  #at: number;
  /** Where the paragraph under way begins; -1: none. */
  #paragraph = -1;
  readonly #hasBody: boolean;

  constructor(text: string) {
    this.#text = text;
    this.#macros = macrosOf(text);
    this.#at = 0;
    this.#hasBody = /\\begin\s*\{document\}/.test(text);
  }

  read(): void {
    const text = this.#text;
    if (this.#hasBody) this.#preamble();
    while (this.#at < text.length) {
      const mark = text[this.#at];
      if (mark === "%") this.#comment();
      else if (mark === "\\") this.#command();
      else if (mark === "$" && text[this.#at + 1] === "$") this.#display(text.indexOf("$$", this.#at + 2), 2);
      else if (mark === "$") this.#inText(this.#formulaEnd());
      else if (mark === "\n" && /^\n[ \t]*\n/.test(text.slice(this.#at, this.#at + 200))) this.#flush(this.#at++);
      else {
        if (this.#paragraph < 0 && /\S/.test(mark ?? "")) this.#paragraph = this.#at;
        this.#at += 1;
      }
    }
    this.#flush(text.length);
  }

  /** Reads the preamble, of which only the title is prose. */
  #preamble(): void {
    const text = this.#text;
    const end = text.search(/\\begin\s*\{document\}/);
    const title = /\\title\s*(?:\[[^\]]{0,300}\]\s*)?\{/.exec(text.slice(0, end));
    if (title !== null) this.#heading(title.index, title.index + title[0].length - 1, 1);
    this.blocks.push(plainBlock("directive", 0, end, { name: "preamble" }));
    this.blocks.sort((a, b) => a.start - b.start);
    this.#at = text.indexOf("}", end) + 1;
  }

  #flush(end: number): void {
    const start = this.#paragraph;
    this.#paragraph = -1;
    if (start < 0) return;
    const text = this.#text.slice(start, end).trimEnd();
    if (text === "") return;
    const stop = start + text.length;
    const block = proseBlock({ kind: "paragraph", start, end: stop }, (builder) =>
      writeLatex(builder, this.#text, start, stop, this.#macros),
    );
    // Only commands: nothing that a reader sees.
    if (!/[\p{L}\p{N}]/u.test(text.replace(/\\[a-zA-Z@]+\*?/g, "")))
      this.blocks.push(plainBlock("directive", start, stop));
    else this.blocks.push(block);
  }

  #comment(): void {
    const start = this.#at;
    const newline = this.#text.indexOf("\n", start);
    const end = newline < 0 ? this.#text.length : newline;
    this.#at = Math.min(end + 1, this.#text.length);
    if (this.#paragraph < 0) {
      this.blocks.push(plainBlock("comment", start, end, { content: { start: start + 1, end } }));
    } else if (/^[ \t]*\n/.test(this.#text.slice(this.#at, this.#at + 200))) {
      // The comment took its line's end, but a blank line after it ends the paragraph.
      this.#flush(start);
    }
  }

  /** Where a formula in a line ends, whose marks may touch those of the next; a mark without another stands alone. */
  #formulaEnd(): number {
    const close = this.#text.indexOf("$", this.#at + 1);
    const isFormula = close >= 0 && !/\n[ \t]*\n/.test(this.#text.slice(this.#at, close));
    return isFormula ? close + 1 : this.#at + 1;
  }

  #display(close: number, width: number): void {
    const start = this.#at;
    const end = close < 0 ? this.#text.length : close + width;
    this.#flush(start);
    this.blocks.push(plainBlock("math", start, end));
    this.#at = end;
  }

  #command(): void {
    const text = this.#text;
    const start = this.#at;
    const name = /^\\([a-zA-Z@]+)\*?/.exec(text.slice(start, start + 60))?.[1];
    if (name === undefined) {
      if (text[start + 1] === "[") this.#display(text.indexOf("\\]", start + 2), 2);
      else this.#inText(start + 2);
      return;
    }
    const after = start + 1 + name.length + (text[start + 1 + name.length] === "*" ? 1 : 0);
    if (name === "begin") this.#begin(start, after);
    else if (name === "end") this.#endOf(after);
    else if (name in HEADINGS) {
      const brace = skipOptional(text, after);
      if (text[brace] === "{") this.#heading(start, brace, HEADINGS[name] ?? 2);
      else this.#inText(after);
    } else if (name === "item") {
      this.#flush(start);
      this.#at = skipOptional(text, skipOverlay(text, after));
    } else if (name === "iffalse") {
      const close = text.indexOf("\\fi", after);
      this.#flush(start);
      this.#at = close < 0 ? text.length : close + "\\fi".length;
      this.blocks.push(plainBlock("comment", start, this.#at));
    } else if (name === "verb" || name === "lstinline") {
      const mark = text[after] ?? "";
      const close = text.slice(after + 1, after + 500).indexOf(mark);
      this.#inText(close < 0 ? after : after + 2 + close);
    } else {
      const primitive = this.#macros.has(name) ? undefined : primitiveEnd(text, name, after);
      if (this.#paragraph >= 0) this.#inText(primitive ?? after);
      else if (primitive !== undefined) this.#at = primitive;
      else if (SILENT.has(name)) this.#at = skipArguments(text, after);
      else this.#inText(after);
    }
  }

  #inText(next: number): void {
    if (this.#paragraph < 0) this.#paragraph = this.#at;
    this.#at = next;
  }

  #heading(start: number, brace: number, level: number): void {
    this.#flush(start);
    const end = closingBrace(this.#text, brace);
    this.blocks.push(
      proseBlock({ kind: "heading", level, start, end }, (builder) =>
        writeLatex(builder, this.#text, brace + 1, Math.max(brace + 1, end - 1), this.#macros),
      ),
    );
    this.#at = end;
  }

  #begin(start: number, after: number): void {
    const text = this.#text;
    const name = /^\s*\{([^{}]*)\}/.exec(text.slice(after, after + 100));
    this.#flush(start);
    if (name === null) {
      this.#at = after;
      return;
    }
    const inside = after + name[0].length;
    const environment = name[1] ?? "";
    if (environment === "frame") {
      this.#frame(start, skipOptional(text, skipOverlay(text, inside)));
      return;
    }
    const kind = ENVIRONMENTS[environment];
    if (kind === undefined) {
      this.#at = environment === "document" || QUOTATIONS.has(environment) ? inside : skipArguments(text, inside);
      return;
    }
    const closing = `\\end{${environment}}`;
    const close = text.indexOf(closing, inside);
    const end = close < 0 ? text.length : close + closing.length;
    this.blocks.push(
      plainBlock(kind, start, end, { name: environment, content: { start: inside, end: close < 0 ? end : close } }),
    );
    this.#at = end;
  }

  /** A slide, whose title may follow its beginning. */
  #frame(start: number, after: number): void {
    this.#at = after;
    if (this.#text[after] === "{") this.#heading(start, after, SLIDE);
  }

  #endOf(after: number): void {
    const name = /^\s*\{([^{}]*)\}/.exec(this.#text.slice(after, after + 100));
    this.#flush(this.#at);
    this.#at = name?.[1] === "document" ? this.#text.length : after + (name?.[0].length ?? 0);
  }
}
