/**
 * The Markdown that people write beside CommonMark and GFM, as extensions of @lezer/markdown: math, templates,
 * directives, MDX, wikilinks, notes.
 */
import {
  type BlockContext,
  type BlockParser,
  parser as commonMark,
  GFM,
  type Line,
  type MarkdownConfig,
  type MarkdownParser,
} from "@lezer/markdown";
import { inlines, mdxInlines } from "./inline-syntax.ts";

/** A block that ends with its first line, and ends a paragraph before it. */
function lineBlock(name: string, test: RegExp, endsLeaf = true): BlockParser {
  const matches = (line: Line) => line.next >= 0 && test.test(line.text.slice(line.pos).trimEnd());
  return {
    name,
    parse(cx, line) {
      if (!matches(line)) return false;
      const start = cx.lineStart + line.pos;
      cx.nextLine();
      cx.addElement(cx.elt(name, start, Math.max(cx.prevLineEnd(), start)));
      return true;
    },
    ...(endsLeaf && { endLeaf: (_, line) => matches(line) }),
    before: "LinkReference",
  };
}

/** A block from a line that opens it to the line that closes it, or to the document's end. */
function fencedBlock(
  name: string,
  open: RegExp,
  isClose: (line: string, isFirst: boolean) => boolean,
  endsLeaf: boolean,
): BlockParser {
  const opens = (line: Line) => line.next >= 0 && open.test(line.text.slice(line.pos));
  return {
    name,
    parse(cx, line) {
      if (!opens(line)) return false;
      const start = cx.lineStart + line.pos;
      const { depth } = cx;
      let isFirst = true;
      for (let read = 0; ; read++) {
        const closed = isClose(line.text.slice(isFirst ? line.pos : line.basePos), isFirst);
        isFirst = false;
        if (!cx.nextLine() || closed || cx.depth < depth || read > MOST_LINES) break;
      }
      cx.addElement(cx.elt(name, start, Math.max(cx.prevLineEnd(), start)));
      return true;
    },
    endLeaf: (_, line) => endsLeaf && opens(line),
    before: "LinkReference",
  };
}

const MOST_LINES = 500;

/** A note's definition: its line, those that go on, and what is indented below it. */
const noteDefinition: BlockParser = {
  name: "NoteDefinition",
  parse(cx, line) {
    if (!NOTE.test(line.text.slice(line.pos))) return false;
    const start = cx.lineStart + line.pos;
    let isBlank = false;
    while (cx.nextLine()) {
      if (line.next < 0) isBlank = true;
      else if (isBlank && line.indent < line.baseIndent + 2) break;
      else if (!isBlank && NOTE.test(line.text.slice(line.pos))) break;
    }
    cx.addElement(cx.elt("NoteDefinition", start, Math.max(cx.prevLineEnd(), start)));
    return true;
  },
  endLeaf: (_, line) => NOTE.test(line.text.slice(line.pos)),
  before: "LinkReference",
};

const NOTE = /^\[\^[^\]\n]{1,80}\]:/;

/** MkDocs' `!!! note "Title"`, `??? note` and `=== "Tab"`: what is indented below belongs to it. */
const admonition: BlockParser = {
  name: "Admonition",
  parse(cx, line) {
    if (!ADMONITION.test(line.text.slice(line.pos))) return false;
    cx.startComposite("Admonition", line.pos);
    line.moveBase(line.text.length);
    return null;
  },
  endLeaf: (_, line) => ADMONITION.test(line.text.slice(line.pos)),
  before: "LinkReference",
};

const ADMONITION = /^(!!!|\?\?\?\+?) +\w|^===\+? +"/;

function continuesAdmonition(_: BlockContext, line: Line): boolean {
  if (line.next < 0) return true;
  if (line.indent < line.baseIndent + 4) return false;
  line.moveBaseColumn(line.baseIndent + 4);
  return true;
}

/** Blocks of all Markdown. */
const blocks: MarkdownConfig = {
  defineNodes: [
    "MathBlock",
    "CommentMarks",
    "TemplateCode",
    "DirectiveLine",
    "PercentLine",
    "NoteDefinition",
    { name: "Admonition", block: true, composite: continuesAdmonition },
  ].map((node) => (typeof node === "string" ? { name: node, block: true } : node)),
  parseBlock: [
    // As in Pandoc, no blank line stands in a formula; so one that is not closed takes no more than its paragraph.
    fencedBlock(
      "MathBlock",
      /^(\$\$|\\\[)/,
      (line, isFirst) => line.trim() === "" || isClosed(line.slice(isFirst ? 2 : 0), ["$$", "\\]"]),
      true,
    ),
    fencedBlock("CommentMarks", /^%%(?!\d)/, (line, isFirst) => isClosed(line.slice(isFirst ? 2 : 0), ["%%"]), false),
    fencedBlock(
      "TemplateCode",
      /^\{%-? *(?:highlight|comment|codeblock|mermaid|schema)\b/,
      (line) => /\{%-? *end(?:highlight|comment|codeblock|mermaid|schema)\b/.test(line),
      true,
    ),
    lineBlock("DirectiveLine", DIRECTIVE_LINE()),
    // MyST's comments, and the title, authors and date at the beginning of Pandoc's files.
    lineBlock("PercentLine", /^%(?:[ \t].*)?$/, false),
    noteDefinition,
    admonition,
  ],
};

/** Whether a line ends with one of some marks. */
function isClosed(line: string, marks: readonly string[]): boolean {
  const text = line.trimEnd();
  return marks.some((mark) => text.endsWith(mark));
}

/** Lines that only direct the program that shows the text. */
function DIRECTIVE_LINE(): RegExp {
  const alternatives = [
    ":{3}.*", // Docusaurus, Pandoc, MyST
    "\\/{3}.*(?<!\\/)", // Python-Markdown's blocks
    "(\\{\\{[^{}]*\\}\\}|\\{%[^%]*%\\}|\\s)+", // Hugo, Jekyll, Jinja
    "\\[!\\w[\\w-]*\\][+-]?.*", // callouts
    "\\[\\[?_?TOC_?\\]?\\]",
    "\\{:[^}]*\\}", // kramdown
    "\\*\\[[^\\]]+\\]:.*", // abbreviations
    "::\\w+(\\[[^\\]]*\\])?(\\{[^}]*\\})?",
    "!\\[\\[[^\\]]*\\]\\]", // Obsidian's embeds
    "<!-- *more *-->",
    "\\([\\w:.-]+\\)=", // MyST's targets and cells
    "\\+{3}( ?\\{.*\\})?",
    "#[\\w/-]+( +#[\\w/-]+)+", // Obsidian's tags
    // Vue's components, whose @ and # are not HTML's:
    '<[A-Z](?=.{1,1000}$)[\\w.-]*(?=("[^"]*"|[^<>"])*\\s[@#]\\w)("[^"]*"|[^<>"])*>',
  ];
  return new RegExp(`^(${alternatives.join("|")})$`, "i");
}

/** MDX: modules, expressions and elements between blocks. */
const mdxBlocks: MarkdownConfig = {
  defineNodes: [
    { name: "Module", block: true },
    { name: "JsxBlock", block: true },
  ],
  remove: ["IndentedCode", "HTMLBlock"],
  parseBlock: [
    {
      name: "Module",
      parse(cx, line) {
        if (line.pos > 0 || !/^(import|export)\s/.test(line.text)) return false;
        const start = cx.lineStart;
        while (cx.nextLine() && line.next >= 0);
        cx.addElement(cx.elt("Module", start, Math.max(cx.prevLineEnd(), start)));
        return true;
      },
      before: "LinkReference",
    },
    {
      name: "JsxBlock",
      parse(cx, line) {
        const first = line.text.slice(line.pos);
        if (!/^(<[A-Za-z/>!]|\{)/.test(first)) return false;
        const start = cx.lineStart + line.pos;
        const scan = createScan();
        let rest = scan.feed(first);
        // A tag or expression may go over lines; then comes only white space, or it is part of a paragraph.
        if (rest === undefined) {
          for (let read = 0; rest === undefined && read < MOST_JSX_LINES && cx.nextLine(); read++) {
            rest = scan.feed(`\n${line.text}`);
          }
        } else if (rest.trim() !== "" && !/^\s*(<[A-Za-z/>!]|\{)/.test(rest)) return false;
        cx.nextLine();
        cx.addElement(cx.elt("JsxBlock", start, Math.max(cx.prevLineEnd(), start)));
        return true;
      },
      before: "LinkReference",
      endLeaf: (_, line) => /^<\/?[A-Z][^<]*>\s*$/.test(line.text.slice(line.pos)),
    },
  ],
};

const MOST_JSX_LINES = 500;

/** Follows tags and expressions of JSX through lines: quotes and braces count. */
function createScan() {
  let braces = 0;
  let quote = "";
  let inTag = false;
  return {
    /** @returns what follows the first tag or expression, or undefined while it goes on */
    feed(text: string): string | undefined {
      for (let i = 0; i < text.length; i++) {
        const mark = text[i] ?? "";
        if (quote !== "") {
          if (mark === "\\") i += 1;
          else if (mark === quote) quote = "";
          continue;
        }
        if (braces > 0 || inTag) {
          if (mark === '"' || mark === "`" || (mark === "'" && (inTag || braces > 0))) quote = mark;
        }
        if (mark === "{") braces += 1;
        else if (mark === "}") braces = Math.max(0, braces - 1);
        else if (mark === "<" && braces === 0) inTag = true;
        else if (mark === ">" && braces === 0) inTag = false;
        if (braces === 0 && !inTag && quote === "" && (mark === ">" || mark === "}")) return text.slice(i + 1);
      }
      return undefined;
    },
  };
}

/**
 * Two parsers of one kind of Markdown: the blocks of a document without a look inside, and the elements inside one
 * block.
 */
export interface MarkdownParsers {
  readonly blocks: MarkdownParser;
  readonly inlines: MarkdownParser;
}

const INLINE_NAMES = [
  ..."Escape Entity InlineCode HTMLTag Emphasis HardBreak Link Image LinkEnd Strikethrough Autolink".split(" "),
];

/**
 * The parsers of Markdown, or of MDX. What is inside a block is read apart, since it is quadratic in the block's
 * length.
 */
export function createMarkdownParsers(isMdx: boolean): MarkdownParsers {
  const whole = commonMark.configure([GFM, blocks, ...(isMdx ? [mdxBlocks] : [])]);
  return {
    blocks: whole.configure({ remove: INLINE_NAMES }),
    inlines: whole.configure([inlines, ...(isMdx ? [mdxInlines] : [])]),
  };
}
