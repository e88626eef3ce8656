/** Reads the inline markup of AsciiDoc: the text that a reader sees in a paragraph or heading. */

import { table } from "../../../../base/table.ts";
import type { ProseBuilder, RunKind } from "../block.ts";
import { writeDecoded } from "../html.ts";

/** Writes ranges of one text. */
export class AsciidocInline {
  readonly #text: string;
  readonly #attributes: ReadonlyMap<string, string>;

  /** @param attributes what `{name}` stands for, by its name in lower case */
  constructor(text: string, attributes: ReadonlyMap<string, string>) {
    this.#text = text;
    this.#attributes = attributes;
  }

  /** Writes a range. */
  write(builder: ProseBuilder, from: number, to: number): void {
    const text = this.#text;
    let at = from;
    for (const found of text.slice(from, to).matchAll(INLINE)) {
      const start = from + (found.index ?? 0);
      if (start < at) continue;
      writeDecoded(builder, text, at, start);
      at = start + found[0].length;
      this.#writeInline(builder, found[0], start, at);
    }
    writeDecoded(builder, text, at, to);
  }

  #writeInline(builder: ProseBuilder, found: string, start: number, end: number): void {
    const kind = kindOf(found);
    if (kind !== undefined) builder.run(kind, start, end);
    if (found.startsWith("//") || found.startsWith("[[") || found.startsWith("(((")) builder.drop();
    else if (found.startsWith("<<"))
      this.#words(builder, /^<<[^,>]*,\s*/.exec(found)?.[0].length, found.length - 2, start);
    else if (found.startsWith("((")) this.write(builder, start + 2, end - 2);
    else if (found.startsWith("{")) {
      const close = start + found.indexOf("}") + 1;
      if (close === end) this.#attribute(builder, found, start, end);
      else if (this.#isAddress(found.slice(0, close - start))) {
        builder.run("link", start, end);
        this.write(builder, close + 1, end - (found.endsWith("^]") ? 2 : 1));
      } else {
        this.write(builder, start, close);
        this.write(builder, close, end);
      }
    } else if (/^[\w+.-]+:[^[]*\[/.test(found)) this.#macro(builder, found, start);
    else if (found.startsWith("[")) this.write(builder, start + found.indexOf("]") + 1, end);
    else if (/^ \+\s*$/.test(found)) builder.replace(" ", start, end);
    else if (/^\+{1,3}|^`\+?/.test(found)) {
      const width = /^(\+{1,3}|`\+|`{1,2})/.exec(found)?.[0].length ?? 1;
      builder.add(this.#text, start + width, end - width);
    } else {
      const width = found[0] === found[1] ? 2 : 1;
      this.write(builder, start + width, end - width);
    }
  }

  /** Whether an attribute holds an address, which stands before the words that are shown for it. */
  #isAddress(name: string): boolean {
    const words = this.#attributes.get(name.slice(1, -1).toLowerCase());
    return words === undefined ? ADDRESS_NAME.test(name) : ADDRESS.test(words);
  }

  #attribute(builder: ProseBuilder, found: string, start: number, end: number): void {
    const word = ATTRIBUTES[found];
    const words = word ?? this.#attributes.get(found.slice(1, -1).toLowerCase());
    if (words === undefined || ADDRESS.test(words) || /[[\]]/.test(words)) builder.value(start, end);
    else builder.replace(words, start, end);
  }

  /** A link's or macro's words. */
  #macro(builder: ProseBuilder, found: string, start: number): void {
    const open = found.indexOf("[");
    const name = /^[\w+.-]+/.exec(found)?.[0] ?? "";
    if (/^(image|icon|indexterm2?|footnote(ref)?|anchor|stem|latexmath|asciimath|bibitem)$/.test(name)) {
      if (/math|stem/.test(name) && /^[\w\s.,%+=<>/()-]{1,30}$/.test(found.slice(open + 1, -1)))
        builder.add(this.#text, start + open + 1, start + found.length - 1);
      else builder.drop();
      return;
    }
    const words = found.slice(open + 1, -1);
    if (name === "menu" || name === "pass") {
      this.#uncommon(builder, name, start, start + open, start + found.length - 1);
      return;
    }
    const shown = words.replace(/,\s*(window|role|rel|opts|options)\s*=[\s\S]*$|\^$/, "").replace(/^"(.*)"$/, "$1");
    const skip = words.startsWith('"') && shown !== words ? 1 : 0;
    if (shown === "") {
      if (/^https?$/.test(name)) builder.add(this.#text, start, start + open);
      else builder.add(this.#text, start + name.length + 1, start + open);
    } else this.write(builder, start + open + 1 + skip, start + open + 1 + skip + shown.length);
  }

  /** A menu's name and its item, or what passes through to HTML, without its tags. */
  #uncommon(builder: ProseBuilder, name: "menu" | "pass", start: number, open: number, end: number): void {
    let at = open + 1;
    if (name === "menu") {
      builder.add(this.#text, start + name.length + 1, open);
      builder.replace(" > ", open, at);
    } else {
      for (const { 0: tag, index } of this.#text.slice(at, end).matchAll(/<\/?[a-z][^<>]*>/gi)) {
        builder.add(this.#text, at, open + 1 + index);
        at = open + 1 + index + tag.length;
      }
    }
    builder.add(this.#text, at, end);
  }

  #words(builder: ProseBuilder, from: number | undefined, to: number, start: number): void {
    if (from === undefined) builder.reference(start, start + to + 2);
    else this.write(builder, start + from, start + to);
  }
}

function kindOf(found: string): RunKind | undefined {
  if (found.startsWith("//")) return "comment";
  if (/^(`|\+)/.test(found)) return "code";
  if (found.startsWith("<<")) return "link";
  if (/^(\[\[|\(\(\(|\{[^}]*\}$)/.test(found)) return "directive";
  const macro = /^[\w+.-]+(?=:[^[]*\[)/.exec(found)?.[0];
  if (macro === undefined) return /^[*_]/.test(found) ? "emphasis" : undefined;
  if (/math|stem/.test(macro)) return "math";
  return /^(https?|ftp|irc|link|xref|mailto)$/.test(macro) ? "link" : "directive";
}

const ADDRESS = /^\w+:\/\/|\{/;
/** Such names are given to addresses that another file defines. */
const ADDRESS_NAME = /^\{(?:url|uri|link|href)/;

const ATTRIBUTES: Readonly<Record<string, string>> = table({
  "{nbsp}": " ",
  "{sp}": " ",
  "{empty}": "",
  "{amp}": "&",
  "{lt}": "<",
  "{gt}": ">",
  "{plus}": "+",
  "{apos}": "'",
  "{quot}": '"',
  "{asterisk}": "*",
  "{ldquo}": "“",
  "{rdquo}": "”",
  "{lsquo}": "‘",
  "{rsquo}": "’",
  "{vbar}": "|",
  "{cpp}": "C++",
  "{startsb}": "[",
  "{endsb}": "]",
  "{tilde}": "~",
  "{backtick}": "`",
  "{caret}": "^",
  "{hyphen}": "-",
  "{two-colons}": "::",
});

/** Inline markup; each part bounded. */
const INLINE =
  /\/\/ .*|\[\[[^\]\n]{1,100}\]\]|\(\(\([^)]{1,200}\)\)\)|\(\([^()]{1,200}\)\)|<<[^<>\n]{1,200}>>|\{[\w-]{1,60}\}(?:\[[^\][\n]{1,300}\])?|(?<![\w/])(?:https?|ftp|irc|link|xref|mailto|image|icon|kbd|btn|menu|footnote|footnoteref|anchor|indexterm2?|stem|latexmath|asciimath|pass|[a-z]{3,20})::?[^\s[\]]{0,300}\[(?:[^\][]|\[[^\][]{0,200}\]){0,400}\]|\[[\w.#%, -]{1,60}\](?=[*_#`])(?:\*[^*\n]{1,300}\*|_[^_\n]{1,300}_|##[^#]{1,300}##|#[^#\n]{1,300}#|`[^`\n]{1,300}`)| \+(?=\n)|\+\+\+[^+]{1,300}\+\+\+|(?<!\w)\+(?=\S)[^+\n]{1,200}\+(?!\w)|``[^`]{1,300}``|(?<![\w`])`\+[^`]{1,300}\+`|(?<![\w`])`[^`\n]{1,300}`|\*\*[^*]{1,400}\*\*|(?<![\w*])\*(?=\S)[^*]{1,400}?\*(?!\w)|__[^_]{1,400}__|(?<![\w_])_(?=\S)[^_]{1,400}?_(?!\w)|(?<=[\w)])~[^\s~]{1,60}~|(?<=[\w)])\^[^\s^]{1,60}\^|##[^#]{1,300}##|(?<![\w#&])#(?=\S)[^#\n]{1,300}#(?!\w)/g;
