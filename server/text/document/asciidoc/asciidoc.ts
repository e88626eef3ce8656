/**
 * Reads AsciiDoc line by line. A reader of our own: Asciidoctor.js (1.3 MB) says lines but no columns, and runs what a
 * document includes.
 * @see docs.asciidoctor.org/asciidoc/latest/syntax-quick-reference
 */

import { type Block, plainBlock, proseBlock } from "../block.ts";
import { type Line, linesOf } from "../source.ts";
import { AsciidocInline } from "./inline.ts";

/** Blocks between two equal lines, by the line. */
const DELIMITED: readonly (readonly [RegExp, "code" | "comment" | "table" | "open" | "quotation" | "math" | "data"])[] =
  [
    [/^-{4,}$/, "code"],
    [/^\.{4,}$/, "code"],
    [/^`{3,}\w*$/, "code"],
    [/^\/{4,}$/, "comment"],
    [/^[|,:!]={3,}$/, "table"],
    [/^\+{4,}$/, "data"],
    [/^={4,}$/, "open"],
    [/^\*{4,}$/, "open"],
    [/^--$/, "open"],
    [/^~{4,}$/, "open"],
    [/^_{4,}$/, "quotation"],
    [/^"{2,}$/, "quotation"],
  ];

const MOST_DEPTH = 40;
const LONGEST_ATTRIBUTE = 500;

/** The blocks of a normalized text. Never throws; linear in its length. */
export function asciidocBlocks(text: string): Block[] {
  const lines = linesOf(text);
  const reader = new AsciidocReader(text, attributesOf(lines));
  const blocks: Block[] = [];
  const body = reader.header(blocks, lines);
  return [...blocks, ...reader.read(lines.slice(body), 0)];
}

/** What `{name}` stands for: `:name: words`, in which names that were defined before stand for their words. */
function attributesOf(lines: readonly Line[]): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const { text } of lines) {
    const found = /^:([\w-]+):\s+(\S.*)$/.exec(text);
    if (found?.[1] === undefined || map.size >= 2000) continue;
    const words = (found[2] ?? "").replace(/\{([\w-]+)\}/g, (all, name: string) => map.get(name.toLowerCase()) ?? all);
    if (words.length <= LONGEST_ATTRIBUTE) map.set(found[1].toLowerCase(), words);
  }
  return map;
}

class AsciidocReader {
  readonly #text: string;
  readonly #inline: AsciidocInline;

  constructor(text: string, attributes: ReadonlyMap<string, string>) {
    this.#text = text;
    this.#inline = new AsciidocInline(text, attributes);
  }

  /**
   * The document's header: title, authors, revision, attributes up to a blank line.
   * @returns the body's first line
   */
  header(blocks: Block[], lines: readonly Line[]): number {
    let at = 0;
    while (at < lines.length && /^(\/\/(?!\/)|:[\w!-]+:|$)/.test(lines[at]?.text ?? "")) at += 1;
    const title = lines[at];
    if (title === undefined || !/^= +\S/.test(title.text)) return 0;
    let end = at + 1;
    while (end < lines.length && lines[end]?.text !== "") end += 1;
    for (const line of lines.slice(0, end)) {
      if (line === title) blocks.push(this.#heading(line, 2, 1));
      else if (line.text !== "") blocks.push(quietBlock(line));
    }
    return end;
  }

  read(lines: readonly Line[], depth: number): Block[] {
    const blocks: Block[] = [];
    let style = "";
    for (let i = 0; i < lines.length; ) {
      const line = lines[i] as Line;
      if (line.text === "") {
        i += 1;
        style = "";
        continue;
      }
      const attributes = /^\[(.*)\]$/.exec(line.text);
      if (attributes !== null && !/^\[\[?\[?\d+\]?\]? /.test(line.text)) {
        blocks.push(plainBlock("directive", line.start, line.end));
        style = attributes[1] ?? "";
        i += 1;
        continue;
      }
      i = Math.max(i + 1, this.#block(blocks, lines, i, style, depth));
      if (lines[i - 1]?.text !== "" && !/^\.[^ .]/.test(lines[i - 1]?.text ?? "")) style = "";
    }
    return blocks;
  }

  #block(blocks: Block[], lines: readonly Line[], i: number, style: string, depth: number): number {
    const line = lines[i] as Line;
    const { text } = line;
    const heading = /^(={1,6}|#{1,6})\s+(?=\S)/.exec(text);
    if (heading !== null) {
      blocks.push(this.#heading(line, heading[0].length, heading[1]?.length ?? 1));
      return i + 1;
    }
    const next = lines[i + 1];
    const under = /^([-=~^+])\1+$/.exec(next?.text ?? "");
    if (
      under !== null &&
      next !== undefined &&
      /^\w/.test(text) &&
      Math.abs(next.text.length - text.length) <= 1 &&
      text.length > 2
    ) {
      const level = "=-~^+".indexOf(under[1] ?? "") + 1;
      blocks.push(
        proseBlock({ kind: "heading", level, start: line.start, end: next.end }, (builder) =>
          this.#inline.write(builder, line.start, line.end),
        ),
      );
      return i + 2;
    }
    const fence = DELIMITED.find(([pattern]) => pattern.test(text));
    if (fence !== undefined) return this.#delimited(blocks, lines, i, fence[1], style, depth);
    if (text.startsWith("//")) {
      blocks.push(plainBlock("comment", line.start, line.end));
      return i + 1;
    }
    if (/^:!?[\w-]+!?:/.test(text)) {
      let at = i;
      while (/ \\$/.test(lines[at]?.text ?? "")) at += 1;
      blocks.push(plainBlock("directive", line.start, (lines[at] ?? line).end));
      return at + 1;
    }
    if (/^ifdef::env-[\w,+-]+\[\]$/.test(text)) return this.#elsewhere(blocks, lines, i);
    if (
      /^(image|video|audio|include|toc|ifdef|ifndef|ifeval|endif|[\w-]+)::[^\s[]*\[.*\]$/.test(text) ||
      text === "'''" ||
      text === "<<<" ||
      /^(ifdef|ifndef|ifeval|endif)::/.test(text)
    ) {
      blocks.push(plainBlock("directive", line.start, line.end));
      return i + 1;
    }
    if (text === "+") return i + 1;
    if (/^\.[^\s.]/.test(text)) {
      blocks.push(plainBlock("directive", line.start, line.end, { name: "title" }));
      return i + 1;
    }
    const item = ITEM.exec(text);
    if (item !== null) return this.#item(blocks, lines, i, item[0].length);
    const term = /^(\S.*?)(:{2,4}|;;)(\s+|$)/.exec(text);
    if (term !== null && !/^[\w-]+::\S/.test(text)) return this.#term(blocks, lines, i, term);
    if (/^[ \t]/.test(this.#text.slice(line.start, line.start + 1)) && style === "")
      return this.#literal(blocks, lines, i);
    return this.#paragraph(blocks, lines, i, style);
  }

  /** A part that is shown only where a code host or editor displays the file, up to its "endif". */
  #elsewhere(blocks: Block[], lines: readonly Line[], i: number): number {
    let [at, depth] = [i + 1, 1];
    for (; at < lines.length && depth > 0; at++) {
      const text = lines[at]?.text ?? "";
      if (/^if(?:n?def|eval)::[^[]*\[(?:\]$|(?=.*\]$).*==)/.test(text)) depth += 1;
      else if (text.startsWith("endif::")) depth -= 1;
    }
    blocks.push(plainBlock("directive", (lines[i] as Line).start, (lines[at - 1] as Line).end));
    return at;
  }

  #heading(line: Line, mark: number, level: number): Block {
    return proseBlock({ kind: "heading", level, start: line.start, end: line.end }, (builder) =>
      this.#inline.write(builder, line.start + mark, line.start + line.text.replace(/(?<!\s)\s+=+$/, "").length),
    );
  }

  #delimited(
    blocks: Block[],
    lines: readonly Line[],
    i: number,
    kind: (typeof DELIMITED)[number][1],
    style: string,
    depth: number,
  ): number {
    const open = lines[i] as Line;
    const mark = open.text.startsWith("```") ? "```" : open.text;
    let close = i + 1;
    while (close < lines.length && lines[close]?.text !== mark) close += 1;
    const end = Math.min(close, lines.length - 1);
    const range = [open.start, (lines[end] as Line).end] as const;
    const inner = lines.slice(i + 1, close);
    const literal =
      /^(source|listing|literal|verse|plantuml|ditaa|mermaid|graphviz|asciimath|latexmath|stem|comment|passthrough|cols|%header)/.exec(
        style,
      )?.[1];
    if (kind === "open" || kind === "quotation") {
      if (literal !== undefined && literal !== "verse")
        blocks.push(
          plainBlock(literal === "comment" ? "comment" : /math|stem/.test(literal) ? "math" : "code", ...range, {
            name: style,
          }),
        );
      else if (depth > MOST_DEPTH) blocks.push(plainBlock("directive", ...range));
      else if (kind === "quotation" || /^(quote|verse)/.test(style))
        blocks.push(plainBlock("quotation", ...range, { children: this.read(inner, depth + 1) }));
      else blocks.push(plainBlock("directive", open.start, open.end), ...this.read(inner, depth + 1));
      return close + 1;
    }
    const content = { start: inner[0]?.start ?? range[1], end: inner.at(-1)?.end ?? range[1] };
    blocks.push(
      plainBlock(/^(stem|latexmath|asciimath)/.test(style) ? "math" : kind, ...range, {
        content,
        ...(style !== "" && { name: style }),
      }),
    );
    return close + 1;
  }

  #item(blocks: Block[], lines: readonly Line[], i: number, mark: number): number {
    const line = lines[i] as Line;
    const end = this.#textEnd(lines, i + 1);
    const start = line.start + mark;
    const stop = (lines[end - 1] ?? line).end;
    blocks.push(plainBlock("item", line.start, stop, { children: [this.#prose(start, stop)] }));
    return end;
  }

  #term(blocks: Block[], lines: readonly Line[], i: number, term: RegExpExecArray): number {
    const line = lines[i] as Line;
    const name = line.start + (term[1]?.length ?? 0);
    const children = [this.#prose(line.start, name)];
    const start = line.start + term[0].length;
    const end = start < line.end ? this.#textEnd(lines, i + 1) : i + 1;
    if (start < line.end) children.push(this.#prose(start, (lines[end - 1] ?? line).end));
    blocks.push(plainBlock("item", line.start, (lines[end - 1] ?? line).end, { children }));
    return end;
  }

  #literal(blocks: Block[], lines: readonly Line[], i: number): number {
    let at = i;
    while (at < lines.length && lines[at]?.text !== "") at += 1;
    // Below a term an indented line is its text.
    if (blocks.at(-1)?.kind === "item") blocks.push(this.#prose((lines[i] as Line).start, (lines[at - 1] as Line).end));
    else blocks.push(plainBlock("code", (lines[i] as Line).start, (lines[at - 1] as Line).end));
    return at;
  }

  #paragraph(blocks: Block[], lines: readonly Line[], i: number, style: string): number {
    const end = this.#textEnd(lines, i + 1);
    const [start, stop] = [(lines[i] as Line).start, (lines[end - 1] as Line).end];
    if (/^(source|listing|literal|stem|latexmath|comment|plantuml|mermaid)/.test(style))
      blocks.push(plainBlock(style.startsWith("comment") ? "comment" : "code", start, stop, { name: style }));
    else {
      const label = /^(NOTE|TIP|IMPORTANT|WARNING|CAUTION): /.exec((lines[i] as Line).text)?.[0].length ?? 0;
      blocks.push(this.#prose(start + label, stop));
    }
    return end;
  }

  /** Where a paragraph ends: at a blank line, a list's continuation, an attribute list, a delimiter or an item. */
  #textEnd(lines: readonly Line[], from: number): number {
    let at = from;
    for (; at < lines.length; at++) {
      const text = lines[at]?.text ?? "";
      if (
        text === "" ||
        text === "+" ||
        /^\[[^\]]*\]$/.test(text) ||
        ITEM.test(text) ||
        /^\S.*?(:{2,4}|;;)(\s|$)/.test(text)
      )
        break;
      if (
        DELIMITED.some(([pattern]) => pattern.test(text)) ||
        /^(ifdef|ifndef|ifeval|endif|include|image)::/.test(text)
      )
        break;
    }
    return at;
  }

  #prose(start: number, end: number): Block {
    return proseBlock({ kind: "paragraph", start, end }, (builder) => this.#inline.write(builder, start, end));
  }
}

/** A line of the header that a reader does not see. */
function quietBlock({ text, start, end }: Line): Block {
  return plainBlock(text.startsWith("//") ? "comment" : "directive", start, end);
}

const ITEM = /^\s*(?:[*\-.]{1,5}|\d+\.|[a-zA-Z]\.|<\d*\.?>)\s+(?:\[[ xX*]\]\s+)?(?=\S)/;
