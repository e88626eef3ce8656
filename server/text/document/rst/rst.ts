/**
 * Reads reStructuredText: no maintained reader of it exists for JavaScript, so blocks are read line by line as docutils
 * does.
 * @see docutils' reStructuredText Markup Specification
 */
import { type Block, plainBlock, proseBlock } from "../block.ts";
import { type Line, linesOf } from "../source.ts";
import { RstInline } from "./inline.ts";
import { ADMONITIONS, CODE, OBJECTS, substitutionsOf, TABLES } from "./names.ts";

/** The blocks of a normalized text. Never throws; linear in its length. */
export function rstBlocks(text: string): Block[] {
  const lines = linesOf(text);
  return new RstReader(text, substitutionsOf(lines)).read(lines);
}

const ADORNMENT = /^([!-/:-@[-`{-~])\1+$/;

const MOST_DEPTH = 60;

class RstReader {
  /** Styles of section titles in the order of their first use, as docutils counts levels. */
  readonly #styles: string[] = [];
  readonly #text: string;
  readonly #inline: RstInline;

  constructor(text: string, substitutions: ReadonlyMap<string, string>) {
    this.#text = text;
    this.#inline = new RstInline(text, substitutions);
  }

  /** Reads lines that are indented by at least `indent` columns. */
  read(lines: readonly Line[], indent = 0, depth = 0): Block[] {
    const blocks: Block[] = [];
    for (let i = 0; i < lines.length; ) {
      const line = lines[i];
      if (line === undefined || line.text === "") {
        i += 1;
        continue;
      }
      const next = this.#block(blocks, lines, i, indent, depth);
      i = Math.max(next, i + 1);
    }
    return blocks;
  }

  #block(blocks: Block[], lines: readonly Line[], i: number, indent: number, depth: number): number {
    const line = lines[i] as Line;
    const content = line.text.trimStart();
    if (line.indent > indent && depth < MOST_DEPTH) {
      const end = indentedEnd(lines, i, indent);
      blocks.push(
        plainBlock("quotation", line.start, endOf(lines, end), {
          children: this.read(lines.slice(i, end), line.indent, depth + 1),
        }),
      );
      return end;
    }
    const title = this.#title(blocks, lines, i);
    if (title > i) return title;
    if (content.startsWith("..") && (content === ".." || content[2] === " "))
      return this.#explicit(blocks, lines, i, content, indent, depth);
    if (content.startsWith("__ ")) {
      blocks.push(plainBlock("directive", line.start, line.end));
      return i + 1;
    }
    if (content.startsWith(">>> ")) return this.#until(blocks, "code", lines, i, (next) => next.text === "");
    if (/^[+][-=+]+[+]$/.test(content) || /^=+( +=+)+$/.test(content)) return this.#table(blocks, lines, i, content);
    if (content.startsWith("| ") || content === "|") return this.#lineBlock(blocks, lines, i);
    const item = /^(?:[-*+•‣⁃]|\(?(?:\d+|#|[a-zA-Z]|[ivxlcdmIVXLCDM]+)[.)])(\s+)(?=\S)/.exec(content);
    if (item !== null) return this.#item(blocks, lines, i, item[0].length, indent, depth);
    if (/^:[^:\s][^:]*:(\s|$)/.test(content) && !/^:[\w:+.-]+:`/.test(content))
      return this.#field(blocks, lines, i, indent);
    if (/^(-\w|--[\w-]+|\/\w+)([,=]\S*)?( \S+)*( {2,}| ?$)/.test(content))
      return this.#item(
        blocks,
        lines,
        i,
        /^(\S+( \S+)*)( {2,}|$)/.exec(content)?.[0].length ?? content.length,
        indent,
        depth,
      );
    return this.#paragraph(blocks, lines, i, indent, depth);
  }

  /** A section's title, between two adornments or above one; `i` where there is none. */
  #title(blocks: Block[], lines: readonly Line[], i: number): number {
    const [first, second, third] = [lines[i], lines[i + 1], lines[i + 2]];
    if (first === undefined) return i;
    const isOver = first.indent === 0 && ADORNMENT.test(first.text);
    if (isOver && second !== undefined && second.text !== "" && third?.text === first.text) {
      this.#heading(blocks, second, first.start, third.end, `${first.text[0]}o`);
      return i + 3;
    }
    if (isOver) return first.text.length >= 4 ? i + 1 : i; // a transition
    if (first.indent > 0 || second === undefined || !ADORNMENT.test(second.text)) return i;
    if (second.text.length < Math.min(4, first.text.length)) return i;
    this.#heading(blocks, first, first.start, second.end, second.text[0] ?? "");
    return i + 2;
  }

  #heading(blocks: Block[], line: Line, start: number, end: number, style: string): void {
    if (!this.#styles.includes(style)) this.#styles.push(style);
    const level = this.#styles.indexOf(style) + 1;
    blocks.push(
      proseBlock({ kind: "heading", level, start, end }, (builder) =>
        this.#inline.write(builder, line.start, line.end),
      ),
    );
  }

  /** Reads a block that begins with "..": a comment, target, note, substitution or directive. */
  #explicit(
    blocks: Block[],
    lines: readonly Line[],
    i: number,
    content: string,
    indent: number,
    depth: number,
  ): number {
    const line = lines[i] as Line;
    const end = indentedEnd(lines, i + 1, indent);
    const range = [line.start, endOf(lines, end)] as const;
    const directive = /^\.\. (?:\|[^|]+\| )?([\w:.+-]+)::(?:\s+(\S.*)?)?$/.exec(content);
    if (directive?.[1] === undefined) {
      const kind = /^\.\. \[[^\]]+\]/.test(content)
        ? "note"
        : /^\.\. _|^\.\. \|/.test(content)
          ? "directive"
          : "comment";
      blocks.push(plainBlock(kind, ...range));
      return end;
    }
    const name = directive[1].toLowerCase();
    if (CODE.has(name)) blocks.push(plainBlock("code", ...range, { name: directive[2] || name }));
    else if (name === "math") blocks.push(plainBlock("math", ...range));
    else if (TABLES.has(name)) blocks.push(plainBlock("table", ...range, { name }));
    else if (ADMONITIONS.has(name) || OBJECTS.test(name)) {
      blocks.push(plainBlock("directive", line.start, line.end, { name }));
      // An admonition's first line may be prose; a title, version or signature is none.
      const inline = directive[2] ?? "";
      if (
        /^(note|warning|tip|important|caution|danger|attention|error|hint|seealso|deprecated|version\w+)$/.test(name) &&
        inline !== ""
      ) {
        const words = /^version|^deprecated/.test(name) ? inline.replace(/^\S+\s*/, "") : inline;
        if (words !== "")
          blocks.push(this.#prose(line.end - words.length, endOf(lines, this.#lineEnd(lines, i + 1, end))));
        if (words !== "") return this.#content(blocks, lines, this.#lineEnd(lines, i + 1, end), end, depth);
      }
      return this.#content(blocks, lines, i + 1, end, depth);
    } else blocks.push(plainBlock("directive", ...range, { name }));
    return end;
  }

  /** The lines from `from` up to a blank one. */
  #lineEnd(lines: readonly Line[], from: number, end: number): number {
    let at = from;
    while (at < end && lines[at]?.text !== "") at += 1;
    return at;
  }

  #content(blocks: Block[], lines: readonly Line[], from: number, end: number, depth: number): number {
    let at = from;
    while (at < end && /^\s+:[\w-]+:/.test(lines[at]?.text ?? "")) at += 1; // options
    const first = lines.slice(at, end).find(({ text }) => text !== "");
    if (first !== undefined && depth < MOST_DEPTH)
      blocks.push(...this.read(lines.slice(at, end), first.indent, depth + 1));
    return end;
  }

  #table(blocks: Block[], lines: readonly Line[], i: number, content: string): number {
    if (content.startsWith("+")) return this.#until(blocks, "table", lines, i, (line) => !/^\s*[+|]/.test(line.text));
    let borders = 1;
    let at = i + 1;
    for (; at < lines.length; at++) {
      if (/^\s*=+( +=+)+$/.test(lines[at]?.text ?? "")) {
        borders += 1;
        if (borders >= 2 && (lines[at + 1]?.text ?? "") === "") break;
      }
    }
    const end = Math.min(at + 1, lines.length);
    blocks.push(plainBlock("table", (lines[i] as Line).start, endOf(lines, end)));
    return end;
  }

  #lineBlock(blocks: Block[], lines: readonly Line[], i: number): number {
    let at = i;
    for (; /^\s*\|( |$)/.test(lines[at]?.text ?? ""); at++) {
      const line = lines[at] as Line;
      const start = line.start + line.text.indexOf("|") + 1;
      if (start < line.end) blocks.push(this.#prose(start, line.end));
    }
    return at;
  }

  #item(blocks: Block[], lines: readonly Line[], i: number, mark: number, indent: number, depth: number): number {
    const line = lines[i] as Line;
    const end = indentedEnd(lines, i + 1, indent);
    const first: Line = {
      ...line,
      start: Math.min(line.start + (line.text.length - line.text.trimStart().length) + mark, line.end),
      indent: indent + mark,
      text: "",
    };
    const words = this.#text.slice(first.start, line.end);
    const rest = lines.slice(i + 1, end);
    const inner = rest.find(({ text }) => text !== "")?.indent ?? indent + mark;
    const children = this.read(
      [{ ...first, text: `${" ".repeat(inner)}${words}`, indent: inner }, ...rest].map((each, at) =>
        at === 0 && words === "" ? { ...each, text: "" } : each,
      ),
      inner,
      Math.min(depth + 1, MOST_DEPTH),
    );
    blocks.push(plainBlock("item", line.start, endOf(lines, end), { children }));
    return end;
  }

  /** A field (`:Author: Jane`): its body is not prose where it describes the document or an option. */
  #field(blocks: Block[], lines: readonly Line[], i: number, indent: number): number {
    const end = indentedEnd(lines, i + 1, indent);
    blocks.push(plainBlock("directive", (lines[i] as Line).start, endOf(lines, end), { name: "field" }));
    return end;
  }

  #until(
    blocks: Block[],
    kind: "code" | "table",
    lines: readonly Line[],
    i: number,
    isEnd: (line: Line) => boolean,
  ): number {
    let at = i;
    while (at < lines.length && !isEnd(lines[at] as Line)) at += 1;
    blocks.push(plainBlock(kind, (lines[i] as Line).start, endOf(lines, at)));
    return at;
  }

  #paragraph(blocks: Block[], lines: readonly Line[], i: number, indent: number, depth: number): number {
    let at = i + 1; // its first line may be indented less than what it stands in
    while (at < lines.length && lines[at]?.text !== "" && (lines[at]?.indent ?? 0) >= indent) {
      if (at === i + 1 && (lines[at]?.indent ?? 0) > indent) {
        // A term and its definition.
        blocks.push(this.#prose((lines[i] as Line).start, (lines[i] as Line).end));
        const end = indentedEnd(lines, at, indent);
        blocks.push(
          plainBlock("item", (lines[at] as Line).start, endOf(lines, end), {
            children: this.read(lines.slice(at, end), (lines[at] as Line).indent, Math.min(depth + 1, MOST_DEPTH)),
          }),
        );
        return end;
      }
      at += 1;
    }
    const [start, end] = [(lines[i] as Line).start, endOf(lines, at)];
    const text = this.#text.slice(start, end);
    const isLiteral = text.endsWith("::");
    if (text.trim() !== "::") blocks.push(this.#prose(start, isLiteral ? end - (/\s::$/.test(text) ? 2 : 1) : end));
    return isLiteral ? this.#literal(blocks, lines, at, indent) : at;
  }

  /** Reads the indented (or quoted) block after "::". */
  #literal(blocks: Block[], lines: readonly Line[], from: number, indent: number): number {
    let at = from;
    while (at < lines.length && lines[at]?.text === "") at += 1;
    const first = lines[at];
    if (first === undefined) return at;
    if (first.indent <= indent) {
      const mark = first.text.trimStart()[0] ?? "";
      if (!/[!-/:-@[-`{-~]/.test(mark)) return at;
      return this.#until(blocks, "code", lines, at, (line) => line.text.trimStart()[0] !== mark);
    }
    const end = indentedEnd(lines, at, indent);
    blocks.push(plainBlock("code", first.start, endOf(lines, end)));
    return end;
  }

  #prose(start: number, end: number): Block {
    return proseBlock({ kind: "paragraph", start, end }, (builder) => this.#inline.write(builder, start, end));
  }
}

/** Where the lines that are blank or indented further end; blank lines at their end are not of them. */
function indentedEnd(lines: readonly Line[], from: number, indent: number): number {
  let end = from;
  for (let at = from; at < lines.length; at++) {
    const line = lines[at] as Line;
    if (line.text === "") continue;
    if (line.indent <= indent) break;
    end = at + 1;
  }
  return end;
}

/** Where the last line before a line ends. */
function endOf(lines: readonly Line[], end: number): number {
  for (let at = end - 1; at >= 0; at--) if (lines[at]?.text !== "") return (lines[at] as Line).end;
  return lines[0]?.start ?? 0;
}
