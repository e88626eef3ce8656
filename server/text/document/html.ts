/** Reads HTML: whole pages, and the pieces of it that stand in Markdown. */
import { decodeHTML } from "entities";
import { Parser } from "htmlparser2";
import { table } from "../../../base/table.ts";
import {
  type Block,
  type BlockKind,
  type ProseBuilder,
  plainBlock,
  proseBlock,
  type RunKind,
  type Run as Stretch,
} from "./block.ts";

/** Elements whose text no reader sees as prose, by what they are. */
const SKIPPED: Readonly<Record<string, BlockKind>> = table({
  script: "code",
  style: "code",
  template: "directive",
  noscript: "directive",
  iframe: "directive",
  object: "directive",
  audio: "directive",
  video: "directive",
  svg: "data",
  canvas: "data",
  math: "math",
  head: "directive",
  nav: "directive",
  footer: "directive",
  button: "directive",
  select: "directive",
  textarea: "directive",
  pre: "code",
  listing: "code",
  table: "table",
  thead: "table",
  tbody: "table",
  tr: "table",
  td: "table",
  th: "table",
});

/** The same of DocBook and DITA, whose names may be those of components where they are written otherwise. */
const SKIPPED_IN_BOOKS: Readonly<Record<string, BlockKind>> = table({
  programlisting: "code",
  screen: "code",
  literallayout: "code",
  synopsis: "code",
  cmdsynopsis: "code",
  funcsynopsis: "code",
  codeblock: "code",
  informaltable: "table",
  simpletable: "table",
  author: "directive",
  authorgroup: "directive",
  copyright: "directive",
  legalnotice: "directive",
  revhistory: "directive",
  pubdate: "directive",
  date: "directive",
  indexterm: "directive",
  keywordset: "directive",
  footnote: "directive",
});

/** Sections of DocBook and DITA, whose titles are headings. */
const SECTION = /^(?:article|book|part|chapter|appendix|preface|section|sect[1-5]|topic|concept|task|reference)$/;

/** Elements that stand inside a line; any other begins and ends a block. */
const INLINE = new Set(
  "a abbr acronym b bdi bdo big br cite code data del dfn em font i img input ins kbd label mark q rp rt ruby s samp small span strike strong sub sup time tt u var wbr picture source".split(
    " ",
  ),
);
const INLINE_IN_BOOKS = new Set(
  "emphasis literal command filename option replaceable ulink link xref quote application productname systemitem userinput varname envar function parameter classname methodname uri email firstterm guilabel guimenu guibutton guimenuitem keycap keycombo subscript superscript phrase trademark citetitle prompt computeroutput footnote indexterm ph codeph uicontrol menucascade term keyword filepath cmdname apiname parmname msgph systemoutput".split(
    " ",
  ),
);

/** Elements inside a line whose words are not the writer's to exchange. */
const RUNS: Readonly<Record<string, RunKind>> = table({
  a: "link",
  code: "code",
  kbd: "code",
  samp: "code",
  tt: "code",
  var: "code",
  ulink: "link",
  link: "link",
  xref: "link",
  literal: "code",
  command: "code",
  filename: "code",
  option: "code",
  varname: "code",
  envar: "code",
  function: "code",
  parameter: "code",
  userinput: "code",
  codeph: "code",
  filepath: "code",
  cmdname: "code",
});

/** Elements that have no end. */
const VOID = new Set("area base br col embed hr img input link meta param source track wbr".split(" "));

/** The mark of a note, which links to it or stands in brackets. */
const NOTE = /^<sup\b[^>]*>\s*(?:<a\b[^>]*href=["']?#|\[\w{1,4}\]\s*<\/sup>)/i;
const MOST_NOTE = 400;

/** The parts that fill a page: values and statements. */
const TEMPLATE = /\{\{[^{}]{1,300}\}\}|\{%[^%]{1,300}%\}/g;

/** A range of text, or a blank that a line break stands for. */
interface Run {
  readonly start: number;
  readonly end: number;
  readonly isBlank: boolean;
}

/** The blocks of a range of a normalized text that holds HTML. Never throws; linear in the range's length. */
export function htmlBlocks(text: string, from = 0, to = text.length): Block[] {
  const reader = new HtmlReader(text, from, to);
  reader.read();
  return reader.blocks.sort((a, b) => a.start - b.start);
}

class HtmlReader {
  readonly blocks: Block[] = [];
  readonly #text: string;
  readonly #from: number;
  readonly #to: number;
  readonly #parser: Parser;
  #runs: Run[] = [];
  #stretches: Stretch[] = [];
  /** Elements of {@link RUNS} under way. */
  #open: { readonly name: string; readonly start: number }[] = [];
  /** Elements under way. */
  #depth = 0;
  /** Sections of a book under way. */
  #sections = 0;
  /** The level of the heading under way; 0: none. */
  #heading = 0;
  /** The element under way whose text is not prose, and how many of its name are open. */
  #skipped: { readonly name: string; readonly kind: BlockKind; readonly start: number; depth: number } | undefined;

  constructor(text: string, from: number, to: number) {
    this.#text = text;
    this.#from = from;
    this.#to = to;
    this.#parser = new Parser(
      {
        onopentag: (name, attributes) => this.#begin(name, attributes),
        onclosetag: (name) => this.#close(name),
        ontext: () => this.#add(false),
        oncomment: () => {
          if (this.#skipped === undefined) this.blocks.push(plainBlock("comment", this.#start(), this.#end()));
        },
      },
      { decodeEntities: false, recognizeSelfClosing: true, lowerCaseTags: true },
    );
  }

  read(): void {
    this.#parser.write(this.#text.slice(this.#from, this.#to));
    this.#parser.end();
    this.#flush();
  }

  #start(): number {
    return this.#from + this.#parser.startIndex;
  }

  #end(): number {
    return Math.min(this.#from + this.#parser.endIndex + 1, this.#to);
  }

  #add(isBlank: boolean): void {
    if (this.#skipped === undefined) this.#runs.push({ start: this.#start(), end: this.#end(), isBlank });
  }

  #begin(name: string, attributes: Readonly<Record<string, string>>): void {
    if (this.#skipped !== undefined) {
      if (name === this.#skipped.name) this.#skipped.depth += 1;
      this.#depth += 1;
      return;
    }
    const isNote = name === "sup" && NOTE.test(this.#text.slice(this.#start(), this.#start() + MOST_NOTE));
    const isHidden = "hidden" in attributes || /display:\s*none/i.test(attributes["style"] ?? "") || isNote;
    // Of a component of Vue it is what is shown.
    const isShown = name === "template" && this.#depth === 0 && this.#from === 0 && this.#to === this.#text.length;
    const isBooks = this.#text.startsWith(name, this.#start() + 1);
    const skipped = SKIPPED[name] ?? (isBooks ? SKIPPED_IN_BOOKS[name] : undefined);
    const kind = isHidden ? "directive" : isShown ? undefined : skipped;
    const isInline = INLINE.has(name) || (isBooks && INLINE_IN_BOOKS.has(name));
    this.#depth += 1;
    if (kind !== undefined) {
      if (!isInline) this.#flush();
      if (!VOID.has(name)) this.#skipped = { name, kind, start: this.#start(), depth: 1 };
    } else if (isInline) {
      this.#stretches.push({ kind: "tag", start: this.#start(), end: this.#end() });
      if (name === "br" || name === "img") this.#add(true);
      else if (RUNS[name] !== undefined) this.#open.push({ name, start: this.#start() });
    } else {
      this.#flush();
      if (SECTION.test(name)) this.#sections += 1;
      const level = name === "title" ? Math.max(1, this.#sections) : Number(/^h([1-6])$/.exec(name)?.[1] ?? 0);
      if (level > 0) this.#heading = Math.min(level, 6);
    }
  }

  #close(name: string): void {
    this.#depth -= 1;
    const skipped = this.#skipped;
    if (skipped !== undefined) {
      if (name !== skipped.name) return;
      skipped.depth -= 1;
      if (skipped.depth > 0) return;
      this.blocks.push(plainBlock(skipped.kind, skipped.start, this.#end(), { name }));
      this.#skipped = undefined;
    } else if (!INLINE.has(name) && !(this.#text.startsWith(name, this.#start() + 2) && INLINE_IN_BOOKS.has(name))) {
      this.#flush();
      if (/^(?:h[1-6]|title)$/.test(name)) this.#heading = 0;
      if (SECTION.test(name)) this.#sections -= 1;
    } else {
      const at = this.#open.findLastIndex((one) => one.name === name);
      const kind = RUNS[name];
      const [element] = at < 0 ? [] : this.#open.splice(at);
      if (element !== undefined && kind !== undefined)
        this.#stretches.push({ kind, start: element.start, end: this.#end() });
    }
  }

  #flush(): void {
    const runs = this.#runs;
    const text = this.#text;
    const level = this.#heading;
    const stretches = this.#stretches;
    this.#runs = [];
    this.#stretches = [];
    this.#open = [];
    if (!runs.some(({ start, end, isBlank }) => !isBlank && text.slice(start, end).trim() !== "")) return;
    const range = { start: runs[0]?.start ?? this.#from, end: runs.at(-1)?.end ?? this.#to };
    const kind = level > 0 ? "heading" : "paragraph";
    this.blocks.push(
      proseBlock({ kind, ...range, ...(level > 0 && { level }) }, (builder) => {
        writeRuns(builder, text, runs);
        for (const { kind: stretch, start, end } of stretches) builder.run(stretch, start, end);
      }),
    );
  }
}

function writeRuns(builder: ProseBuilder, text: string, runs: readonly Run[]): void {
  for (const { start, end, isBlank } of runs) {
    if (isBlank) {
      builder.replace(" ", start, end);
      continue;
    }
    let at = start;
    for (const { 0: template, index } of text.slice(start, end).matchAll(TEMPLATE)) {
      writeDecoded(builder, text, at, start + index);
      at = start + index + template.length;
      if (template.startsWith("{{")) builder.value(start + index, at);
      else builder.drop();
    }
    writeDecoded(builder, text, at, end);
  }
}

/** Adds source text whose character references are decoded. */
export function writeDecoded(builder: ProseBuilder, text: string, start: number, end: number): void {
  let at = start;
  for (const { 0: reference, index } of text
    .slice(start, end)
    .matchAll(/&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z][\da-zA-Z]{1,31});/g)) {
    builder.add(text, at, start + index);
    builder.replace(decodeHTML(reference), start + index, start + index + reference.length);
    at = start + index + reference.length;
  }
  builder.add(text, at, end);
}
